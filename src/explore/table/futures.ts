import { componentsOf } from '../components.ts';
import type { LocalStep, Remembered } from './remembered.ts';
import type { TransitionTable } from './table.ts';

/** What one core may still do from each of its local states on. */
interface Future {
  /** Places, `words` words of bits a local state. */
  readonly accessed: Int32Array;
  readonly written: Int32Array;
  /** Local states that the core may come back to. */
  readonly circular: Uint8Array;
  readonly known: number;
  /** What it is about: so many of the core's steps. */
  readonly steps: number;
  /** Local states on which it was decided that somebody goes first. */
  readonly used: Uint8Array;
}

/** What decisions were made on, to go on with the same ones: the rest is in the history of the table. */
export interface FuturesPause {
  readonly slots: number;
  /** Of each core: steps and local states that were known, and on which of these it was decided. */
  readonly cores: readonly { readonly steps: number; readonly known: number; readonly used: readonly number[] }[];
  readonly outdated: boolean;
}

/**
 * Which core's transitions alone need be taken from a state. That is so when whatever the others may still do commutes with all that the core can do now
 * and cannot add to it: then any run has an equal one in which the core goes first (persistent sets; P. Godefroid, "Partial-Order Methods for the
 * Verification of Concurrent Systems", 1996). What a core may still do is what the table has seen it do from its local state on, whatever the words said.
 * And the core must not come back to where it is, so that nobody is put off for ever.
 *
 * The table is only as complete as the search that filled it. A search that ran with what is known here and taught the table nothing new is closed
 * under it: had some run left out another one that matters, then the first transition of that one that is not independent would be one of a local
 * state that was reached and expanded, and the table would know it. So the search is repeated until nothing new is known of a local state on which it was decided that somebody goes first.
 */
export class Futures {
  readonly #table: TransitionTable;
  #futures: readonly Future[] = [];
  #words = 0;
  /** Slots of the table that the words of bits are for. */
  #slots = 0;
  /** `table.runs` that this is about. */
  runs = -1;

  constructor(table: TransitionTable) {
    this.#table = table;
  }

  /** Something new is known of a local state that was decided on since `begin`. */
  outdated = false;

