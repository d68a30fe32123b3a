/**
 * A set of 128-bit state keys with a number for each, in open addressing. Two states are taken for one only when all 128 bits of
 * their keys agree; `collisionBound` says how likely that is to have happened at all.
 */
export class VisitedSet {
  #slots: Uint32Array;
  #mask: number;
  size = 0;

  constructor(capacity = 1 << 12) {
    this.#slots = new Uint32Array(capacity * 5);
    this.#mask = capacity - 1;
  }

  /** Memory that it holds. */
  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** Number of the key at `words[at..at+3]`, from 0 in order of arrival; negative (-1 - number) when it was there already. */
  add(words: Int32Array, at: number): number {
    if (this.size * 2 > this.#mask) this.#grow();
    const a = words[at]! >>> 0;
    const b = words[at + 1]! >>> 0;
    const c = words[at + 2]! >>> 0;
    const d = words[at + 3]! >>> 0;
    const slots = this.#slots;
    for (let slot = (a ^ (c >>> 7)) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const base = slot * 5;
      const number = slots[base + 4] as number;
      if (number === 0) {
        slots[base] = a;
        slots[base + 1] = b;
        slots[base + 2] = c;
        slots[base + 3] = d;
        slots[base + 4] = ++this.size;
        return this.size - 1;
      }
      if (slots[base] === a && slots[base + 1] === b && slots[base + 2] === c && slots[base + 3] === d) return -number;
    }
  }

  /** All keys in the order of their numbers, four words each: what `restore` takes. */
  get keys(): Int32Array {
    const keys = new Int32Array(4 * this.size);
    const slots = this.#slots;
    for (let base = 0; base < slots.length; base += 5) {
      const number = slots[base + 4]!;
      if (number !== 0) keys.set(slots.subarray(base, base + 4), 4 * (number - 1));
    }
    return keys;
  }

  /** Adds keys to a set that is empty: with the same numbers. */
  restore(keys: Int32Array): void {
    for (let at = 0; at < keys.length; at += 4) this.add(keys, at);
  }

  #grow(): void {
    const old = this.#slots;
    const capacity = (this.#mask + 1) * 2;
    this.#slots = new Uint32Array(capacity * 5);
    this.#mask = capacity - 1;
    for (let base = 0; base < old.length; base += 5) {
      if (old[base + 4] === 0) continue;
      let slot = (old[base]! ^ (old[base + 2]! >>> 7)) & this.#mask;
      while (this.#slots[slot * 5 + 4] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots.set(old.subarray(base, base + 5), slot * 5);
    }
  }

  /** Upper bound of the probability that any two different states of `states` had the same key (birthday bound, 128 bits). */
  static collisionBound(states: number): number {
    return (states * states) / 2 ** 129;
  }
}
