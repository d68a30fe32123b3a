import { mutexLock, mutexUnlock } from './mutex.ts';
import type { Operation } from './operation.ts';
import type { Modification, Part, TextWorld } from './text-poke.ts';
import { type BatchModification, type BatchSwitches, batchFinish, type LocLayout, storeCount, storeRecord } from './text-poke-batch.ts';

/** What can be left out of the interface to the one array of v6.16. */
export interface ArraySwitches extends BatchSwitches {
  /** `single()` appends to whatever is pending: neither order nor room are looked at. */
  readonly singleAppends?: boolean;
  /** Records that the array has room for. */
  readonly capacity?: number;
}

type Loading<T> = Generator<Operation, T, bigint>;

/**
 * The batch interface of v6.16, whose array is one for all users: what is pending lies in the guest's `text_poke_array`, and whoever finishes writes what
 * everybody has added. Users hold `text_mutex` in each call, not from one call to the next.
 */
export class TextPokeArray {
  readonly #world: TextWorld;
  readonly #layout: LocLayout;
  readonly #switches: ArraySwitches;

  constructor(world: TextWorld, layout: LocLayout, switches: ArraySwitches = {}) {
    this.#world = world;
    this.#layout = layout;
    this.#switches = switches;
  }

  /** Kernel: `smp_text_poke_batch_add`. What is pending goes out first where the array is full or the new site does not come last in it. */
  *add(m: BatchModification): Part {
    const count = yield* this.#count();
    if (count > 0 && (count === this.#capacity || (yield* this.#word(count - 1, 'address', 8)) > m.site)) yield* this.finish();
    yield* this.#append(m);
  }

  /** Kernel: `smp_text_poke_single`. */
  *single(m: BatchModification): Part {
    if (this.#switches.singleAppends === true) yield* this.#append(m);
    else yield* this.add(m);
    yield* this.finish();
  }

  /** Kernel: `smp_text_poke_batch_finish`. */
  *finish(): Part {
    const count = yield* this.#count();
    if (count === 0) return;
    const pending: Modification[] = [];
    for (let i = 0; i < count; i++) pending.push(yield* this.#pending(i));
    yield* batchFinish(this.#world, this.#layout, pending, this.#switches);
  }

  /** One call of a user. */
  *locked(part: Part): Part {
    yield* mutexLock(this.#world, 'text_mutex');
    yield* part;
    yield* mutexUnlock(this.#world, 'text_mutex');
  }

  get #capacity(): number {
    return this.#switches.capacity ?? this.#layout.count / this.#layout.size;
  }

  #at(index: number): bigint {
    return this.#world.symbol('text_poke_array') + BigInt(index * this.#layout.size);
  }

  *#append(m: BatchModification): Part {
    const count = yield* this.#count();
    const at = this.#at(count);
    if (count >= this.#capacity)
      yield { do: 'call', address: this.#world.symbol('text_poke_array_overflow'), args: [at], what: 'overflow' };
    yield* storeRecord(at, this.#layout, m);
    let text = 0n;
    for (const [i, byte] of m.bytes.entries()) text |= BigInt(byte) << BigInt(8 * i);
    yield { do: 'store', address: at + BigInt(this.#layout.text), bytes: 8, value: text, what: `${m.name} record text` };
    yield storeCount(this.#world, this.#layout, count + 1);
  }

  *#count(): Loading<number> {
    return Number(yield { do: 'load', address: this.#at(0) + BigInt(this.#layout.count), bytes: 4, what: 'text_poke_array.nr' });
  }

  *#word(index: number, field: 'address' | 'length' | 'text', bytes: number): Loading<bigint> {
    return yield { do: 'load', address: this.#at(index) + BigInt(this.#layout[field]), bytes, what: `vec[${index}].${field}` };
  }

  *#pending(index: number): Loading<Modification> {
    const site = yield* this.#word(index, 'address', 8);
    const length = Number(yield* this.#word(index, 'length', 1));
    const text = yield* this.#word(index, 'text', 8);
    const bytes = Uint8Array.from({ length }, (_, i) => Number((text >> BigInt(8 * i)) & 0xffn));
    return { site, name: `vec[${index}]`, bytes };
  }
}
