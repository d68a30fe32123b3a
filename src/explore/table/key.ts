import { finish, HASH_WORDS } from './content-hash.ts';
import type { TransitionTable } from './table.ts';

const [LOCAL, PENDING, FLOOR] = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d] as const;

/**
 * The 128-bit key of the state that a table holds, kept up to date as slots change. Each slot adds what its content hashes to; cores that may trade
 * places add what they are without their number, so that their permutations have one key.
 */
export class StateKey {
  readonly words = new Int32Array(HASH_WORDS);
  readonly sum = new Int32Array(HASH_WORDS);
  readonly #table: TransitionTable;
  readonly #symmetric: readonly number[];
  readonly #isSymmetric: readonly boolean[];

  /** `symmetric`: bit c set when core c may trade places with the others that are set. */
  constructor(table: TransitionTable, symmetric: number) {
    this.#table = table;
    this.#isSymmetric = Array.from({ length: table.cores }, (_, c) => (symmetric & (1 << c)) !== 0);
    this.#symmetric = this.#isSymmetric.flatMap((yes, c) => (yes ? [c] : []));
  }

  /** A slot of the table's state goes from one content to another. */
  move(slot: number, from: number, to: number): void {
    this.#add(slot, from, -1);
    this.#add(slot, to, 1);
  }

  /** What was there at the start adds nothing: slots that are found on the way change no key. */
  #add(slot: number, content: number, sign: 1 | -1): void {
    if (content === 0) return;
    const { cores } = this.#table;
    const { sum } = this;
    const hashes = this.#table.hashesOf(slot);
    const at = content * HASH_WORDS;
    if (slot === 0) {
      for (let k = 0; k < HASH_WORDS; k++) {
        let h = hashes[at + k]!;
        for (let c = 0; c < cores; c++) if (!this.#isSymmetric[c]!) h = (h + finish(this.#table.floorHash(content, c, k) + c + 1)) | 0;
        sum[k] = (sum[k]! + sign * h) | 0;
      }
      return;
    }
    if (slot > 4 * cores + 1) {
      for (let k = 0; k < HASH_WORDS; k++) sum[k] = (sum[k]! + sign * hashes[at + k]!) | 0;
      return;
    }
    // Floors are places only.
    if (slot <= cores || this.#isSymmetric[(slot - 1) % cores]!) return;
    for (let k = 0; k < HASH_WORDS; k++) sum[k] = (sum[k]! + sign * finish(hashes[at + k]! + Math.imul(slot, LOCAL))) | 0;
  }

  /** What a core is, without its number, as a number of 53 bits: equal for cores in the same state. */
  rank(core: number): number {
    const { state } = this.#table;
    const [local, pending] = [this.#table.localSlot(core), this.#table.pendingSlot(core)];
    const l = this.#table.hashesOf(local);
    const la = state[local]! * HASH_WORDS;
    const p = this.#table.hashesOf(pending)[state[pending]! * HASH_WORDS]!;
    const low = finish(l[la + 1]! ^ Math.imul(p, PENDING) ^ Math.imul(this.#table.floorHash(state[0]!, core, 0), FLOOR));
    return (l[la]! >>> 0) * 0x200000 + (low & 0x1fffff);
  }

  /** Writes the key to `words`. */
  compute(): Int32Array {
    const { words, sum } = this;
    words.set(sum);
    const { state } = this.#table;
    for (const core of this.#symmetric) {
      const [local, pending] = [this.#table.localSlot(core), this.#table.pendingSlot(core)];
      const [l, p] = [this.#table.hashesOf(local), this.#table.hashesOf(pending)];
      const [la, pa] = [state[local]! * HASH_WORDS, state[pending]! * HASH_WORDS];
      for (let k = 0; k < HASH_WORDS; k++) {
        const h =
          Math.imul(l[la + k]!, LOCAL) + Math.imul(p[pa + k]!, PENDING) + Math.imul(this.#table.floorHash(state[0]!, core, k), FLOOR);
        words[k] = (words[k]! + finish(h ^ l[la + ((k + 1) & 3)]!)) | 0;
      }
    }
    return words;
  }
}
