import type { Choice } from '../machine/choices.ts';
import { choose, options } from './path.ts';
import type { World } from './world.ts';

/** How long a run is for who reads it. */
export interface RunLength {
  /** Changes from one core to another. */
  readonly switches: number;
  /** Fetches of something else than what memory holds. */
  readonly staleFetches: number;
  /** Events, without the drains that go with their stores. */
  readonly events: number;
}

/** One event of a run. */
export interface Move {
  readonly core: number;
  readonly kind: Choice['kind'];
  readonly stale: boolean;
}

/** What the price of the next event depends on. */
export interface Standing {
  /** Who moved last; -1 at the start. */
  readonly core: number;
  /** The stores in that core's buffer are those of its last event that was no drain: draining them now belongs to it. */
  readonly rides: boolean;
}

export const AT_START: Standing = { core: -1, rides: false };

/** More than a run has events. */
const DEVIATION = 2 ** 24;

/**
 * The price of an event. Shortest is the run with the fewest deviations from "one core after the other, as if there were no caches", and of those the
 * one with the fewest events. A switch to another core is a deviation, and so is a stale fetch, so that a run shows one only where the violation
 * needs it. A drain right behind its store is part of the store: it costs nothing where its core's buffer was empty before the event that filled it and
 * nothing but other drains of that core came in between.
 */
export function priceOf(move: Move, at: Standing): number {
  const deviations = (at.core >= 0 && at.core !== move.core ? 1 : 0) + (move.stale ? 1 : 0);
  return deviations * DEVIATION + (ridesAlong(move, at) ? 0 : 1);
}

const ridesAlong = (move: Move, at: Standing): boolean => move.kind === 'drain' && at.rides && at.core === move.core;

/** Where a run stands behind an event. `emptyBefore`: nothing was in the core's store buffer. */
export function standingAfter(move: Move, at: Standing, emptyBefore: boolean): Standing {
  return { core: move.core, rides: move.kind === 'drain' ? ridesAlong(move, at) : emptyBefore };
}

/** Adds an event to the length of the run before it. */
export function longer({ switches, staleFetches, events }: RunLength, move: Move, at: Standing): RunLength {
  return {
    switches: switches + (at.core >= 0 && at.core !== move.core ? 1 : 0),
    staleFetches: staleFetches + (move.stale ? 1 : 0),
    events: events + (ridesAlong(move, at) ? 0 : 1),
  };
}

export const NO_LENGTH: RunLength = { switches: 0, staleFetches: 0, events: 0 };

/** Measures a run, choice by choice. */
export class Meter {
  length = NO_LENGTH;
  price = 0;
  #at = AT_START;

  /** Who moved last; 0 at the start. */
  get lastCore(): number {
    return Math.max(0, this.#at.core);
  }

  /** `offered`: what else could have come. */
  add(choice: Choice, offered: readonly Choice[]): void {
    const move: Move = { core: choice.core, kind: choice.kind, stale: choice.kind === 'step' && choice.fetch?.stale === true };
    this.length = longer(this.length, move, this.#at);
    this.price += priceOf(move, this.#at);
    this.#at = standingAfter(move, this.#at, !offered.some((o) => o.core === choice.core && o.kind === 'drain'));
  }
}

/** The length of the run of `answers` in a world that has just begun. */
export function lengthOf(world: World, answers: readonly number[]): RunLength {
  const meter = new Meter();
  for (const answer of answers) {
    const offered = options(world, meter.lastCore);
    const choice = offered[answer];
    if (choice === undefined) break;
    meter.add(choice, offered);
    world.machine.mark();
    choose(world, choice);
  }
  return meter.length;
}
