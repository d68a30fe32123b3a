import type { StateVector, TransitionSystem } from '../table/system.ts';
import type { Move, Moves } from './agents.ts';
import { type Event, type HappensBefore, races } from './happens-before.ts';

/** An execution without one of its events and without what that event happens before: the state behind the rest, and everybody's move there. */
export interface Without {
  readonly state: StateVector;
  readonly moves: readonly Move[];
}

/** The same with one more event behind it, which what was left out does not happen before. */
export function extend(system: TransitionSystem, moves: Moves, without: Without, event: Event): Without {
  const step = without.moves.find((m) => m.agent === event.agent)?.steps.find((s) => s.detail === event.detail);
  if (step === undefined) throw new RangeError('two transitions that look independent are not: one of them reads more than it says');
  const state = system.after(without.state, step);
  return { state, moves: moves.in(state, system.next(state)) };
}

/** What could come first in order that a race goes the other way. */
export interface Reversal {
  /** The event that shall no longer come first. */
  readonly before: number;
  /** Events of the execution that could take its place. */
  readonly initials: readonly number[];
  /** The agent whose move is in a race with it, where that can take its place. */
  readonly agent: number | undefined;
}

/**
 * Races of event i with what others could do had it not happened. The execution has just got longer by its last event; moves that this has no influence on
 * were in a race before and have been dealt with then. The agent's own move counts where it has several outcomes: another one may depend on what this
 * one does not depend on.
 */
export function racesOf(order: HappensBefore, i: number, without: Without): Reversal[] {
  const event = order.events[i]!;
  const last = order.events[order.length - 1]!;
  const isNew = (m: Move): boolean => i === order.length - 1 || races(last, m);
  const racing = without.moves.filter((m) => (m.agent !== event.agent || m.steps.length > 1) && races(event, m) && isNew(m));
  if (racing.length === 0) return [];
  const left = order.without(i);
  const initials = order.initials(left);
  return racing.map((m) => {
    const first = m.steps.length > 0 && !left.some((j) => races(order.events[j]!, m));
    return { before: i, initials, agent: first ? m.agent : undefined };
  });
}
