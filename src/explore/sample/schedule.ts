import type { Choice } from '../../machine/choices.ts';
import { choose, endOf, options } from '../path.ts';
import type { Random } from '../random.ts';
import type { Violation } from '../violation.ts';
import type { World } from '../world.ts';
import { Accesses } from './accesses.ts';
import { agentOf } from './agents.ts';
import type { RunSize } from './size.ts';
import { Spins } from './spin.ts';
import type { Strategy } from './strategy.ts';

/** Longest run of a sampled schedule, in events. */
export const MAX_EVENTS = 5000;

export interface Run {
  readonly answers: readonly number[];
  readonly violation: Violation | undefined;
  /** It had no end: all that could act spun, or it got too long. */
  readonly cut: boolean;
}

/** Runs schedules in one world, one after the other; what they need is kept from one to the next. */
export class Scheduler {
  readonly #world: World;
  readonly #size: RunSize;
  readonly #spins = new Spins();
  readonly #accesses = new Accesses();
  readonly #turn: { event: number; count: number; agents: number[]; choices: Choice[] } = { event: 0, count: 0, agents: [], choices: [] };

  constructor(world: World, size: RunSize) {
    this.#world = world;
    this.#size = size;
  }

  /** Something else than the version of a fetch was left to chance. */
  gambled = false;

  /** One run from the base state. `random` draws which version a fetch returns; with `newest` each returns what memory holds. */
  run(strategy: Strategy, random: Random, newest: boolean): Run {
    const { machine } = this.#world;
    const answers: number[] = [];
    let lastCore = 0;
    this.#spins.begin(machine);
    while (answers.length < MAX_EVENTS) {
      const offered = options(this.#world, lastCore);
      if (offered.length === 0) return { answers, violation: endOf(this.#world)[0], cut: false };
      if (!this.#look(offered, answers.length)) return { answers, violation: undefined, cut: true };
      const agent = this.#turn.agents[strategy.next(this.#turn, machine)] as number;
      const answer = this.#answer(offered, agent, random, newest);
      const choice = offered[answer] as Choice;
      answers.push(answer);
      machine.mark();
      const [violation] = choose(this.#world, choice);
      if (strategy.did !== undefined) {
        this.#accesses.take(machine, choice);
        strategy.did(agent, this.#accesses);
      }
      if (violation !== undefined) return { answers, violation, cut: false };
      lastCore = choice.core;
      this.#spins.acted(agent, this.#turn.count === 1, machine);
    }
    return { answers, violation: undefined, cut: true };
  }

  /** Finds who can act and does not spin. False when nothing comes of waking all. */
  #look(offered: readonly Choice[], event: number): boolean {
    const turn = this.#turn;
    turn.event = event;
    for (;;) {
      turn.count = 0;
      let before = -1;
      for (const choice of offered) {
        const agent = agentOf(choice);
        if (agent === before) continue;
        before = agent;
        this.#size.saw(agent);
        if (!this.#spins.isAwake(agent, this.#world.machine)) continue;
        turn.agents[turn.count] = agent;
        turn.choices[turn.count] = choice;
        turn.count++;
      }
      if (turn.count > 0) return true;
      if (!this.#spins.wakeAll()) return false;
    }
  }

  /** Which of the choices of an agent: its versions of a fetch are next to each other, what memory holds first. */
  #answer(offered: readonly Choice[], agent: number, random: Random, newest: boolean): number {
    let first = 0;
    while (agentOf(offered[first] as Choice) !== agent) first++;
    let end = first + 1;
    while (end < offered.length && agentOf(offered[end] as Choice) === agent) end++;
    if (end - first === 1) return first;
    const isFetch = offered[first]?.kind === 'step';
    if (newest && isFetch) return first;
    if (!isFetch) this.gambled = true;
    return first + random.below(end - first);
  }
}
