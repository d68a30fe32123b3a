import type { Choice } from '../../machine/choices.ts';
import type { Violation } from '../violation.ts';
import type { Transition, Waiting } from './system.ts';
import type { LookTree } from './tree.ts';

/** A remembered transition: what it does to the vector. */
export class Remembered implements Transition {
  readonly core: number;
  readonly kind: Choice['kind'];
  readonly detail: string;
  readonly stale: boolean;
  readonly reads: Int32Array;
  readonly writes: Int32Array;
  readonly violations: readonly Violation[];
  /** Number of the choice: the same for one core, kind and detail at all states. */
  readonly choice: number;
  /** Whether it commutes with others, where that was asked. */
  readonly commuting = new Map<Remembered, boolean>();
  /** Slots that it writes and the numbers of their new contents. */
  readonly slots: Int32Array;
  readonly values: Int32Array;

  constructor(
    of: Pick<Remembered, 'core' | 'kind' | 'detail' | 'stale' | 'reads' | 'writes' | 'violations' | 'choice'>,
    changes: readonly (readonly [number, number])[],
  ) {
    this.core = of.core;
    this.kind = of.kind;
    this.detail = of.detail;
    this.stale = of.stale;
    this.reads = of.reads;
    this.writes = of.writes;
    this.violations = of.violations;
    this.choice = of.choice;
    this.slots = Int32Array.from(changes, ([slot]) => slot);
    this.values = Int32Array.from(changes, ([, value]) => value);
  }
}

/** What a core did once: from one local state to another, or to the end of the run (-1). */
export interface LocalStep {
  readonly from: number;
  readonly to: number;
  readonly reads: Int32Array;
  readonly writes: Int32Array;
}

/** One choice of a core in one local state. */
export interface Offer {
  readonly index: number;
  readonly kind: Choice['kind'];
  /** Places that decided that it is offered. */
  readonly reads: readonly number[];
  readonly outcomes: LookTree<Remembered>;
}

/** What a core can do in one local state. */
export interface Offers {
  readonly offers: readonly Offer[];
  /** Those of its agents that can do nothing. */
  readonly waiting: readonly Waiting[];
  /** Places that decided all that. */
  readonly places: Int32Array;
}
