import type { Engine } from '../engine/engine.ts';
import { CORE, MAX_TEXT_QUADWORDS, META_BASE, SHADOW } from '../engine/layout.ts';
import type { Core } from './core.ts';
import { type AnyFetchPolicy, keepsVersions } from './policy/policy.ts';

/** Versions of one quadword that are kept. Reaching the bound is reported. */
export const MAX_VERSIONS = 12;

/** Words of one quadword's history in the meta region: count, then versions, then who wrote each. */
const ENTRY_BYTES = 8 + MAX_VERSIONS * 8 + MAX_VERSIONS * 4;
export const TEXT_META_BYTES = MAX_TEXT_QUADWORDS * ENTRY_BYTES;

/** Key of the meta region's pages in the state hash: beyond every physical page. */
const META_INFO = 0xffff00 << 8;

/** A version was made by a store that also changed another quadword. */
const WIDE_STORE = 0x100;

/**
 * The committed versions of every quadword of text that is both executed and written, and how far each core's fetch may lag.
 *
 * Oldest version first; the last is what memory holds. `floor` of a core and quadword is the oldest version that a fetch of that
 * core may still return; serializing moves it to the last. Versions below every core's floor are dropped, so a quadword that nobody
 * can see stale has one version and the state is the same however it came about.
 */
export class TextVersions {
  readonly #engine: Engine;
  readonly #cores: readonly Core[];
  readonly #policy: AnyFetchPolicy;
  /** The policy may fetch a version that is not the last. */
  readonly #keeps: boolean;
  readonly #index = new Map<number, number>();
  readonly addresses: number[] = [];
  /** The bound on versions was reached: the search is not exhaustive. */
  overflowed = false;

  constructor(engine: Engine, cores: readonly Core[], policy: AnyFetchPolicy) {
    this.#engine = engine;
    this.#cores = cores;
    this.#policy = policy;
    this.#keeps = keepsVersions(policy);
  }

  /** Declares the quadword at a physical address as patched text. Before the base state is marked. */
  add(physical: number): void {
    const address = physical & ~7;
    if (this.#index.has(address)) return;
    if (this.addresses.length >= MAX_TEXT_QUADWORDS) throw new RangeError(`more than ${MAX_TEXT_QUADWORDS} quadwords of patched text`);
    this.#index.set(address, this.addresses.length);
    this.addresses.push(address);
    this.#engine.touch(address);
    const shadow = this.#engine.map.shadow + (address >> 3) * 4;
    this.#engine.view.setUint32(shadow, this.#engine.view.getUint32(shadow, true) | SHADOW.text, true);
  }

  /** Number of the quadword that holds a physical address, -1 when it is not patched text. */
  indexOf(physical: number): number {
    return this.#index.get(physical & ~7) ?? -1;
  }

  /** Takes memory as the one version of everything. */
  reset(): void {
    this.addresses.forEach((address, q) => {
      this.#setCount(q, 1);
      this.#setVersion(q, 0, this.#engine.view.getBigUint64(this.#engine.map.ram + address, true), 0);
    });
  }

  #at(q: number): number {
    return META_BASE + q * ENTRY_BYTES;
  }

  count(q: number): number {
    this.#engine.looks?.text(-1, false);
    return this.#engine.words[this.#at(q) >> 2] as number;
  }

  version(q: number, v: number): bigint {
    return this.#engine.view.getBigUint64(this.#at(q) + 8 + v * 8, true);
  }

  /** Which core stored a version. */
  writer(q: number, v: number): number {
    return this.#tag(q, v) & 0xff;
  }

  wide(q: number, v: number): boolean {
    return (this.#tag(q, v) & WIDE_STORE) !== 0;
  }

  #tag(q: number, v: number): number {
    return this.#engine.words[(this.#at(q) + 8 + MAX_VERSIONS * 8 + v * 4) >> 2] as number;
  }

  /** Writes what a fetch of `core` may see of a quadword to `out` from index `n`: everything that its answers depend on. Gives the next index. */
  describe(core: Core, q: number, out: Int32Array, n: number): number {
    const { words } = this.#engine;
    const [floor, count] = [this.floor(core, q), this.count(q)];
    const versions = (this.#at(q) + 8) >> 2;
    let to = n;
    out[to++] = floor;
    out[to++] = count;
    for (let v = floor; v < count; v++) {
      out[to++] = words[versions + 2 * v]!;
      out[to++] = words[versions + 2 * v + 1]!;
      out[to++] = this.#tag(q, v);
    }
    return to;
  }

  #setCount(q: number, count: number): void {
    this.#engine.access.poke(this.#at(q), count, META_INFO);
  }

