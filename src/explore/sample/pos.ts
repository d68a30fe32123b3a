import type { Machine } from '../../machine/machine.ts';
import type { Random } from '../random.ts';
import { type Accesses, conflicts, TOUCH, touchAhead, wordAhead } from './accesses.ts';
import { MAX_AGENTS } from './agents.ts';
import { highest, type Strategy, type Turn } from './strategy.ts';

const RANGE = 2 ** 30;

/**
 * Partial-order sampling (X. Yuan, J. Yang, R. Gu, "Partial Order Aware Concurrency Sampling", CAV 2018): every event that is due has a random
 * priority of its own; when one happened, those that race with it draw theirs anew.
 */
export class Pos implements Strategy {
  readonly depth = undefined;
  readonly #priorities = new Int32Array(MAX_AGENTS);
  /** What each agent that could act was about to touch. */
  readonly #words = new Int32Array(MAX_AGENTS);
  readonly #touches = new Int32Array(MAX_AGENTS);
  readonly #due: number[] = [];
  #random: Random | undefined;

  begin(random: Random): void {
    this.#random = random;
    for (let agent = 0; agent < MAX_AGENTS; agent++) this.#priorities[agent] = random.below(RANGE);
  }

  next(turn: Turn, machine: Machine): number {
    this.#due.length = turn.count;
    for (let n = 0; n < turn.count; n++) {
      const agent = turn.agents[n] as number;
      const choice = turn.choices[n]!;
      this.#due[n] = agent;
      this.#words[agent] = wordAhead(machine, choice);
      // A step that may load or write counts as a write: one draw too many does no harm.
      this.#touches[agent] = touchAhead(choice) ?? TOUCH.write;
    }
    return highest(turn, this.#priorities);
  }

  did(agent: number, accesses: Accesses): void {
    for (const other of this.#due) if (other === agent || this.#races(other, accesses)) this.#draw(other);
  }

  #draw(agent: number): void {
    this.#priorities[agent] = this.#random?.below(RANGE) ?? 0;
  }

  #races(agent: number, accesses: Accesses): boolean {
    const word = this.#words[agent];
    for (let n = 0; n < accesses.count; n++) {
      if (accesses.words[n] === word && conflicts(accesses.touches[n] as number, this.#touches[agent] as number)) return true;
    }
    return false;
  }
}
