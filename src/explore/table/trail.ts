import type { StateKey } from './key.ts';
import type { Remembered } from './remembered.ts';
import type { TransitionTable } from './table.ts';

/** The way from the start to the state that a table is at, to be gone back step by step. */
export class Trail {
  readonly key: StateKey;
  readonly #table: TransitionTable;
  readonly #taken: Remembered[] = [];
  /** What the slots of each step held before, one behind the other. */
  #before = new Int32Array(1 << 12);
  #top = 0;

  constructor(table: TransitionTable, key: StateKey) {
    this.#table = table;
    this.key = key;
  }

  /** What can happen next, as `options` lists it: the core that moved last first. */
  options(lastCore: number): Remembered[] {
    const out: Remembered[] = [];
    this.#table.expand(lastCore, out);
    for (let core = 0; core < this.#table.cores; core++) if (core !== lastCore) this.#table.expand(core, out);
    return out;
  }

  take(transition: Remembered): void {
    const { slots, values } = transition;
    const { state } = this.#table;
    if (this.#top + slots.length > this.#before.length) {
      const grown = new Int32Array(this.#before.length * 2);
      grown.set(this.#before);
      this.#before = grown;
    }
    for (let n = 0; n < slots.length; n++) {
      const slot = slots[n]!;
      const old = state[slot]!;
      this.#before[this.#top++] = old;
      this.key.move(slot, old, values[n]!);
      state[slot] = values[n]!;
    }
    this.#taken.push(transition);
  }

  /** Undoes the last `take`. */
  back(): void {
    const { slots, values } = this.#taken.pop()!;
    const { state } = this.#table;
    for (let n = slots.length - 1; n >= 0; n--) {
      const slot = slots[n]!;
      const old = this.#before[--this.#top]!;
      this.key.move(slot, values[n]!, old);
      state[slot] = old;
    }
  }

  backToStart(): void {
    while (this.#taken.length > 0) this.back();
  }

  /** The transitions that a list of indices into `options` means, from the start. The table is at the start again behind it. */
  along(path: readonly number[]): Remembered[] {
    this.backToStart();
    let lastCore = 0;
    const out = path.map((answer) => {
      const transition = this.options(lastCore)[answer]!;
      if (transition.violations.length === 0) this.take(transition);
      lastCore = transition.core;
      return transition;
    });
    this.backToStart();
    return out;
  }
}
