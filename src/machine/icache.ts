import type { Engine } from '../engine/engine.ts';
import { CORE, DECODE_BASE, META_BASE, META_CORE_BYTES, META_SHARED_BYTES } from '../engine/layout.ts';
import type { Core } from './core.ts';
import type { CacheGeometry } from './policy/policy.ts';
import type { TextVersions } from './text-versions.ts';

const LINE_BYTES = 64;
const QUADWORDS = LINE_BYTES / 8;
/** One way: number of the line and 1 (0: free), what is on its way to it, its bytes. */
const ENTRY_BYTES = 8 + LINE_BYTES;

/** An invalidation was sent to the line and has not arrived. Any number of them is one: the first to arrive drops the line. */
const SENT = 1;
/** One of them comes from a store of this core: a taken branch that is due (`CORE.ownStorePending`) makes it arrive. */
const OWN = 2;

/** Key of the caches in the state hash: beyond every physical page, the same whichever core it is. */
const CACHE_INFO = 0xffff11 << 8;

/** What happened to a line of a core's cache, for traces. */
export type CacheEvent =
  /** A fetch missed. */
  | 'filled'
  /** Filled before it was needed. */
  | 'prefetched'
  /** A store changed memory under it: an invalidation is on its way. */
  | 'invalidation sent'
  /** The invalidation arrived. */
  | 'invalidated'
  /** Made room for another. */
  | 'evicted';

/** A line that a core's cache holds. */
export interface CachedLine {
  /** Physical address of its first byte. */
  readonly address: number;
  readonly set: number;
  /** What a fetch that hits it returns: 64 bytes. */
  readonly bytes: Uint8Array;
  /** Which of them memory does not hold any more, by their place in the line. */
  readonly stale: readonly number[];
  /** An invalidation is on its way: by when it has arrived. It may arrive at any time before that. */
  readonly pending: 'none' | 'until serialized' | 'until taken branch';
}

/** Physical address of the first byte of the line that holds a byte. */
export const lineOf = (physical: number): number => physical & ~(LINE_BYTES - 1);

/**
 * An instruction cache for each core, of lines that hold patched text: others cannot be stale, and take no room. Lines are kept in the core's page of
 * the meta region, so that they are journaled, hashed, and trade places with their core; those of a set in the order of their addresses, so that
 * equal contents are one state. Only the quadwords of patched text are kept; the rest of a line is what memory holds.
 */
export class InstructionCaches {
  readonly geometry: CacheGeometry;
  /** Of each core's page of the meta region, at its end. */
  readonly metaBytes: number;
  readonly #engine: Engine;
  readonly #cores: readonly Core[];
  readonly #text: TextVersions;
  readonly #tell: (core: number, event: CacheEvent, line: number) => void;

  constructor(
    engine: Engine,
    cores: readonly Core[],
    geometry: CacheGeometry,
    text: TextVersions,
    tell: (core: number, event: CacheEvent, line: number) => void,
  ) {
    const most = (DECODE_BASE - META_BASE - META_SHARED_BYTES) / META_CORE_BYTES;
    if (cores.length > most) throw new RangeError(`at most ${most} cores have an instruction cache`);
    this.geometry = geometry;
    this.metaBytes = geometry.sets * geometry.ways * ENTRY_BYTES;
    this.#engine = engine;
    this.#cores = cores;
    this.#text = text;
    this.#tell = tell;
  }

  // ---- what fetch sees ----

