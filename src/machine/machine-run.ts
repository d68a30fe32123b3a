import { CORE, ITLB, LATCH_ENTRIES, physicalOf, Stop } from '../engine/layout.ts';
import { Activity, OFFSET, Vector } from '../isa/core-state.ts';
import { instructionBreakpoints } from './breakpoints.ts';
import { AccessStopped, type Core } from './core.ts';
import { deliver } from './exceptions.ts';
import { deliverPendingDebug, finishStep, mustStep, type StepStart, startStep } from './exceptions-step.ts';
import type { FetchWindow } from './fetch.ts';
import { fetchRecord } from './fetching.ts';
import { deliverable } from './interrupts.ts';
import { MachineServices } from './machine-services.ts';
import { translateFetch } from './paging.ts';

/** Returns of the engine in a row without a retired instruction before each counts as one: exceptions whose handlers fault for ever must end too. */
const BARREN_LIMIT = 16;

/** Returns of the engine behind a violation: what it leads to at once is of interest, where it leads in the end is not. */
const AFTERMATH_LIMIT = 64;

/** Stops before an access of an instruction that has begun. */
export const IN_FLIGHT: ReadonlySet<number> = new Set([Stop.visible, Stop.systemVisible, Stop.drain, Stop.wait]);

/** How a core of a machine runs until something stops it: instructions, the exceptions that they raise, and fetches. */
export abstract class MachineRun extends MachineServices {
  #boundary: ((core: Core) => boolean) | undefined;
  protected halted = false;

  /**
   * Does `act` with `look` asked behind each instruction, delivered exception and taken interrupt of any core, in their order; true stops the core
   * there. Gives whether that happened: then the state is in the middle of a transition, good for looking only, and must be undone. What
   * happens is the same with and without.
   */
  watching(look: (core: Core) => boolean, act: () => void): boolean {
    this.#boundary = look;
    this.halted = false;
    try {
      act();
      return this.halted;
    } finally {
      this.#boundary = undefined;
      this.halted = false;
    }
  }

  /** The core is between two instructions: whether it must stop there. */
  protected halts(core: Core): boolean {
    if (this.#boundary === undefined) return false;
    this.halted ||= this.#boundary(core);
    return this.halted;
  }

  /** Instructions of the last `runCore` that were not used. */
  left = 0;

  /** Runs `core` until something stops it: delivers exceptions and fetches instructions on the way. Gives the final stop. */
  runCore(core: Core, limit: number): number {
    let left = limit;
    let record = 0;
    let barren = 0;
    let aftermath = 0;
    // A store to text on the way is looked after from the next transition on: where the engine comes back in this one depends on what was decoded before.
    const ownStore = core.raw(CORE.ownStorePending) !== 0;
    this.left = limit;
    for (;;) {
      if (core.activity !== Activity.running) return Stop.idle;
      if (this.abandoned && ++aftermath > AFTERMATH_LIMIT) return Stop.budget;
      if (core.small('singleStepPending') !== 0) {
        const from = core.rip;
        const stop = this.delivering(() => deliverPendingDebug(this, core));
        if (stop !== undefined) return stop;
        if (core.rip !== from && this.halts(core)) return Stop.budget;
      }
      const start = mustStep(core) || (ownStore && core.raw(CORE.ownStorePending) !== 0) ? startStep(core) : undefined;
      const hit = start === undefined ? 0 : instructionBreakpoints(core);
      if (hit !== 0) {
        const stop = this.#deliverInstructionBreakpoint(core, hit);
        if (stop !== undefined) return stop;
        if (this.halts(core)) return Stop.budget;
        continue;
      }
      const before = start === undefined ? 0n : core.rip;
      const from = record === 0 ? 0n : core.rip;
      if (this.engine.features.explore) this.engine.globals.interruptible.value = deliverable(this, core) === undefined ? 0 : 1;
      core.prepare();
      const splitting = this.splitting(core);
      if (splitting && left < limit) return this.placeOf(core);
      const asked = start === undefined && !splitting && this.#boundary === undefined ? left : Math.min(1, left);
      const reason = this.#run(core.index, asked, record);
      const used = asked - this.engine.unused(core.index);
      left -= used;
      // Back at patched text a core stops for its fetch: in flight at the same place is the same instruction.
      if (record !== 0 && !(IN_FLIGHT.has(reason) && core.rip === from)) this.fetch.release(core);
      record = 0;
      if (used > 0) barren = 0;
      else if (++barren > BARREN_LIMIT) left--;
      this.left = left;
      if (barren > BARREN_LIMIT && left <= 0) return Stop.budget;
      if (start !== undefined && used > 0 && (reason === Stop.budget || reason === Stop.system)) this.#finish(core, start, before);
      switch (reason) {
        case Stop.budget:
        case Stop.system:
          if (used > 0 && this.halts(core)) return Stop.budget;
          if (left <= 0) return Stop.budget;
          // A trap that is due comes before any interrupt: it is delivered first.
          if (splitting && core.small('singleStepPending') === 0) return this.placeOf(core);
          if (reason === Stop.system && !this.engine.features.explore) return Stop.system;
          break;
        case Stop.fetch: {
          const fetched = fetchRecord(this, core);
          if (fetched.kind === 'stop') return fetched.stop;
          if (fetched.kind === 'record') record = fetched.record;
          break;
        }
        case Stop.exception:
          {
            const stop = this.deliverNoted(core);
            if (stop !== undefined) return stop;
            if (this.halts(core)) return Stop.budget;
          }
          break;
        default:
          return reason;
      }
    }
  }

  /** One instruction from a record; undefined when the core can go on. */
  protected runRecord(core: Core, record: number): number | undefined {
    const start = mustStep(core) || core.raw(CORE.ownStorePending) !== 0 ? startStep(core) : undefined;
    const before = start === undefined ? 0n : core.rip;
    const reason = this.#run(core.index, 1, record);
    if (reason === Stop.exception) return this.deliverNoted(core);
    if (reason === Stop.budget || reason === Stop.system) {
      if (start !== undefined) this.#finish(core, start, before);
      return undefined;
    }
    return reason === Stop.fetch ? undefined : reason;
  }

  #run(core: number, instructions: number, record: number): number {
    this.watchedHit = 0;
    return this.reference?.run(core, instructions, record) ?? this.engine.run(core, instructions, record);
  }

