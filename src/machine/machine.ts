import { CORE, KEY_AT, STORE_BUFFER_ENTRY_BYTES, Stop } from '../engine/layout.ts';
import { TextpokeError } from '../error.ts';
import type { Core } from './core.ts';
import { deliverPendingDebug } from './exceptions-step.ts';
import type { FetchChoice } from './fetch.ts';
import { useBytes } from './fetching.ts';
import type { CachedLine } from './icache.ts';
import { accept } from './interrupts.ts';
import { IN_FLIGHT, MachineRun } from './machine-run.ts';

export type { AddressNames, EngineName, MachineOptions } from './machine-options.ts';

/** Instructions that a core may run between two visible operations before it counts as lost in a loop. */
const LOCAL_LIMIT = 200_000;

/** Journal that one transition may need: two entries of 16 bytes for each of its instructions, rounded up. Behind its end history would be lost. */
const TRANSITION_JOURNAL_BYTES = 8 << 20;

/**
 * Several cores, their memory, and the rules by which they share it. The machine itself never chooses: it says what is possible
 * (`Choices` in choices.ts) and does what it is told, so that the same answers give the same states.
 */
export class Machine extends MachineRun {
  // ---- transitions ----

  /** Runs `core` up to its next visible operation and notes what stopped it. */
  settle(core: Core): void {
    const stop = this.runCore(core, LOCAL_LIMIT);
    if (this.halted) return;
    core.setRaw(CORE.stop, stop === Stop.budget && this.left <= 0 ? Stop.lost : stop);
    this.engine.access.scrub(core.base);
  }

  /** An interrupt had to wait: its frame did not fit into the store buffer of its core. */
  frameWaited = false;

  /** Takes an interrupt of `core`, as one visible operation. Where its frame does not fit into the store buffer nothing happens, and the buffer drains first. */
  interrupt(core: Core, vector: number | 'nmi'): void {
    core.prepare();
    this.clearLatch(core);
    const { globals, bytes } = this.engine;
    const buffered = core.raw(CORE.storeBufferCount);
    // A word of the frame may be shared. Its store is the visible operation of this transition, or waits in the store buffer.
    globals.interruptible.value = 0;
    globals.visible.value = 1;
    const waits = this.delivering(() => accept(this, core, vector));
    globals.visible.value = 0;
    this.clearLatch(core);
    if (waits !== undefined) {
      this.frameWaited = true;
      const [from, to] = [buffered, core.raw(CORE.storeBufferCount)].map(
        (n) => core.base + CORE.storeBuffer + n * STORE_BUFFER_ENTRY_BYTES,
      );
      bytes.fill(0, from, to);
      core.setRaw(CORE.storeBufferCount, buffered);
      return;
    }
    if (this.halts(core)) return;
    // What may come at each of its instructions may come before the handler's first one: while it is pending from there on, it is so at no cost.
    if (this.splits.has(core.index)) this.pause(core);
    else this.settle(core);
  }

  /** Stops `core` where it is, before its next instruction. */
  pause(core: Core): void {
    core.setRaw(CORE.stop, this.placeOf(core));
    this.engine.access.scrub(core.base);
  }

