import type { Choice } from '../machine/choices.ts';
import { componentsOf } from './components.ts';

const EDGE = 4;
const KINDS: Readonly<Record<Choice['kind'], number>> = { step: 0, drain: 1, interrupt: 2, invalidate: 3, evict: 4, prefetch: 5 };

/** Exact numbers of maximal paths. */
export interface PathCount {
  readonly all: bigint;
  /** Those that went through the place that was asked for. */
  readonly through: bigint;
  /** Those of them that ended in a violation. */
  readonly violating: bigint;
}

/** Where a path ended. */
interface PathEnd {
  readonly state: number;
  readonly passed: boolean;
  readonly violates: boolean;
}

/**
 * The explored graph's edges, for what only the whole graph can tell: whether some fair run goes on for ever without getting anywhere.
 */
export class StateGraph {
  /** From, to, core, kind of each edge. */
  #edges = new Int32Array(4 << 10);
  #count = 0;
  readonly #ends: PathEnd[] = [];
  /** Of each state: from which one it was first reached, and by which answer there. */
  #reached = new Int32Array(2 << 10);

  /** A state was found: first reached from `from` by `answer`. State 0 is the start. */
  reached(state: number, from: number, answer: number): void {
    if (2 * state + 2 > this.#reached.length) {
      const grown = new Int32Array(this.#reached.length * 2);
      grown.set(this.#reached);
      this.#reached = grown;
    }
    this.#reached[2 * state] = from;
    this.#reached[2 * state + 1] = answer;
  }

  /** Answers that lead to a state as it was first reached. */
  pathTo(state: number): number[] {
    const answers: number[] = [];
    for (let s = state; s !== 0; s = this.#reached[2 * s]!) answers.push(this.#reached[2 * s + 1]!);
    return answers.reverse();
  }

  /** A path ends at, or on its next step from, a state: it went through what is asked for or not, and broke something or not. */
  end(state: number, passed: boolean, violates: boolean): void {
    this.#ends.push({ state, passed, violates });
  }

  /** Memory that it holds. */
  get bytes(): number {
    return this.#edges.byteLength + this.#reached.byteLength;
  }

  /** From, to, core and kind of each edge: what `absorb` of another graph takes. */
  get edges(): Int32Array {
    return this.#edges.slice(0, this.#count * EDGE);
  }

  /** Of each of so many states, what `reached` said: what `restoreReached` takes. */
  reachedFrom(states: number): Int32Array {
    return this.#reached.slice(0, 2 * states);
  }

  restoreReached(reached: Int32Array): void {
    if (reached.length > this.#reached.length) this.#reached = new Int32Array(2 * reached.length);
    this.#reached.set(reached);
  }

  /** Adds edges of another graph over the same states. */
  absorb(edges: Int32Array): void {
    const count = this.#count + edges.length / EDGE;
    if (count * EDGE > this.#edges.length) {
      const grown = new Int32Array(count * EDGE);
      grown.set(this.#edges.subarray(0, this.#count * EDGE));
      this.#edges = grown;
    }
    this.#edges.set(edges, this.#count * EDGE);
    this.#count = count;
  }

  add(from: number, to: number, core: number, kind: Choice['kind']): void {
    if ((this.#count + 1) * EDGE > this.#edges.length) {
      const grown = new Int32Array(this.#edges.length * 2);
      grown.set(this.#edges);
      this.#edges = grown;
    }
    const at = this.#count++ * EDGE;
    this.#edges[at] = from;
    this.#edges[at + 1] = to;
    this.#edges[at + 2] = core;
    this.#edges[at + 3] = KINDS[kind];
  }

  /**
   * A state of a fair cycle: a strongly connected component with an edge in it such that everybody who can always act somewhere in it also
   * acts within it (weak fairness). A core, its store buffer and its interrupt line act each for itself: a core that spins for ever is no excuse
   * for keeping its stores or its interrupts waiting. Undefined when there is none.
   */
  fairCycle(states: number): { state: number; cores: readonly number[] } | undefined {
    const { starts, order } = this.#index(states);
    const component = this.#components(states, starts, order);
    const kinds = Object.values(KINDS);
    // Bit n is core n, one array for each kind of agent.
    const enabledAlways = kinds.map(() => new Int32Array(states).fill(-1));
    const acts = kinds.map(() => new Int32Array(states));
    for (let s = 0; s < states; s++) {
      const c = component[s] as number;
      const enabled = kinds.map(() => 0);
      for (let e = starts[s]!; e < starts[s + 1]!; e++) {
        const edge = order[e]! * EDGE;
        const bit = 1 << this.#edges[edge + 2]!;
        const kind = this.#edges[edge + 3] as number;
        enabled[kind]! |= bit;
        if (component[this.#edges[edge + 1]!] === c) acts[kind]![c]! |= bit;
      }
      for (const kind of kinds) enabledAlways[kind]![c]! &= enabled[kind] as number;
    }
    for (let s = 0; s < states; s++) {
      const c = component[s] as number;
      const acting = kinds.reduce((mask, kind) => mask | acts[kind]![c]!, 0);
      if (acting === 0 || kinds.some((kind) => (enabledAlways[kind]![c]! & ~acts[kind]![c]!) !== 0)) continue;
      const cores = Array.from({ length: 32 }, (_, i) => i).filter((i) => (acting & (1 << i)) !== 0);
      return { state: s, cores };
    }
    return undefined;
  }

  /** Whether several states lie on a circle. */
  hasCircle(states: number): boolean {
    const { starts, order } = this.#index(states);
    const component = this.#components(states, starts, order);
    return component.reduce((most, c) => Math.max(most, c + 1), 0) < states;
  }

  /**
   * Whether interchangeable cores go in circles: an edge of one of them inside a strongly connected component, or a component of several states.
   * Which of them acted is then not known from a graph whose states stand for their permutations, and fairness cannot be judged on it.
   */
  circlesAmong(states: number, interchangeable: number): boolean {
    const { starts, order } = this.#index(states);
    const component = this.#components(states, starts, order);
    for (let s = 0; s < states; s++) {
      for (let e = starts[s]!; e < starts[s + 1]!; e++) {
        const edge = order[e]! * EDGE;
        const to = this.#edges[edge + 1]!;
        if (component[to] === component[s] && (to !== s || (interchangeable & (1 << this.#edges[edge + 2]!)) !== 0)) return true;
      }
    }
    return false;
  }

  /**
   * How many maximal paths from state 0 come to each end, in the order in which `end` told them. A strongly connected component in which only one core
   * steps is a core that waits: it counts as one state. Undefined when there is any other cycle, or a component that no path leaves.
   */
  pathsByEnd(states: number): readonly bigint[] | undefined {
    const { starts, order } = this.#index(states);
    const component = this.#components(states, starts, order);
    const components = component.reduce((most, c) => Math.max(most, c + 1), 0);
    const ways = Array.from({ length: components }, () => 0n);
    ways[component[0]!] = 1n;
    const left = new Uint8Array(components);
    for (const { state } of this.#ends) left[component[state]!] = 1;
    const waiting = new Int32Array(components);
    // Components are numbered such that edges lead to smaller numbers only.
    const byComponent = Array.from({ length: states }, (_, s) => s).sort((a, b) => component[b]! - component[a]!);
    for (const s of byComponent) {
      const c = component[s] as number;
      for (let e = starts[s]!; e < starts[s + 1]!; e++) {
        const edge = order[e]! * EDGE;
        const to = component[this.#edges[edge + 1]!]!;
        if (to !== c) {
          ways[to]! += ways[c]!;
          left[c] = 1;
          continue;
        }
        if (this.#edges[edge + 3] !== KINDS.step) return undefined;
        waiting[c]! |= 1 << this.#edges[edge + 2]!;
      }
    }
    if (left.includes(0) || waiting.some((cores) => (cores & (cores - 1)) !== 0)) return undefined;
    return this.#ends.map(({ state }) => ways[component[state]!]!);
  }

  /** All maximal paths from state 0, as `pathsByEnd` counts them. */
  countPaths(states: number): PathCount | undefined {
    const ways = this.pathsByEnd(states);
    if (ways === undefined) return undefined;
    const sum = (of: (end: PathEnd) => boolean): bigint => this.#ends.reduce((n, end, i) => (of(end) ? n + ways[i]! : n), 0n);
    return { all: sum(() => true), through: sum((end) => end.passed), violating: sum((end) => end.passed && end.violates) };
  }

  #index(states: number): { starts: Int32Array; order: Int32Array } {
    const starts = new Int32Array(states + 1);
    for (let e = 0; e < this.#count; e++) starts[this.#edges[e * EDGE]! + 1]!++;
    for (let s = 0; s < states; s++) starts[s + 1]! += starts[s]!;
    const fill = starts.slice();
    const order = new Int32Array(this.#count);
    for (let e = 0; e < this.#count; e++) order[fill[this.#edges[e * EDGE]!]!++] = e;
    return { starts, order };
  }

  /** Components of the graph, remembered until it grows. */
  #components(states: number, starts: Int32Array, order: Int32Array): Int32Array {
    if (this.#known?.states === states && this.#known.count === this.#count) return this.#known.of;
    const { of } = componentsOf(states, (s, n) => (starts[s]! + n < starts[s + 1]! ? this.#edges[order[starts[s]! + n]! * EDGE + 1]! : -1));
    this.#known = { states, count: this.#count, of };
    return of;
  }

  #known: { readonly states: number; readonly count: number; readonly of: Int32Array } | undefined;
}
