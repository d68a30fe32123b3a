import type { Components } from '../components.ts';
import { type RunGraph, VIOLATES } from './run-graph.ts';

/** Of each state 1 where some run from there ends and violates nothing. */
export function canPass(graph: RunGraph, components: Components): Uint8Array {
  const passes = new Uint8Array(components.count);
  for (const s of components.order) {
    const c = components.of[s]!;
    if (graph.ends.get(s)?.length === 0) passes[c] = 1;
    for (let e = graph.first[s]!; e < graph.first[s]! + graph.count[s]!; e++) {
      const to = graph.to[e]!;
      if (to !== VIOLATES && passes[components.of[to]!] === 1) passes[c] = 1;
    }
  }
  return Uint8Array.from({ length: graph.states }, (_, s) => passes[components.of[s]!]!);
}

/** Exact numbers of the maximal paths from a state. */
export interface Paths {
  readonly all: bigint;
  readonly violating: bigint;
}

/**
 * The maximal paths from each state, and those of them that end in a violation. A component in which one core alone steps is a core that waits: its rounds
 * count as one state (await-collapse). Undefined when there is any other cycle, or one that no path leaves.
 */
export function countFutures(graph: RunGraph, components: Components): ((state: number) => Paths) | undefined {
  const all = Array.from({ length: components.count }, () => 0n);
  const violating = Array.from({ length: components.count }, () => 0n);
  const waiting = new Int32Array(components.count);
  for (const s of components.order) {
    const c = components.of[s]!;
    const end = graph.ends.get(s);
    if (end !== undefined) {
      all[c]!++;
      if (end.length > 0) violating[c]!++;
    }
    for (let e = graph.first[s]!; e < graph.first[s]! + graph.count[s]!; e++) {
      const to = graph.to[e]!;
      if (to === VIOLATES) {
        all[c]!++;
        violating[c]!++;
      } else if (components.of[to] !== c) {
        all[c]! += all[components.of[to]!]!;
        violating[c]! += violating[components.of[to]!]!;
      } else {
        const { core, kind } = graph.labels[graph.label[e]!]!.transition;
        if (kind !== 'step') return undefined;
        waiting[c]! |= 1 << core;
      }
    }
  }
  if (all.some((n, c) => n === 0n || (waiting[c]! & (waiting[c]! - 1)) !== 0)) return undefined;
  return (state) => ({ all: all[components.of[state]!]!, violating: violating[components.of[state]!]! });
}
