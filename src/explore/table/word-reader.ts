/** Reads 32-bit words and lists of them that stand one behind the other. */
export class WordReader {
  readonly #words: Int32Array;
  #at = 0;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  get atEnd(): boolean {
    return this.#at >= this.#words.length;
  }

  /** The next word. Throws a RangeError behind the last one. */
  word(): number {
    const word = this.#words[this.#at++];
    if (word === undefined) throw new RangeError(`words end before word ${this.#at}`);
    return word;
  }

  /** A copy of the next `length` words. */
  list(length: number): Int32Array {
    const from = this.#at;
    this.#at += length;
    return this.#words.slice(from, this.#at);
  }
}
