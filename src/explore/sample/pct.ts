import type { Random } from '../random.ts';
import { MAX_AGENTS } from './agents.ts';
import type { RunSize } from './size.ts';
import { drawOrder, highest, type Strategy, type Turn } from './strategy.ts';

/**
 * Probabilistic concurrency testing (S. Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010):
 * agents have priorities in random order, the highest that can act does, and at depth-1 random events of the run the one about to act
 * drops below all others, to its own place there.
 */
export class Pct implements Strategy {
  readonly depth: number;
  readonly #priorities = new Int32Array(MAX_AGENTS);
  readonly #changes: Int32Array;

  constructor(depth: number) {
    this.depth = depth;
    this.#changes = new Int32Array(depth - 1);
  }

  begin(random: Random, size: RunSize): void {
    drawOrder(this.#priorities, random);
    for (let n = 0; n < this.#changes.length; n++) this.#changes[n] = size.events === 0 ? -1 : random.below(size.events);
  }

  next(turn: Turn): number {
    let top = highest(turn, this.#priorities);
    for (let n = 0; n < this.#changes.length; n++) {
      if (this.#changes[n] !== turn.event) continue;
      this.#priorities[turn.agents[top] as number] = -1 - n;
      top = highest(turn, this.#priorities);
    }
    return top;
  }
}
