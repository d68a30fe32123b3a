import { HASH_WORDS } from './content-hash.ts';

/** Numbers for the contents of one slot, in order of arrival, and 128 bits of hash for each: what the slot adds to a state's key. */
export class Contents<T> {
  readonly values: T[] = [];
  /** `HASH_WORDS` words a content. */
  hashes: Int32Array = new Int32Array(8 * HASH_WORDS);
  /** How many were announced and are not there. */
  #missing = 0;
  readonly #numbers = new Map<string | bigint, number>();

  get size(): number {
    return this.values.length;
  }

  numberOf(key: string | bigint): number | undefined {
    return this.#numbers.get(key);
  }

  /** Gives a content its number before it is there: `put` brings it. */
  announce(key: string | bigint, hash: Int32Array): void {
    this.add(key, undefined as T, hash);
    this.#missing++;
  }

  /** Brings a content that was announced, where it is not there yet. */
  put(number: number, value: T): void {
    if (this.#missing === 0 || this.values[number] !== undefined) return;
    this.values[number] = value;
    this.#missing--;
  }

  /** Adds a content that `numberOf` does not know; its hash is the first words of `hash`. */
  add(key: string | bigint, value: T, hash: Int32Array): number {
    const number = this.values.length;
    this.values.push(value);
    this.#numbers.set(key, number);
    if ((number + 1) * HASH_WORDS > this.hashes.length) {
      const grown = new Int32Array(this.hashes.length * 2);
      grown.set(this.hashes);
      this.hashes = grown;
    }
    this.hashes.set(hash.subarray(0, HASH_WORDS), number * HASH_WORDS);
    return number;
  }
}