  #setVersion(q: number, v: number, bytes: bigint, tag: number): void {
    const at = this.#at(q) + 8 + v * 8;
    this.#engine.access.storeAt(at, 8, BigInt.asIntN(64, bytes), META_INFO);
    this.#engine.access.poke(this.#at(q) + 8 + MAX_VERSIONS * 8 + v * 4, tag, META_INFO);
  }

  floor(core: Core, q: number): number {
    this.#engine.looks?.text(core.index, false);
    return this.#engine.bytes[core.base + CORE.floors + q] as number;
  }

  /** Whether some fetch of the core could return something else than what is in memory. */
  lags(core: Core): boolean {
    if (!this.#keeps) return false;
    for (let q = 0; q < this.addresses.length; q++) if (this.floor(core, q) < this.count(q) - 1) return true;
    return core.raw(CORE.ownStorePending) !== 0;
  }

  raiseFloor(core: Core, q: number, v: number): void {
    if (this.floor(core, q) >= v) return;
    this.#engine.looks?.text(core.index, true);
    core.prepare();
    this.#engine.bytes[core.base + CORE.floors + q] = v;
    this.#normalise(q);
  }

  /** The bytes at a physical address changed by a store of `core` (after the change). `own`: through an executable mapping. */
  committed(core: Core, physical: number, size: number, own: boolean): void {
    if (!this.#keeps) return;
    const first = physical & ~7;
    const last = (physical + size - 1) & ~7;
    const wide = first !== last ? WIDE_STORE : 0;
    for (let address = first; address <= last; address += 8) {
      const q = this.indexOf(address);
      if (q < 0) continue;
      const bytes = this.#engine.view.getBigUint64(this.#engine.map.ram + address, true);
      let count = this.count(q);
      if (this.version(q, count - 1) !== bytes) {
        if (count === MAX_VERSIONS) {
          this.overflowed = true;
          for (const c of this.#cores) if (this.floor(c, q) === 0) this.raiseFloor(c, q, 1);
          count = this.count(q);
        }
        this.#engine.looks?.text(-1, true);
        this.#setVersion(q, count, bytes, core.index | wide);
        this.#setCount(q, count + 1);
      }
      if (own && this.#policy.ownStore === 'now') this.raiseFloor(core, q, this.count(q) - 1);
      else if (own) core.setRaw(CORE.ownStorePending, 1);
      this.#normalise(q);
    }
  }

  /** A serializing event of `core`. */
  serialize(core: Core): void {
    if (!this.#keeps) return;
    for (let q = 0; q < this.addresses.length; q++) this.raiseFloor(core, q, this.count(q) - 1);
    if (core.raw(CORE.ownStorePending) !== 0) core.setRaw(CORE.ownStorePending, 0);
  }

  /** A taken branch of `core` after it stored to text: its own stores are certain to be fetched now (policy permitting). */
  takenBranch(core: Core): void {
    if (this.#policy.ownStore !== 'taken-branch') return;
    for (let q = 0; q < this.addresses.length; q++) {
      for (let v = this.count(q) - 1; v > this.floor(core, q); v--) {
        if (this.writer(q, v) !== core.index) continue;
        this.raiseFloor(core, q, v);
        break;
      }
    }
    core.setRaw(CORE.ownStorePending, 0);
  }

  /** Drops what no core can fetch any more. */
  #normalise(q: number): void {
    // Numbers of versions are ours: that nobody can fetch one any more is no dependency of those who could.
    const { looks } = this.#engine;
    this.#engine.looks = undefined;
    this.#drop(q);
    this.#engine.looks = looks;
  }

  #drop(q: number): void {
    let drop = this.floor(this.#cores[0] as Core, q);
    for (const c of this.#cores) drop = Math.min(drop, this.floor(c, q));
    if (drop === 0) return;
    const count = this.count(q);
    for (let v = drop; v < count; v++) this.#setVersion(q, v - drop, this.version(q, v), this.#tag(q, v));
    for (let v = count - drop; v < count; v++) this.#setVersion(q, v, 0n, 0);
    this.#setVersion(q, 0, this.version(q, 0), 0);
    this.#setCount(q, count - drop);
    for (const c of this.#cores) {
      c.prepare();
      this.#engine.bytes[c.base + CORE.floors + q] = this.floor(c, q) - drop;
    }
  }
}
