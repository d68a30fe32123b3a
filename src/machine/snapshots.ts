import { CORE, HASH_BASE, HASH_BYTES, META_BASE } from '../engine/layout.ts';
import { EXTENDED_AT, EXTENDED_BYTES } from '../isa/core-state.ts';
import type { Machine } from './machine.ts';

const PAGE_BYTES = 4096;

/** What a page of linear memory held from one snapshot on. */
interface PageVersion {
  readonly snapshot: number;
  readonly bytes: Uint8Array;
}

/** State that is saved whole: it is small. */
interface Blocks {
  readonly cores: readonly Uint8Array[];
  readonly extended: readonly Uint8Array[];
  readonly hash: Uint8Array;
}

/**
 * States of a machine to come back to, in the order in which a run came to them. A snapshot holds the cores and those pages that changed since the one
 * before it, which the undo journal tells; so a long run costs what it writes, and the journal need only reach back to the last snapshot. Only for
 * machines with a journal.
 */
export class Snapshots {
  readonly #machine: Machine;
  /** Where the journal is empty: what lies below belongs to whoever made the machine ready. */
  readonly #start: number;
  readonly #pages = new Map<number, PageVersion[]>();
  readonly #blocks: Blocks[] = [];
  #current = 0;

  /** Snapshot 0 is the state now. */
  constructor(machine: Machine) {
    this.#machine = machine;
    this.#start = machine.engine.globals.journalTop.value;
    this.#blocks.push(this.#copyBlocks());
    this.#begin();
  }

  /** Bytes of the journal since the last snapshot that was taken, restored or passed. */
  get pending(): number {
    return this.#machine.engine.globals.journalTop.value - this.#start;
  }

  get count(): number {
    return this.#blocks.length;
  }

  /** The run has come to the next snapshot: takes it, unless it is there from another time that the run came by. Gives its number. */
  pass(): number {
    const next = this.#current + 1;
    if (next === this.#blocks.length) {
      this.#savePages(next);
      this.#blocks.push(this.#copyBlocks());
    }
    this.#current = next;
    this.#begin();
    return next;
  }

  /** Goes back or forward to a snapshot. */
  restore(snapshot: number): void {
    const { engine } = this.#machine;
    this.#machine.rollback(this.#start);
    const from = this.#current;
    for (const [page, versions] of this.#pages) {
      const version = versionAt(versions, snapshot);
      if (version !== versionAt(versions, from)) engine.bytes.set(version.bytes, page * PAGE_BYTES);
    }
    const blocks = this.#blocks[snapshot] as Blocks;
    engine.bytes.set(blocks.hash, HASH_BASE);
    for (const core of this.#machine.cores) {
      engine.bytes.set(blocks.cores[core.index] as Uint8Array, core.base);
      engine.bytes.set(blocks.extended[core.index] as Uint8Array, core.base + EXTENDED_AT);
      core.flushTlb();
    }
    engine.clearDecodeCache();
    this.#current = snapshot;
    this.#begin();
  }

  /** Forgets the snapshots behind one: the run goes on in another way from before the next. */
  forgetBehind(snapshot: number): void {
    this.#blocks.length = snapshot + 1;
    for (const versions of this.#pages.values()) {
      const keep = versions.findIndex((v) => v.snapshot > snapshot);
      if (keep >= 0) versions.length = keep;
    }
  }

  #begin(): void {
    this.#machine.engine.globals.journalTop.value = this.#start;
    for (const core of this.#machine.cores) core.unsaved();
  }

  #copyBlocks(): Blocks {
    const { bytes } = this.#machine.engine;
    return {
      cores: this.#machine.cores.map((c) => bytes.slice(c.base, c.base + CORE.blockEnd)),
      extended: this.#machine.cores.map((c) => bytes.slice(c.base + EXTENDED_AT, c.base + EXTENDED_AT + EXTENDED_BYTES)),
      hash: bytes.slice(HASH_BASE, HASH_BASE + HASH_BYTES),
    };
  }

  /** Saves the pages that the journal names. One that was never saved gets what it held before, too: that was its contents from the first snapshot on. */
  #savePages(snapshot: number): void {
    const { bytes } = this.#machine.engine;
    const before = new Map<number, Uint8Array>();
    const dirty = new Set<number>();
    this.#entries((at, what) => {
      const page = Math.floor(at / PAGE_BYTES);
      dirty.add(page);
      if (this.#pages.has(page)) return;
      let old = before.get(page);
      if (old === undefined) {
        old = bytes.slice(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
        before.set(page, old);
      }
      old.set(what, at - page * PAGE_BYTES);
    });
    for (const page of dirty) {
      const versions = this.#pages.get(page) ?? [{ snapshot: 0, bytes: before.get(page) as Uint8Array }];
      this.#pages.set(page, versions);
      versions.push({ snapshot, bytes: bytes.slice(page * PAGE_BYTES, (page + 1) * PAGE_BYTES) });
    }
  }

  /** Entries of the journal for memory outside the blocks, newest first: where, and the eight bytes that were there (`journal-code.ts`). */
  #entries(entry: (at: number, bytes: Uint8Array) => void): void {
    const { engine } = this.#machine;
    for (let top = engine.globals.journalTop.value; top > this.#start; ) {
      const length = engine.view.getUint32(top - 4, true);
      const at = engine.view.getUint32(top - 8, true);
      top -= length + 8;
      if (at >= META_BASE) entry(at, engine.bytes.subarray(top, top + length));
    }
  }
}

/** The last version from a snapshot or one before it. */
function versionAt(versions: readonly PageVersion[], snapshot: number): PageVersion {
  let [low, high] = [0, versions.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (versions[middle]!.snapshot <= snapshot) low = middle;
    else high = middle - 1;
  }
  return versions[low] as PageVersion;
}
