import { META_BASE, META_CORE_BYTES, META_SHARED_BYTES } from '../engine/layout.ts';
import type { Machine } from '../machine/machine.ts';
import { TEXT_META_BYTES } from '../machine/text-versions.ts';

/** Page keys in the state hash: beyond every physical page; a core's page has the same key whichever core it is. */
const SHARED_INFO = 0xffff01 << 8;
const CORE_INFO = 0xffff10 << 8;

/**
 * State of checkers: 32-bit words that are journaled and hashed like memory, so that a checker remembers exactly what the explored path
 * did. What a checker keeps anywhere else is not state and must not influence its findings.
 */
export class MetaWords {
  readonly #machine: Machine;
  #nextShared = META_BASE + Math.ceil(TEXT_META_BYTES / 16) * 16;
  #nextCore = META_BASE + META_SHARED_BYTES;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Reserves `words` that all cores share; gives the handle for `get` and `set`. */
  shared(words: number): number {
    const at = this.#nextShared;
    this.#nextShared += words * 4;
    if (this.#nextShared > META_BASE + META_SHARED_BYTES) throw new RangeError('no room for more checker state');
    return at;
  }

  /** Reserves `words` for each core, which belong to its state; gives one handle a core. */
  perCore(words: number): number[] {
    const at = this.#nextCore;
    this.#nextCore += words * 4;
    // The end of the page may be the core's instruction cache.
    const end = META_BASE + META_SHARED_BYTES + META_CORE_BYTES - (this.#machine.icache?.metaBytes ?? 0);
    if (this.#nextCore > end) throw new RangeError('no room for more checker state');
    return this.#machine.cores.map((c) => at + c.index * META_CORE_BYTES);
  }

  get(at: number, word = 0): number {
    const { engine } = this.#machine;
    engine.looks?.meta(at + word * 4);
    return engine.words[(at >> 2) + word] as number;
  }

  set(at: number, word: number, value: number): void {
    const core = ((at - META_BASE - META_SHARED_BYTES) / META_CORE_BYTES) | 0;
    const info = at < META_BASE + META_SHARED_BYTES ? SHARED_INFO : CORE_INFO | (core + 1);
    this.#machine.engine.looks?.meta(at + word * 4);
    this.#machine.engine.access.poke(at + word * 4, value, info);
  }

  getLong(at: number, word: number): bigint {
    return BigInt(this.get(at, word) >>> 0) | (BigInt(this.get(at, word + 1) >>> 0) << 32n);
  }

  setLong(at: number, word: number, value: bigint): void {
    this.set(at, word, Number(value & 0xffffffffn) | 0);
    this.set(at, word + 1, Number((value >> 32n) & 0xffffffffn) | 0);
  }
}
