import type { Choice } from '../../machine/choices.ts';
import type { Machine } from '../../machine/machine.ts';
import type { Random } from '../random.ts';
import type { Accesses } from './accesses.ts';
import type { RunSize } from './size.ts';

export const STRATEGY_NAMES = ['portfolio', 'pct', 'pos', 'window'] as const;
export type StrategyName = (typeof STRATEGY_NAMES)[number];

/** What a strategy decides about: who could go on, without those that spin. */
export interface Turn {
  /** Events of this run so far. */
  readonly event: number;
  /** How many agents can act; the arrays may be longer. */
  readonly count: number;
  /** Numbers of the agents, ascending within a core. */
  readonly agents: readonly number[];
  /** The first choice of each. */
  readonly choices: readonly Choice[];
}

/** A way to draw schedules. It keeps what it learned from one schedule to the next. */
export interface Strategy {
  /** The depth of bugs whose guarantee (`bound.ts`) each of its schedules has; undefined: none. */
  readonly depth: number | undefined;
  /** A schedule begins. `random` is this schedule's own. */
  begin(random: Random, size: RunSize): void;
  /** The index into `turn.agents` of the one that acts. */
  next(turn: Turn, machine: Machine): number;
  /** What it did. Strategies without this are not told, which is faster. */
  did?(agent: number, accesses: Accesses): void;
  /** The schedule is over. */
  end?(): void;
}

/** The index of the agent with the highest priority among those that can act. */
export function highest(turn: Turn, priorities: ArrayLike<number>): number {
  let best = 0;
  for (let n = 1; n < turn.count; n++) {
    if ((priorities[turn.agents[n] as number] as number) > (priorities[turn.agents[best] as number] as number)) best = n;
  }
  return best;
}

/** A random order of all agents: a permutation of 1 to the number of priorities. */
export function drawOrder(priorities: Int32Array, random: Random): void {
  for (let n = 0; n < priorities.length; n++) {
    const other = random.below(n + 1);
    priorities[n] = priorities[other] as number;
    priorities[other] = n + 1;
  }
}