  /** An interrupt may come before the next instruction, whatever that is. */
  splitting(core: Core): boolean {
    if (this.everyInstruction) return true;
    return this.splits.size > 0 && this.splits.has(core.index) && deliverable(this, core) !== undefined;
  }

  /**
   * What a core that stops before its next instruction waits for: at patched text for its fetch. Going on to there first would be a step
   * that changes nothing, back to a state that was seen.
   */
  protected placeOf(core: Core): number {
    const at = this.fetchAt(core);
    return 'physical' in at && this.fetchWindow(core, at.physical).patched && this.fetch.held(core) === undefined
      ? Stop.fetch
      : Stop.budget;
  }

  /** A #DB before the instruction at RIP. Gives the stop when a store of the frame has to wait. */
  #deliverInstructionBreakpoint(core: Core, hit: number): number | undefined {
    this.clearLatch(core);
    return this.delivering(() => deliver(this, core, { vector: Vector.DB, kind: 'fault', savedRip: core.rip, debugStatus: hit }));
  }

  /** The stop of a delivery that has to wait for a memory access: then nothing is delivered yet. */
  protected delivering(delivery: () => void): number | undefined {
    // It begins with no access of its own done.
    this.engine.globals.access.value = 0;
    try {
      delivery();
      return undefined;
    } catch (error) {
      if (!(error instanceof AccessStopped)) throw error;
      const stop = this.engine.globals.stop.value - 1;
      this.engine.globals.stop.value = 0;
      return stop;
    }
  }

  #finish(core: Core, start: StepStart, before: bigint): void {
    finishStep(core, start, this.watchedHit);
    if (core.raw(CORE.ownStorePending) === 0 || !this.fetch.branched(core, before)) return;
    this.text?.takenBranch(core);
    this.icache?.takenBranch(core);
  }

  /** Delivers the exception that is noted in the block. Gives the stop when a memory access of the delivery has to wait. */
  deliverNoted(core: Core): number | undefined {
    const vector = Number(core.rawLong(CORE.stopVector));
    const kind = (['fault', 'trap', 'software'] as const)[Number(core.rawLong(CORE.stopKind))] ?? 'fault';
    const errorCode = core.rawLong(CORE.stopError);
    const savedRip = kind === 'fault' ? core.rip : core.rawLong(CORE.stopNext);
    this.clearLatch(core);
    const stop = this.delivering(() => deliver(this, core, { vector, errorCode, kind, savedRip }));
    // The handler's first instruction has done nothing yet.
    if (stop === undefined) this.clearLatch(core);
    return stop;
  }

  /** An instruction in flight is given up: its visible accesses count as not done. */
  clearLatch(core: Core): void {
    if (core.raw(CORE.latchDone) !== 0) for (let n = 0; n <= LATCH_ENTRIES; n++) core.setRawLong(CORE.latchDone + 8 * n, 0n);
    this.fetch.release(core);
  }

  /** Translates RIP for a fetch: from the core's instruction TLB where it holds the page, else by a walk. */
  fetchAt(core: Core): ReturnType<typeof translateFetch> | { readonly physical: number } {
    const { words } = this.engine;
    const at = (core.base + OFFSET.rip) >> 2;
    const low = words[at] as number;
    const entry = (core.base + CORE.itlb + ((low >>> 12) & (ITLB.entries - 1)) * ITLB.bytes) >> 2;
    if (words[entry] === (low & ~0xfff) && words[entry + 1] === words[at + 1]) {
      return { physical: physicalOf(words[entry + (ITLB.physical >> 2)] as number) | (low & 0xfff) };
    }
    return translateFetch(this, core, core.rip);
  }

  /** Whether the engine finds the record of the instruction at RIP, just translated, by itself: not where CS begins or ends inside a page. */
  findsRecords(core: Core): boolean {
    if (core.mode === 0) return true;
    return (core.get('csBase') & 0xfffn) === 0n && (core.rip | 0xfffn) <= core.get('csHigh');
  }

  /** What a fetch at a physical address, that of RIP, may take. */
  fetchWindow(core: Core, physical: number): FetchWindow {
    const toNextPage = BigInt(4096 - (physical & 0xfff));
    return this.fetch.window(physical, core.mode, () => translateFetch(this, core, core.rip + toNextPage));
  }
}