  /** Puts what the cache holds in place of what memory holds. */
  overlay(core: Core, addresses: readonly number[], bytes: Uint8Array): void {
    let line = -1;
    let at = 0;
    for (const [n, physical] of addresses.entries()) {
      if (lineOf(physical) !== line) {
        line = lineOf(physical);
        at = this.#find(core, line);
      }
      if (at !== 0 && this.#text.indexOf(physical) >= 0) bytes[n] = this.#engine.bytes[this.#hear(at + 8 + (physical & 63))] as number;
    }
  }

  /** Writes what the cache holds of a quadword of patched text to `out` from index `n`. Gives the next index. */
  describe(core: Core, quadword: number, out: Int32Array, n: number): number {
    const physical = this.#text.addresses[quadword] as number;
    const at = this.#find(core, lineOf(physical));
    const from = at === 0 ? 0 : this.#hear(at + 8 + (physical & 63)) >> 2;
    out[n] = at === 0 ? 0 : 1;
    out[n + 1] = at === 0 ? 0 : (this.#engine.words[from] as number);
    out[n + 2] = at === 0 ? 0 : (this.#engine.words[from + 1] as number);
    return n + 3;
  }

  /** Lines of patched text among the addresses that the cache does not hold: a fetch of them fills these. */
  missing(core: Core, addresses: readonly number[]): number[] {
    return [...new Set(addresses.map(lineOf))].filter((line) => this.#holdsText(line) && this.#find(core, line) === 0);
  }

  /** Lines of which one must go before a fetch of the addresses can fill what it misses; empty when there is room. */
  inTheWay(core: Core, addresses: readonly number[]): number[] {
    const needed = new Set(addresses.map(lineOf));
    const missing = this.missing(core, addresses);
    const crowded = new Set(missing.map((line) => this.#setOf(line)));
    return [...crowded].flatMap((set) => {
      const held = this.#heldIn(core, set);
      const wanted = missing.filter((line) => this.#setOf(line) === set).length;
      return held.length + wanted <= this.geometry.ways ? [] : held.filter((line) => !needed.has(line));
    });
  }

  // ---- what others ask ----

  /** Whether a serializing event of the core changes what it may fetch. */
  lags(core: Core): boolean {
    return this.waiting(core).length > 0 || core.raw(CORE.ownStorePending) !== 0;
  }

  /** Lines to which an invalidation is on its way. */
  waiting(core: Core, kind = SENT): number[] {
    return this.#entries(core)
      .filter((at) => (this.#pending(at) & kind) !== 0)
      .map((at) => this.#lineAt(at));
  }

  /** Lines of patched text that may be filled ahead: from that of the instruction at `physical` on, as far as the window reaches in its page. */
  ahead(core: Core, physical: number): number[] {
    const { prefetch, ways } = this.geometry;
    if (prefetch === 0) return [];
    return Array.from({ length: prefetch + 1 }, (_, n) => lineOf(physical) + n * LINE_BYTES).filter(
      (line) =>
        line >>> 12 === physical >>> 12 &&
        this.#holdsText(line) &&
        this.#find(core, line) === 0 &&
        this.#heldIn(core, this.#setOf(line)).length < ways,
    );
  }

  /** What a core's cache holds, by address. */
  view(core: Core): CachedLine[] {
    const { bytes, map } = this.#engine;
    const lines = this.#entries(core).map((at): CachedLine => {
      const address = this.#lineAt(at);
      const memory = bytes.slice(map.ram + address, map.ram + address + LINE_BYTES);
      const held = memory.map((byte, n) => (this.#text.indexOf(address + n) < 0 ? byte : (bytes[at + 8 + n] as number)));
      const pending = this.#pending(at);
      const branch = (pending & OWN) !== 0 && core.raw(CORE.ownStorePending) !== 0;
      return {
        address,
        set: this.#setOf(address),
        bytes: held,
        stale: [...held.keys()].filter((n) => held[n] !== memory[n]),
        pending: pending === 0 ? 'none' : branch ? 'until taken branch' : 'until serialized',
      };
    });
    return lines.sort((a, b) => a.address - b.address);
  }

  // ---- what happens ----

  /** Fills a line with what memory holds. There is room. */
  fill(core: Core, line: number, event: 'filled' | 'prefetched'): void {
    const first = this.#setAt(core, this.#setOf(line));
    let at = first + (this.geometry.ways - 1) * ENTRY_BYTES;
    if (this.#tag(at) !== 0) throw new RangeError('the set of the line is full');
    for (; at > first && (this.#tag(at - ENTRY_BYTES) === 0 || this.#lineAt(at - ENTRY_BYTES) > line); at -= ENTRY_BYTES)
      this.#copy(core, at - ENTRY_BYTES, at);
    this.#set(core, at, BigInt(line / LINE_BYTES + 1));
    for (let q = 0; q < QUADWORDS; q++) this.#set(core, at + 8 + 8 * q, this.#memory(line + 8 * q));
    this.#tell(core.index, event, line);
  }

  /** Drops a line: its invalidation has arrived, or it makes room. What was on its way to it has nothing left to do. */
  drop(core: Core, line: number, event: 'invalidated' | 'evicted'): void {
    const last = this.#setAt(core, this.#setOf(line)) + (this.geometry.ways - 1) * ENTRY_BYTES;
    let at = this.#find(core, line);
    for (; at < last; at += ENTRY_BYTES) this.#copy(core, at + ENTRY_BYTES, at);
    for (let word = 0; word < ENTRY_BYTES; word += 8) this.#set(core, last + word, 0n);
    this.#tell(core.index, event, line);
  }

  /** Patched text at a physical address changed by a store of `core` (after the change). `own`: through an executable mapping. */
  committed(core: Core, physical: number, size: number, own: boolean): void {
    if (own) core.setRaw(CORE.ownStorePending, 1);
    for (let line = lineOf(physical); line < physical + size; line += LINE_BYTES) {
      for (const holder of this.#cores) {
        const at = this.#find(holder, line);
        if (at === 0 || !this.#differs(at, line)) continue;
        const before = this.#pending(at);
        const pending = before | SENT | (holder === core ? OWN : 0);
        this.#set(holder, at, BigInt(this.#tag(at)) | (BigInt(pending) << 32n));
        if (before === 0) this.#tell(holder.index, 'invalidation sent', line);
      }
    }
  }

  /** A serializing event of `core`: all that were sent arrive. */
  serialize(core: Core): void {
    for (const line of this.waiting(core)) this.drop(core, line, 'invalidated');
    if (core.raw(CORE.ownStorePending) !== 0) core.setRaw(CORE.ownStorePending, 0);
  }

  /** A taken branch of `core` after it stored to text by the linear address that it executes: what it sent itself arrives. */
  takenBranch(core: Core): void {
    for (const line of this.waiting(core, OWN)) this.drop(core, line, 'invalidated');
    core.setRaw(CORE.ownStorePending, 0);
  }

  // ---- where it lies ----

  #setOf(line: number): number {
    return (line / LINE_BYTES) % this.geometry.sets;
  }

  #setAt(core: Core, set: number): number {
    const end = META_BASE + META_SHARED_BYTES + (core.index + 1) * META_CORE_BYTES;
    return end - this.metaBytes + set * this.geometry.ways * ENTRY_BYTES;
  }

  /** Ways of the core that are in use. */
  #entries(core: Core): number[] {
    const first = this.#setAt(core, 0);
    const all = Array.from({ length: this.geometry.sets * this.geometry.ways }, (_, n) => first + n * ENTRY_BYTES);
    return all.filter((at) => this.#tag(at) !== 0);
  }

  #heldIn(core: Core, set: number): number[] {
    return this.#entries(core)
      .map((at) => this.#lineAt(at))
      .filter((line) => this.#setOf(line) === set);
  }

  /** Where a line is kept, 0 when it is not. */
  #find(core: Core, line: number): number {
    const first = this.#setAt(core, this.#setOf(line));
    for (let way = 0; way < this.geometry.ways; way++) {
      const at = first + way * ENTRY_BYTES;
      if (this.#tag(at) === line / LINE_BYTES + 1) return at;
    }
    return 0;
  }

  #tag(at: number): number {
    return this.#engine.words[this.#hear(at) >> 2] as number;
  }

  #lineAt(at: number): number {
    return (this.#tag(at) - 1) * LINE_BYTES;
  }

  #pending(at: number): number {
    return this.#engine.words[(this.#hear(at) >> 2) + 1] as number;
  }

  /** Every look at the caches' state goes through here. */
  #hear(at: number): number {
    this.#engine.looks?.meta(at & ~7);
    return at;
  }

  #holdsText(line: number): boolean {
    for (let q = 0; q < QUADWORDS; q++) if (this.#text.indexOf(line + 8 * q) >= 0) return true;
    return false;
  }

  /** What a line keeps of the quadword at a physical address. */
  #memory(physical: number): bigint {
    const { longs, map, looks } = this.#engine;
    if (this.#text.indexOf(physical) < 0) return 0n;
    looks?.physical(physical, 8);
    return longs[(map.ram + physical) >> 3] as bigint;
  }

  #differs(at: number, line: number): boolean {
    for (let q = 0; q < QUADWORDS; q++) if (this.#engine.longs[this.#hear(at + 8 + 8 * q) >> 3] !== this.#memory(line + 8 * q)) return true;
    return false;
  }

  #set(core: Core, at: number, value: bigint): void {
    this.#hear(at);
    this.#engine.access.storeAt(at, 8, BigInt.asIntN(64, value), CACHE_INFO | (core.index + 1));
  }

  #copy(core: Core, from: number, to: number): void {
    for (let word = 0; word < ENTRY_BYTES; word += 8)
      this.#set(core, to + word, this.#engine.longs[this.#hear(from + word) >> 3] as bigint);
  }
}
