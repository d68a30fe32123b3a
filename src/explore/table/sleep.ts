import type { Remembered } from './remembered.ts';

/** More options than a mask has bits: such a state is looked at in full. */
const MOST = 31;

/** Whether two transitions of one state give the same in either order, and neither makes the other impossible. */
export function commute(a: Remembered, b: Remembered): boolean {
  if (a.core === b.core) return false;
  let known = a.commuting.get(b);
  if (known === undefined) {
    known = apart(a.writes, b.reads) && apart(b.writes, a.reads);
    a.commuting.set(b, known);
  }
  return known;
}

/** Whether two ascending lists have nothing in common. */
function apart(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const d = a[i]! - b[j]!;
    if (d === 0) return false;
    if (d < 0) i++;
    else j++;
  }
  return true;
}

/**
 * Sleep sets (P. Godefroid, "Using Partial Orders to Improve Automatic Verification Methods", CAV 1990) with a visited set: what was taken from a state
 * before, and commutes with all that was done since, need not be taken again. Each state remembers what slept whenever it was looked at; when it is
 * reached again with less asleep, what is awake now and never was is taken then.
 *
 * Sets are masks over a state's options, cores ascending; those that may trade places in the order of what they are, so that a permutation of a state
 * has the same mask.
 */
export class SleepSets {
  #masks = new Int32Array(1 << 12);
  readonly #symmetric: number;
  /** What tells one core of the state at hand from another: equal for cores in the same state. */
  readonly #rank: (core: number) => number;
  /** Bit of each option that `mask` was asked about. */
  readonly bits = new Int32Array(MOST);
  // Of the state at hand: where the options of each core begin, its order, how many, which of them sleep.
  readonly #first = new Int32Array(MOST);
  readonly #length = new Int32Array(MOST);
  readonly #own = new Int32Array(MOST);
  readonly #order = new Float64Array(MOST);

  constructor(symmetric: number, rank: (core: number) => number) {
    this.#symmetric = symmetric;
    this.#rank = rank;
  }

  /** The mask of a state that is new. */
  store(state: number, mask: number): void {
    if (state >= this.#masks.length) {
      const grown = new Int32Array(Math.max(this.#masks.length * 2, state + 1));
      grown.set(this.#masks);
      this.#masks = grown;
    }
    this.#masks[state] = mask;
  }

  /** The masks of so many states: what `restore` takes. */
  masks(states: number): Int32Array {
    const masks = new Int32Array(states);
    masks.set(this.#masks.subarray(0, states));
    return masks;
  }

  restore(masks: Int32Array): void {
    if (masks.length > this.#masks.length) this.#masks = new Int32Array(2 * masks.length);
    this.#masks.set(masks);
  }

  /** What slept at a state each time. */
  of(state: number): number {
    return this.#masks[state]!;
  }

  /** Which of a state's options sleep; leaves the bit of each in `bits`. -1 where there are too many to tell. Options of a core stand together. */
  mask(options: readonly Remembered[], asleep: readonly number[]): number {
    if (options.length > MOST) return -1;
    let groups = 0;
    for (let n = 0; n < options.length; n++) {
      const { core, choice } = options[n]!;
      if (n === 0 || options[n - 1]!.core !== core) {
        this.#first[groups] = n;
        this.#length[groups] = 0;
        this.#own[groups] = 0;
        // Those that may trade places behind the others, in the order of what they are.
        this.#order[groups] = (this.#symmetric & (1 << core)) === 0 ? core : 64 + this.#rank(core);
        groups++;
      }
      const group = groups - 1;
      if (asleep.includes(choice)) this.#own[group]! |= 1 << this.#length[group]!;
      this.#length[group]!++;
    }
    let mask = 0;
    let shift = 0;
    for (let done = 0; done < groups; done++) {
      let next = -1;
      for (let g = 0; g < groups; g++) if (this.#length[g]! > 0 && (next < 0 || this.#before(g, next))) next = g;
      const length = this.#length[next]!;
      for (let k = 0; k < length; k++) this.bits[this.#first[next]! + k] = 1 << (shift + k);
      mask |= this.#own[next]! << shift;
      shift += length;
      this.#length[next] = 0;
    }
    return mask;
  }

  #before(a: number, b: number): boolean {
    const d = this.#order[a]! - this.#order[b]!;
    return d < 0 || (d === 0 && this.#own[a]! < this.#own[b]!);
  }
}
