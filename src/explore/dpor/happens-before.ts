import type { Transition } from '../table/system.ts';
import type { Move } from './agents.ts';

/** One event of an execution: an outcome of an agent's move. */
export interface Event {
  readonly agent: number;
  /** Which outcome of the agent's move, see `Transition.detail`. */
  readonly detail: string;
  /** What decided the whole move: a superset of what this outcome reads. */
  readonly reads: Int32Array;
  readonly writes: Int32Array;
}

export const eventOf = (move: Move, step: Transition): Event => ({
  agent: move.agent,
  detail: step.detail,
  reads: move.reads,
  writes: step.writes,
});

export const sameEvent = (a: Event, b: Event): boolean => a.agent === b.agent && a.detail === b.detail;

/** Whether two ascending lists have a number in common. */
export function meet(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const difference = a[i]! - b[j]!;
    if (difference === 0) return true;
    if (difference < 0) i++;
    else j++;
  }
  return false;
}

/** The dependency relation: of the same agent, or one writes what the other reads. What is written is read as well. */
export const dependent = (a: Event, b: Event): boolean => a.agent === b.agent || meet(a.writes, b.reads) || meet(b.writes, a.reads);

/** Whether an event and some outcome of a move depend on each other. */
export const races = (event: Event, move: Move): boolean =>
  event.agent === move.agent || meet(event.writes, move.reads) || move.steps.some((step) => meet(step.writes, event.reads));

/** Which events of an execution went before which: for each one the set of those that happen before it and itself, as bits. */
export class HappensBefore {
  readonly events: Event[] = [];
  readonly #past: Uint32Array[] = [];

  get length(): number {
    return this.events.length;
  }

  push(event: Event): void {
    const n = this.events.length;
    const past = new Uint32Array((n >>> 5) + 1);
    past[n >>> 5]! |= 1 << (n & 31);
    for (let i = n - 1; i >= 0; i--) {
      if ((past[i >>> 5]! & (1 << (i & 31))) !== 0 || !dependent(this.events[i]!, event)) continue;
      const earlier = this.#past[i]!;
      for (let w = 0; w < earlier.length; w++) past[w]! |= earlier[w]!;
    }
    this.events.push(event);
    this.#past.push(past);
  }

  pop(): void {
    this.events.pop();
    this.#past.pop();
  }

  /** Whether event i is event j or happens before it. */
  holds(i: number, j: number): boolean {
    return ((this.#past[j]![i >>> 5] ?? 0) & (1 << (i & 31))) !== 0;
  }

  /** Events behind event i that it does not happen before, in their order: what is left of the execution without it. */
  without(i: number): number[] {
    const left: number[] = [];
    for (let j = i + 1; j < this.events.length; j++) if (!this.holds(i, j)) left.push(j);
    return left;
  }

  /** Those of some events (in their order) that none of the others happens before: each could have come first. */
  initials(among: readonly number[]): number[] {
    return among.filter((j, n) => !among.slice(0, n).some((k) => this.holds(k, j)));
  }
}
