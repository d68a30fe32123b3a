import type { Walk } from '../../../src/explore/explain/walk.ts';
import type { StateVector, Transition, TransitionSystem } from '../../../src/explore/table/system.ts';
import { vectorKey } from '../../../src/explore/vector.ts';
import type { Violation } from '../../../src/explore/violation.ts';

/** Walks on any transition system, by exact keys. */
export class SystemWalk implements Walk {
  readonly #system: TransitionSystem;
  readonly #instruction: (state: StateVector, transition: Transition) => bigint;
  readonly #numbers = new Map<string, number>();
  readonly #states: StateVector[];

  constructor(system: TransitionSystem, instruction: (state: StateVector, transition: Transition) => bigint) {
    this.#system = system;
    this.#instruction = instruction;
    this.#states = [system.start()];
  }

  get #state(): StateVector {
    return this.#states.at(-1)!;
  }

  next(): readonly Transition[] {
    return this.#system.next(this.#state);
  }

  take(transition: Transition): void {
    this.#states.push(this.#system.after(this.#state, transition));
  }

  back(): void {
    this.#states.pop();
  }

  arrive(): number {
    const key = vectorKey(this.#state);
    const known = this.#numbers.get(key);
    if (known !== undefined) return -1 - known;
    this.#numbers.set(key, this.#numbers.size);
    return this.#numbers.size - 1;
  }

  end(): readonly Violation[] {
    return this.#system.end(this.#state);
  }

  instruction(transition: Transition): bigint {
    return this.#instruction(this.#state, transition);
  }
}
