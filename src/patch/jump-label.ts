import { mutexLock, mutexUnlock } from './mutex.ts';
import type { Operation } from './operation.ts';
import type { Part, TextWorld } from './text-poke.ts';

/** A static key: a count of users, and branches that say whether it is 0. */
export interface StaticKey {
  /** Symbol of the count, four bytes. */
  readonly enabled: string;
  /** Writes all branches of the key (kernel: `jump_label_update`). */
  update(on: boolean): Part;
}

/** Steps of a change of a key that can be done as they once were, or wrong. */
export interface StaticKeySwitches {
  /**
   * What the first user makes of the count before the branches are written: -1, "in progress", and 1 behind them; or 1 at once, as until v4.6.
   */
  readonly raise?: 'in-progress' | 'at-once';
  /** `enable` and `disable` look at the count without the mutex and go by `inc` and `dec`, as until v4.13. */
  readonly enableCounts?: boolean;
}

/** -1 in four bytes. */
const IN_PROGRESS = 0xffffffffn;
const positive = (count: bigint): boolean => count > 0n && count < 0x80000000n;

type Asking = Generator<Operation, boolean, bigint>;

/** The users of one static key, on one core (kernel: kernel/jump_label.c). */
export class StaticKeyUser {
  readonly #world: TextWorld;
  readonly #key: StaticKey;
  readonly #switches: StaticKeySwitches;

  constructor(world: TextWorld, key: StaticKey, switches: StaticKeySwitches = {}) {
    this.#world = world;
    this.#key = key;
    this.#switches = switches;
  }

  /** Kernel: `static_key_slow_inc`. One user more; when it returns, the branches say on. */
  *inc(): Part {
    if (yield* this.#addUnless((count) => !positive(count), 1n)) return;
    yield* mutexLock(this.#world, 'jump_label_mutex');
    if (!(yield* this.#addUnless((count) => !positive(count), 1n))) yield* this.#first();
    yield* mutexUnlock(this.#world, 'jump_label_mutex');
  }

  /** Kernel: `static_key_slow_dec`. One user less; when it was the last and this returns, the branches say off. */
  *dec(): Part {
    if (yield* this.#addUnless((count) => !positive(count) || count === 1n, -1n)) return;
    yield* mutexLock(this.#world, 'jump_label_mutex');
    if ((yield { do: 'add', ...this.#word, value: -1n }) === 1n) yield* this.#key.update(false);
    yield* mutexUnlock(this.#world, 'jump_label_mutex');
  }

  /** Kernel: `static_key_enable`. On, however many ask. */
  *enable(): Part {
    if (this.#switches.enableCounts === true) {
      if ((yield this.#load()) === 0n) yield* this.inc();
      return;
    }
    if (positive(yield this.#load())) return;
    yield* mutexLock(this.#world, 'jump_label_mutex');
    if ((yield this.#load()) === 0n) yield* this.#first();
    yield* mutexUnlock(this.#world, 'jump_label_mutex');
  }

  /** Kernel: `static_key_disable`. */
  *disable(): Part {
    if (this.#switches.enableCounts === true) {
      if ((yield this.#load()) !== 0n) yield* this.dec();
      return;
    }
    yield* mutexLock(this.#world, 'jump_label_mutex');
    if ((yield* this.#exchange(1n, 0n)) === 1n) yield* this.#key.update(false);
    yield* mutexUnlock(this.#world, 'jump_label_mutex');
  }

  *#first(): Part {
    const atOnce = this.#switches.raise === 'at-once';
    yield this.#store(atOnce ? 1n : IN_PROGRESS);
    yield* this.#key.update(true);
    if (!atOnce) yield this.#store(1n);
  }

  /** Adds to the count unless it is one of some values (kernel: `static_key_fast_inc_not_disabled`, `static_key_dec_not_one`). */
  *#addUnless(refused: (count: bigint) => boolean, value: bigint): Asking {
    let count = yield this.#load();
    while (!refused(count)) {
      const found = yield* this.#exchange(count, BigInt.asUintN(32, count + value));
      if (found === count) return true;
      count = found;
    }
    return false;
  }

  get #word() {
    return { address: this.#world.symbol(this.#key.enabled), bytes: 4, what: this.#key.enabled } as const;
  }

  #load(): Operation {
    return { do: 'load', ...this.#word };
  }

  #store(value: bigint): Operation {
    return { do: 'store', ...this.#word, value };
  }

  *#exchange(expected: bigint, value: bigint): Generator<Operation, bigint, bigint> {
    return yield { do: 'compare-exchange', ...this.#word, expected, value };
  }
}