  /** A search begins. */
  begin(): void {
    this.renew();
    this.outdated = false;
    for (const future of this.#futures) future.used.fill(0);
  }

  /** Takes over what the table has learned. */
  renew(): void {
    const table = this.#table;
    if (this.runs === table.runs) return;
    this.runs = table.runs;
    const before = this.#futures;
    const words = this.#words;
    this.#hold(table.slots);
    this.#futures = table.history.map((history, core) => this.#futureOf(history, table.vector.localsOf(core)));
    before.forEach((old, core) => {
      const now = this.#futures[core]!;
      now.used.set(old.used);
      for (let local = 0; local < old.known; local++)
        if (old.used[local] === 1 && this.#differs(old, now, local, words)) this.outdated = true;
    });
  }

  #hold(slots: number): void {
    this.#slots = slots;
    this.#words = (slots + 31) >> 5;
  }

  get pause(): FuturesPause {
    const cores = this.#futures.map(({ steps, known, used }) => ({ steps, known, used: [...used.keys()].filter((n) => used[n] === 1) }));
    return { slots: this.#slots, cores, outdated: this.outdated };
  }

  /** Goes on where a search over the same table, with the same history, has paused. */
  resume({ slots, cores, outdated }: FuturesPause): void {
    this.#hold(slots);
    this.#futures = cores.map(({ steps, known }, core) => this.#futureOf(this.#table.history[core]!.slice(0, steps), known));
    cores.forEach(({ used }, core) => {
      for (const local of used) this.#futures[core]!.used[local] = 1;
    });
    this.outdated = outdated;
    this.runs = -1;
  }

  /** Decides by these histories, whatever the table learns from now on. */
  fix(histories: readonly (readonly LocalStep[])[]): void {
    this.#hold(this.#table.slots);
    this.#futures = histories.map((history, core) => this.#futureOf(history, this.#table.vector.localsOf(core)));
  }

  #differs(old: Future, now: Future, local: number, words: number): boolean {
    if (old.circular[local] !== now.circular[local]) return true;
    for (let w = 0; w < this.#words; w++) {
      const [a, b] = [local * words + w, local * this.#words + w];
      if ((w < words ? old.accessed[a]! : 0) !== now.accessed[b]! || (w < words ? old.written[a]! : 0) !== now.written[b]!) return true;
    }
    return false;
  }

  #futureOf(history: readonly LocalStep[], known: number): Future {
    const words = this.#words;
    const accessed = new Int32Array(known * words);
    const written = new Int32Array(known * words);
    const circular = new Uint8Array(known);
    for (const { from, to, reads, writes } of history) {
      for (const place of reads) accessed[from * words + (place >> 5)]! |= 1 << (place & 31);
      for (const place of writes) written[from * words + (place >> 5)]! |= 1 << (place & 31);
      if (from === to) circular[from] = 1;
    }
    const outgoing = Array.from({ length: known }, () => [] as number[]);
    for (const { from, to } of history) if (to >= 0 && from !== to) outgoing[from]!.push(to);
    const { of: component, count, order } = componentsOf(known, (local, n) => outgoing[local]![n] ?? -1);
    const sizes = new Int32Array(count);
    for (const c of component) sizes[c]!++;
    for (let local = 0; local < known; local++) if (sizes[component[local]!]! > 1) circular[local] = 1;
    // Edges lead to components of smaller numbers, which are done first; members of one share all.
    for (let at = 0; at < known; ) {
      const c = component[order[at]!]!;
      let end = at;
      while (end < known && component[order[end]!] === c) end++;
      const members = order.subarray(at, end);
      const first = members[0]! * words;
      for (const member of members) {
        for (const from of [member, ...outgoing[member]!]) {
          for (let w = 0; w < words; w++) {
            accessed[first + w]! |= accessed[from * words + w]!;
            written[first + w]! |= written[from * words + w]!;
          }
        }
      }
      for (const member of members) {
        accessed.copyWithin(member * words, first, first + words);
        written.copyWithin(member * words, first, first + words);
      }
      at = end;
    }
    return { accessed, written, circular, known, steps: history.length, used: new Uint8Array(known) };
  }

  /**
   * The core that goes first in the table's state, -1 when there is none. Which one depends on the state alone, not on how it was reached: of those
   * that may trade places the one whose local state hashes lowest.
   */
  first(options: readonly Remembered[], symmetric: number, rank: (core: number) => number): number {
    let best = -1;
    for (let core = 0; core < this.#table.cores; core++) {
      const trades = (symmetric & (1 << core)) !== 0;
      if (best >= 0 && (!trades || rank(core) >= rank(best))) continue;
      if (!this.goesFirst(core, options)) continue;
      best = core;
      if (!trades) break;
    }
    // All local states of the state decided it: the core's own, and those of the others.
    if (best >= 0) this.#futures.forEach((future, core) => future.used.fill(1, this.#local(core), this.#local(core) + 1));
    return best;
  }

  #local(core: number): number {
    return this.#table.state[this.#table.numbers.localSlot(core)]!;
  }

  /** Whether all that a core can do in the table's state may go before whatever the others do. `options`: what everybody can do. */
  goesFirst(core: number, options: readonly Remembered[]): boolean {
    const { state } = this.#table;
    const table = this.#table;
    const local = state[table.numbers.localSlot(core)]!;
    const own = this.#futures[core];
    if (own === undefined || local >= own.known || own.circular[local] === 1) return false;
    let can = false;
    for (const option of options) {
      if (option.core !== core) continue;
      can = true;
      if (!this.#commutes(core, option.reads, option.writes)) return false;
    }
    return can && this.#commutes(core, table.deciding(core), NONE);
  }

  #commutes(core: number, reads: Int32Array, writes: Int32Array): boolean {
    const words = this.#words;
    const { state } = this.#table;
    for (let other = 0; other < this.#futures.length; other++) {
      if (other === core) continue;
      const { accessed, written, known } = this.#futures[other]!;
      const local = state[this.#table.numbers.localSlot(other)]!;
      if (local >= known) return false;
      const at = local * words;
      for (const place of reads) if (place >> 5 >= words || (written[at + (place >> 5)]! & (1 << (place & 31))) !== 0) return false;
      for (const place of writes) if (place >> 5 >= words || (accessed[at + (place >> 5)]! & (1 << (place & 31))) !== 0) return false;
    }
    return true;
  }
}

const NONE = new Int32Array(0);
