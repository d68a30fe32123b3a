/** Entries after which a memo starts afresh: what it forgets is only computed again. */
const LIMIT = 1 << 14;

/** Remembers a value for each sequence of up to 15 bytes. */
export class ByteMemo<T> {
  readonly #buckets = new Map<number, { readonly bytes: Uint8Array; readonly value: T }[]>();

  get(bytes: Uint8Array): T | undefined {
    const bucket = this.#buckets.get(hashOf(bytes, bytes.length));
    if (bucket !== undefined) for (const entry of bucket) if (equal(entry.bytes, bytes, bytes.length)) return entry.value;
    return undefined;
  }

  /** Keeps a copy of the bytes. */
  set(bytes: Uint8Array, value: T): void {
    add(this.#buckets, hashOf(bytes, bytes.length), { bytes: bytes.slice(), value });
  }
}

/**
 * Remembers a value for each place and situation. A situation is a sequence of words that the caller writes to `words` before it asks; two
 * situations are the same only when all their words agree, so a value that depends on nothing else is exact.
 */
export class SituationMemo<T> {
  /** Where the caller writes a situation. */
  readonly words: Int32Array;
  readonly #buckets = new Map<number, { readonly place: object; readonly words: Int32Array; readonly value: T }[]>();

  constructor(words = 512) {
    this.words = new Int32Array(words);
  }

  /** The value for a place (by identity) and the first `length` words. */
  get(place: object, length: number): T | undefined {
    const bucket = this.#buckets.get(hashOf(this.words, length));
    if (bucket !== undefined)
      for (const entry of bucket) if (entry.place === place && equal(entry.words, this.words, length)) return entry.value;
    return undefined;
  }

  set(place: object, length: number, value: T): void {
    add(this.#buckets, hashOf(this.words, length), { place, words: this.words.slice(0, length), value });
  }

  clear(): void {
    this.#buckets.clear();
  }
}

/** FNV-1a over elements; only chooses a bucket. */
function hashOf(words: Int32Array | Uint8Array, length: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ words[i]!, 0x01000193);
  return hash ^ (hash >>> 15);
}

function equal(kept: Int32Array | Uint8Array, words: Int32Array | Uint8Array, length: number): boolean {
  if (kept.length !== length) return false;
  for (let i = 0; i < length; i++) if (kept[i] !== words[i]) return false;
  return true;
}

function add<E>(buckets: Map<number, E[]>, hash: number, entry: E): void {
  if (buckets.size >= LIMIT) buckets.clear();
  const bucket = buckets.get(hash);
  if (bucket === undefined) buckets.set(hash, [entry]);
  else bucket.push(entry);
}
