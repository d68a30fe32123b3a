import { TextpokeError } from '../../error.ts';

/** Words of an entry: four of the key, and 1 + the number of the state; 0 where the entry is free, `BUSY` while somebody fills it. */
const ENTRY = 5;
const STATUS = 4;
const BUSY = -1;
/** Entries that one key may be in, at each level. */
const BUCKET = 8;
const FIRST_LEVEL = 1 << 12;
const LARGEST_LEVEL = 1 << 26;
const HEADER_WORDS = 16;
/** Most that V8 gives one buffer. Address space only: memory is taken level by level. */
const MAX_BYTES = 2 ** 32;

/** Swaps `to` in where the word is `from`, and gives what was there: `Atomics.compareExchange`, or what a test puts in its place. */
export type Claim = (words: Int32Array, at: number, from: number, to: number) => number;

const levelSize = (level: number): number => Math.min(FIRST_LEVEL * 4 ** level, LARGEST_LEVEL);

/**
 * A set of 128-bit state keys that several threads fill at once, with a number for each key in order of arrival. A key belongs into one bucket of each
 * level; it stands in the first one that had room when it came. Entries are never taken away, so a bucket that is full stays full and all threads agree
 * where to look; a level four times larger begins where the last one is full for somebody. Nothing ever moves and nobody waits, but for the few stores
 * between a claim and its publication.
 */
export class SharedVisited {
  readonly #buffer: SharedArrayBuffer;
  readonly #header: Int32Array;
  readonly #levels: Int32Array[] = [];
  readonly #claim: Claim;

  /** On a buffer of `SharedVisited.buffer`. */
  constructor(buffer: SharedArrayBuffer, claim: Claim = Atomics.compareExchange) {
    this.#buffer = buffer;
    this.#header = new Int32Array(buffer, 0, HEADER_WORDS);
    this.#claim = claim;
  }

  static buffer(): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_WORDS * 4, { maxByteLength: MAX_BYTES });
  }

  /** Keys so far. */
  get size(): number {
    return Atomics.load(this.#header, 0);
  }

  get bytes(): number {
    return this.#buffer.byteLength;
  }

  /** Number of the key at `words[at..at+3]`; negative (-1 - number) when it was there already. Throws E_BUDGET when no level has room. */
  add(words: Int32Array, at: number): number {
    const [a, b, c, d] = [words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!];
    for (let level = 0; ; level++) {
      const entries = this.#levels[level] ?? this.#open(level);
      const buckets = levelSize(level) / BUCKET;
      const first = ((a ^ (c >>> 7) ^ Math.imul(level, 0x9e3779b1)) & (buckets - 1)) * BUCKET * ENTRY;
      for (let base = first; base < first + BUCKET * ENTRY; ) {
        const status = Atomics.load(entries, base + STATUS);
        if (status === BUSY) {
          pause(entries, base + STATUS);
          continue;
        }
        if (status === 0) {
          // Who comes too late looks again at what the other one has put here.
          if (this.#claim(entries, base + STATUS, 0, BUSY) !== 0) continue;
          entries[base] = a;
          entries[base + 1] = b;
          entries[base + 2] = c;
          entries[base + 3] = d;
          const number = Atomics.add(this.#header, 0, 1);
          Atomics.store(entries, base + STATUS, number + 1);
          return number;
        }
        if (entries[base] === a && entries[base + 1] === b && entries[base + 2] === c && entries[base + 3] === d) return -status;
        base += ENTRY;
      }
    }
  }

  /** All keys in the order of their numbers, four words each. Nobody adds any meanwhile. */
  get keys(): Int32Array {
    const keys = new Int32Array(4 * this.size);
    for (let level = 0, left = this.size; left > 0; level++) {
      const entries = this.#levels[level] ?? this.#open(level);
      for (let base = 0; base < entries.length; base += ENTRY) {
        const status = entries[base + STATUS]!;
        if (status === 0) continue;
        keys.set(entries.subarray(base, base + 4), 4 * (status - 1));
        left--;
      }
    }
    return keys;
  }

  /** Adds keys that `keys` gave, to a set that is empty: with the same numbers. */
  restore(keys: Int32Array): void {
    for (let at = 0; at < keys.length; at += 4) this.add(keys, at);
  }

  #open(level: number): Int32Array {
    let from = HEADER_WORDS * 4;
    for (let k = 0; k < level; k++) from += levelSize(k) * ENTRY * 4;
    const end = from + levelSize(level) * ENTRY * 4;
    if (end > MAX_BYTES) throw new TextpokeError('E_BUDGET', `the set of states is full: ${this.size} states`, { where: 'exploration' });
    while (this.#buffer.byteLength < end) {
      try {
        this.#buffer.grow(end);
      } catch (error) {
        // Another thread may have made it larger still.
        if (this.#buffer.byteLength < end)
          throw new TextpokeError('E_BUDGET', `no memory for more than ${this.size} states`, { where: String(error) });
      }
    }
    const entries = new Int32Array(this.#buffer, from, levelSize(level) * ENTRY);
    this.#levels[level] = entries;
    return entries;
  }
}

/** Somebody else is about to change the word: lets a thread that the processor took away have its turn. */
function pause(words: Int32Array, at: number): void {
  for (let spin = 0; spin < 100; spin++) if (Atomics.load(words, at) !== BUSY) return;
  Atomics.wait(words, at, BUSY, 1);
}
