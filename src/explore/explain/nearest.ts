import type { Run } from './orders.ts';
import { type RunGraph, VIOLATES } from './run-graph.ts';

/** A state with the core that moved last, and how it was reached: by which edge, from which node. */
interface Reached {
  readonly node: number;
  readonly edge: number;
  readonly before: number;
}

/**
 * The run from a state to an end that violates nothing with the fewest switches between cores, and of those one with the fewest steps. `core` moved last.
 * Undefined when there is none.
 */
export function nearestPassing(graph: RunGraph, from: number, core: number): Run | undefined {
  const cores = graph.labels.reduce((most, { transition }) => Math.max(most, transition.core + 1), core + 1);
  const start = from * cores + core;
  const how = new Map<number, Reached>();
  // By switches; of each number of them by steps.
  let layer: Reached[][] = [[{ node: start, edge: -1, before: -1 }]];
  while (layer.length > 0) {
    const switched: Reached[][] = [];
    for (let steps = 0; steps < layer.length; steps++) {
      for (const reached of layer[steps] ?? []) {
        const { node } = reached;
        if (how.has(node)) continue;
        how.set(node, reached);
        const state = Math.floor(node / cores);
        if (graph.ends.get(state)?.length === 0) return wayTo(how, start, node);
        for (let e = graph.first[state]!; e < graph.first[state]! + graph.count[state]!; e++) {
          const to = graph.to[e]!;
          if (to === VIOLATES || to === state) continue;
          const mover = graph.labels[graph.label[e]!]!.transition.core;
          const list = mover === node % cores ? layer : switched;
          list[steps + 1] ??= [];
          list[steps + 1]!.push({ node: to * cores + mover, edge: e, before: node });
        }
      }
    }
    layer = switched;
  }
  return undefined;
}

function wayTo(how: ReadonlyMap<number, Reached>, start: number, end: number): Run {
  const run: number[] = [];
  for (let node = end; node !== start; ) {
    const { edge, before } = how.get(node)!;
    run.push(edge);
    node = before;
  }
  return run.reverse();
}
