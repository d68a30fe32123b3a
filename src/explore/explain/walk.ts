import { StateKey } from '../table/key.ts';
import type { Remembered } from '../table/remembered.ts';
import type { Transition } from '../table/system.ts';
import type { TransitionTable } from '../table/table.ts';
import { Trail } from '../table/trail.ts';
import type { Violation } from '../violation.ts';
import { VisitedSet } from '../visited.ts';

/** A place in a transition system that can be gone on from and back. */
export interface Walk {
  /** Everything that can happen next, in canonical order. */
  next(): readonly Transition[];
  take(transition: Transition): void;
  /** Undoes the last `take`. */
  back(): void;
  /** Number of the state, from 0 in order of arrival; negative (-1 - number) when it was there before. */
  arrive(): number;
  /** What the end of a run violates, where `next` is empty. */
  end(): readonly Violation[];
  /** Where the program is that makes one of the transitions of `next`: the same number for the same instruction. */
  instruction(transition: Transition): bigint;
}

/** Walks on a table of transitions of a world that has begun. Cores do not trade places: a pair of events is about two of them. */
export class TableWalk implements Walk {
  readonly #table: TransitionTable;
  readonly #trail: Trail;
  readonly #visited = new VisitedSet();

  constructor(table: TransitionTable) {
    this.#table = table;
    this.#trail = new Trail(table, new StateKey(table, 0));
  }

  next(): readonly Transition[] {
    return this.#trail.options(0);
  }

  take(transition: Transition): void {
    this.#trail.take(transition as Remembered);
  }

  back(): void {
    this.#trail.back();
  }

  arrive(): number {
    const number = this.#visited.add(this.#trail.key.compute(), 0);
    return number;
  }

  end(): readonly Violation[] {
    return this.#table.ended();
  }

  instruction(transition: Transition): bigint {
    this.#table.materialise();
    return this.#table.world.machine.cores[transition.core]!.rip;
  }
}
