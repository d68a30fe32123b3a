import type { Violation } from '../violation.ts';

/**
 * A state as small numbers: slot n holds the number of the content that part n of the state has. Parts are what one core alone knows, what is pending
 * for it, text with its versions, and each word of memory that several may access. Two states are equal when all their numbers are.
 * Slots that were found later than the state was made are behind its end and hold 0, the content at the start.
 */
export type StateVector = Int32Array;

/** What one choice does to a state, and what it looked at to do so. */
export interface Transition {
  /** Whose: a core, and of it the program (`step`), the store buffer (`drain`) or the interrupt line (`interrupt`). */
  readonly core: number;
  readonly kind: string;
  /** Tells alternatives of one agent at one state apart: the bytes of a fetch, the entry of a drain, the vector. The same at all states. */
  readonly detail: string;
  /** A step that fetches something else than what memory holds. */
  readonly stale: boolean;
  /**
   * Places that decided that it can happen and what it does, in ascending order. Transitions of two agents of which neither writes a place that the
   * other reads commute, and neither makes the other impossible or different.
   */
  readonly reads: Int32Array;
  /** Places that it changes, in ascending order; all of them are in `reads`. */
  readonly writes: Int32Array;
  /** What it violates: a run ends there, and there is no state behind it. */
  readonly violations: readonly Violation[];
}

/** A core's program, store buffer or interrupt line that can do nothing in a state, and the places that decided so: it waits until one of them is written. */
export interface Waiting {
  readonly core: number;
  readonly kind: string;
  readonly reads: Int32Array;
}

/** The orders of a world as numbers: what each state's next choices do, without running the machine where that is known already. */
export interface TransitionSystem {
  /** Slots known so far; grows while `next` is used. */
  readonly slots: number;
  /** The state at the start: all zeros. */
  start(): StateVector;
  /**
   * Everything that can happen next, in canonical order (cores ascending; of each its steps, drains, interrupts). `options` of ../path.ts lists the same
   * with those of the core that moved last first. Empty where the run ends. The transitions hold for this very state.
   */
  next(state: StateVector): readonly Transition[];
  /** Those who are not in `next` of a state. Whoever is in neither list will never move again. */
  waiting(state: StateVector): readonly Waiting[];
  /** The state behind one of the transitions that `next` gave for this very state. */
  after(state: StateVector, transition: Transition): StateVector;
  /** What the end of a run violates, where `next` is empty. */
  end(state: StateVector): readonly Violation[];
}