  /** Lets `core` do its next visible operation and everything local behind it. `choice` selects among the versions of a fetch. */
  step(core: Core, choice?: FetchChoice): void {
    core.prepare();
    // A core that was stopped before an instruction that nobody can see goes on to one that others can: a store on the way must have time to drain before it.
    if (core.raw(CORE.stop) === Stop.budget && choice === undefined && !this.splitting(core) && this.#goesOn(core)) return;
    this.engine.access.allow(1);
    if (choice === undefined && core.raw(CORE.stop) === Stop.drain) {
      // What waited for the store buffer is this step, whether others can see it or not (MFENCE): a load behind it and behind a new store must leave
      // that store time to drain first.
      const stop = this.runCore(core, 1);
      if (this.halted) return;
      if (stop !== Stop.budget) {
        core.setRaw(CORE.stop, stop);
        this.engine.access.scrub(core.base);
        return;
      }
      this.engine.access.allow(0);
      if (this.#pausesBehind(core)) return;
    }
    if (choice !== undefined) {
      this.engine.access.allow(0);
      if (!this.fetch.take(core, choice)) {
        this.settle(core);
        return;
      }
      this.emit({ kind: 'fetch', core: core.index, rip: core.rip, bytes: choice.bytes, stale: choice.stale, race: choice.race });
      if (this.abandoned) return;
      if (this.hooks.has(core.rip)) this.emit({ kind: 'hook', core: core.index, address: core.rip });
      const used = useBytes(this, core, choice.bytes, choice.window, false);
      if (used.kind === 'stop') {
        core.setRaw(CORE.stop, used.stop);
        return;
      }
      if (used.kind === 'record') {
        const stop = this.runRecord(core, used.record);
        if (stop !== undefined) {
          if (IN_FLIGHT.has(stop)) this.fetch.hold(core, choice.bytes);
          core.setRaw(CORE.stop, stop);
          this.engine.access.scrub(core.base);
          return;
        }
        if (this.halts(core) || this.#pausesBehind(core)) return;
      }
    }
    this.settle(core);
  }

  /** Runs up to the next visible operation. False: the core is at one already, which may count as used although it has not retired. */
  #goesOn(core: Core): boolean {
    const { bytes, globals } = this.engine;
    const block = (): Uint8Array => bytes.subarray(core.base, core.base + CORE.hashedEnd);
    const before = block().slice();
    globals.visible.value = 0;
    this.settle(core);
    return this.left < LOCAL_LIMIT && block().some((byte, n) => byte !== before[n]);
  }

  /** Behind an instruction that ran by itself: a trap that is due comes first, then whatever may interrupt. True where the core stops for that. */
  #pausesBehind(core: Core): boolean {
    const waits = core.small('singleStepPending') === 0 ? undefined : this.delivering(() => deliverPendingDebug(this, core));
    if (waits === undefined && !this.splitting(core)) return false;
    if (waits === undefined) this.pause(core);
    else core.setRaw(CORE.stop, waits);
    return true;
  }

  /** Commits an entry of the core's store buffer: 0, or 1 where two halves of one store may go in either order. */
  drain(core: Core, entry: number): void {
    core.prepare();
    this.engine.access.drain(core.base, entry);
  }

  /** The machine is done with: its engine goes to the next one. Nothing of it may be used any more. */
  release(): void {
    this.engine.release();
  }

  // ---- undo ----

  /** Starts a transition: everything from here on can be undone to the mark that it gives. */
  mark(): number {
    const mark = this.engine.access.begin();
    for (const c of this.cores) c.unsaved();
    if (mark > this.engine.map.journal + this.engine.map.journalBytes - TRANSITION_JOURNAL_BYTES) {
      throw new TextpokeError('E_BUDGET', 'the undo journal is full: the search is deeper than it can hold', {
        hint: 'make the scenario smaller',
      });
    }
    return mark;
  }

  rollback(mark: number): void {
    this.engine.access.rollback(mark);
    for (const c of this.cores) c.unsaved();
    if (this.foreignTlb) for (const c of this.cores) c.flushTlb();
  }

  /** Keeps what was done since a mark for good: for a run that only goes forward, however long it is. Marks that were made since are worth nothing. */
  forget(mark: number): void {
    this.engine.globals.journalTop.value = mark;
    for (const c of this.cores) c.unsaved();
  }

  /** Writes the 128-bit key of the state and gives the index of its first 32-bit word in `engine.words`. */
  key(symmetric = 0): number {
    this.engine.access.stateKey(this.cores.length, symmetric);
    return KEY_AT >> 2;
  }

  /** The key as a string of 32 hex digits. */
  hash(symmetric = 0): string {
    const at = this.key(symmetric);
    return [3, 2, 1, 0].map((n) => (this.engine.words[at + n]! >>> 0).toString(16).padStart(8, '0')).join('');
  }

  /** What a core's instruction cache holds of patched text, by address; empty where the fetch policy has no cache. For looking: nothing changes. */
  icacheView(core: Core): readonly CachedLine[] {
    return this.icache?.view(core) ?? [];
  }
}
