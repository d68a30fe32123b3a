import { finish, HASH_WORDS } from './content-hash.ts';
import type { TransitionTable } from './table.ts';

const [LOCAL, PENDING, FLOOR] = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d] as const;

/**
 * The 128-bit key of the state that a table holds, kept up to date as slots change. Each slot adds what its content hashes to, and the content at the start
 * adds nothing: slots that are found on the way change no key. Cores that may trade places add what they are without their number, so that their
 * permutations have one key.
 */
export class StateKey {
  readonly words = new Int32Array(HASH_WORDS);
  readonly #table: TransitionTable;
  readonly #symmetric: readonly number[];
  readonly #isSymmetric: readonly boolean[];
  /** Shares of all but those that trade places. */
  readonly sum = new Int32Array(HASH_WORDS);
  /** Of slots whose share is not the hash of their content: the share of each content, and how many are known. */
  readonly #shares: (Int32Array | undefined)[] = [];
  readonly #known: number[] = [];

  /** `symmetric`: bit c set when core c may trade places with the others that are set. */
  constructor(table: TransitionTable, symmetric: number) {
    this.#table = table;
    this.#isSymmetric = Array.from({ length: table.cores }, (_, c) => (symmetric & (1 << c)) !== 0);
    this.#symmetric = this.#isSymmetric.flatMap((yes, c) => (yes ? [c] : []));
  }

  /** A slot of the table's state goes from one content to another. */
  move(slot: number, from: number, to: number): void {
    const shares = slot < this.#table.numbers.firstWord ? this.#sharesOf(slot, Math.max(from, to)) : this.#table.vector.hashesOf(slot);
    const { sum } = this;
    const [a, b] = [from * HASH_WORDS, to * HASH_WORDS];
    sum[0] = (sum[0]! + shares[b]! - shares[a]!) | 0;
    sum[1] = (sum[1]! + shares[b + 1]! - shares[a + 1]!) | 0;
    sum[2] = (sum[2]! + shares[b + 2]! - shares[a + 2]!) | 0;
    sum[3] = (sum[3]! + shares[b + 3]! - shares[a + 3]!) | 0;
  }

  /** Shares of the contents of a slot that is no word: text with how far those lag that keep their places, and what a core is with its number. */
  #sharesOf(slot: number, content: number): Int32Array {
    let shares = this.#shares[slot];
    let known = this.#known[slot] ?? 0;
    if (shares !== undefined && content < known) return shares;
    const { cores } = this.#table;
    const hashes = this.#table.vector.hashesOf(slot);
    const trades = slot > cores && this.#isSymmetric[(slot - 1) % cores]!;
    if (shares === undefined || shares.length < (content + 1) * HASH_WORDS) {
      const grown = new Int32Array(Math.max(64, 2 * (content + 1)) * HASH_WORDS);
      if (shares !== undefined) grown.set(shares);
      shares = grown;
      this.#shares[slot] = shares;
    }
    for (; known <= content; known++) {
      // Those that trade places have their share in `compute`; the content at the start has none.
      if (known === 0 || trades) continue;
      for (let k = 0; k < HASH_WORDS; k++) {
        const hash = hashes[known * HASH_WORDS + k]!;
        shares[known * HASH_WORDS + k] = slot === 0 ? this.#text(known, hash, k) : finish(hash + Math.imul(slot, LOCAL));
      }
    }
    this.#known[slot] = known;
    return shares;
  }

  #text(content: number, hash: number, word: number): number {
    let h = hash;
    for (let c = 0; c < this.#table.cores; c++)
      if (!this.#isSymmetric[c]!) h = (h + finish(this.#table.vector.floorHash(content, c, word) + c + 1)) | 0;
    return h;
  }

  /** What a core is, without its number, as a number of 53 bits: equal for cores in the same state. */
  rank(core: number): number {
    const { state } = this.#table;
    const [local, pending] = [this.#table.numbers.localSlot(core), this.#table.numbers.pendingSlot(core)];
    const l = this.#table.vector.hashesOf(local);
    const la = state[local]! * HASH_WORDS;
    const p = this.#table.vector.hashesOf(pending)[state[pending]! * HASH_WORDS]!;
    const low = finish(l[la + 1]! ^ Math.imul(p, PENDING) ^ Math.imul(this.#table.vector.floorHash(state[0]!, core, 0), FLOOR));
    return (l[la]! >>> 0) * 0x200000 + (low & 0x1fffff);
  }

  /** Writes the key to `words`. */
  compute(): Int32Array {
    const { words } = this;
    words.set(this.sum);
    const { state } = this.#table;
    for (const core of this.#symmetric) {
      const [local, pending] = [this.#table.numbers.localSlot(core), this.#table.numbers.pendingSlot(core)];
      const [l, p] = [this.#table.vector.hashesOf(local), this.#table.vector.hashesOf(pending)];
      const [la, pa] = [state[local]! * HASH_WORDS, state[pending]! * HASH_WORDS];
      for (let k = 0; k < HASH_WORDS; k++) {
        const h =
          Math.imul(l[la + k]!, LOCAL) +
          Math.imul(p[pa + k]!, PENDING) +
          Math.imul(this.#table.vector.floorHash(state[0]!, core, k), FLOOR);
        words[k] = (words[k]! + finish(h ^ l[la + ((k + 1) & 3)]!)) | 0;
      }
    }
    return words;
  }
}
