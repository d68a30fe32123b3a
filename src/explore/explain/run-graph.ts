import type { Transition } from '../table/system.ts';
import type { Violation } from '../violation.ts';
import type { Walk } from './walk.ts';

/** What may happen at some states: a transition and the instruction that makes it. */
export interface Label {
  readonly transition: Transition;
  /** Address of the instruction whose step it is; of a drain or an interrupt that of nobody, 0. */
  readonly instruction: bigint;
}

/** Target of an edge that violates something: the run ends there. */
export const VIOLATES = -1;

interface Frame {
  /** Edges of the state that lead to states that were new. */
  readonly fresh: readonly number[];
  next: number;
}

/** A complete state graph as arrays: of each state its edges, of each edge where it leads and what happens. */
export class RunGraph {
  /** Edges of state s are from `first[s]` to below `first[s] + count[s]`. */
  first = new Int32Array(1 << 10);
  count = new Int32Array(1 << 10);
  /** Where each edge leads: a state, or `VIOLATES`. */
  to = new Int32Array(1 << 12);
  /** What happens on each edge: an index into `labels`. */
  label = new Int32Array(1 << 12);
  readonly labels: Label[] = [];
  states = 0;
  edges = 0;
  /** States in which a run ends, with what it violates then. */
  readonly ends = new Map<number, readonly Violation[]>();

  /** The graph of everything that can happen; undefined when it has more than `budget` edges, or `spoiled` says that it is void. */
  static of(walk: Walk, budget: number, spoiled: () => boolean = () => false): RunGraph | undefined {
    const graph = new RunGraph();
    const numbers = new Map<Transition, number>();
    const enter = (state: number): Frame => {
      const next = walk.next();
      if (next.length === 0) graph.ends.set(state, walk.end());
      graph.#open(state, next.length);
      const fresh: number[] = [];
      for (const transition of next) {
        let label = numbers.get(transition);
        if (label === undefined) {
          label = graph.labels.length;
          numbers.set(transition, label);
          graph.labels.push({ transition, instruction: transition.kind === 'step' ? walk.instruction(transition) : 0n });
        }
        let to = VIOLATES;
        if (transition.violations.length === 0) {
          walk.take(transition);
          const number = walk.arrive();
          walk.back();
          if (number >= 0) fresh.push(graph.edges);
          to = number >= 0 ? number : -1 - number;
        }
        graph.#add(to, label);
      }
      return { fresh, next: 0 };
    };
    walk.arrive();
    const stack = [enter(0)];
    while (stack.length > 0) {
      const frame = stack[stack.length - 1]!;
      const edge = frame.fresh[frame.next++];
      if (edge === undefined) {
        stack.pop();
        if (stack.length > 0) walk.back();
        continue;
      }
      if (graph.edges > budget || spoiled()) return undefined;
      walk.take(graph.labels[graph.label[edge]!]!.transition);
      stack.push(enter(graph.to[edge]!));
    }
    return spoiled() ? undefined : graph;
  }

  #open(state: number, edges: number): void {
    if (state >= this.first.length) {
      this.first = grown(this.first, state);
      this.count = grown(this.count, state);
    }
    this.first[state] = this.edges;
    this.count[state] = edges;
    this.states++;
  }

  #add(to: number, label: number): void {
    if (this.edges === this.to.length) {
      this.to = grown(this.to, this.edges);
      this.label = grown(this.label, this.edges);
    }
    this.to[this.edges] = to;
    this.label[this.edges++] = label;
  }

  /** The edge of a state on which somebody does a thing; undefined when it cannot happen there. */
  edgeOf(state: number, of: { readonly core: number; readonly kind: string; readonly detail: string }): number | undefined {
    const first = this.first[state]!;
    for (let e = first; e < first + this.count[state]!; e++) {
      const { core, kind, detail } = this.labels[this.label[e]!]!.transition;
      if (core === of.core && kind === of.kind && detail === of.detail) return e;
    }
    return undefined;
  }
}

function grown(old: Int32Array, atLeast: number): Int32Array<ArrayBuffer> {
  const out = new Int32Array(Math.max(old.length, atLeast) * 2);
  out.set(old);
  return out;
}
