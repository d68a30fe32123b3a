import { Engine, type EngineHost } from '../engine/engine.ts';
import {
  CORE,
  ITLB,
  KEY_AT,
  LATCH_ENTRIES,
  PAGE,
  PAGE_INFO_BASE,
  physicalOf,
  SHADOW,
  STORE_BUFFER_ENTRY_BYTES,
  Stop,
} from '../engine/layout.ts';
import { ReferenceRunner } from '../engine/reference-runner.ts';
import { TextpokeError } from '../error.ts';
import { Activity, IF, OFFSET, RAX, RCX, Vector } from '../isa/core-state.ts';
import type { Instruction } from '../isa/instruction.ts';
import { breakpointsOn, dataBreakpoints, instructionBreakpoints } from './breakpoints.ts';
import { AccessStopped, Core, GuestFault } from './core.ts';
import { deliver } from './exceptions.ts';
import { deliverPendingDebug, finishStep, mustStep, type StepStart, startStep } from './exceptions-step.ts';
import { type FetchChoice, FetchUnit, type FetchWindow } from './fetch.ts';
import { fetchRecord, useBytes } from './fetching.ts';
import { type CachedLine, type CacheEvent, InstructionCaches } from './icache.ts';
import { accept, deliverable } from './interrupts.ts';
import { MachineMemory } from './machine-memory.ts';
import type { MachineOptions } from './machine-options.ts';
import { fillTlb, translateFetch } from './paging.ts';
import type { MachineEvent, MachineHost, MachineParts, SystemHelper, SystemOutcome } from './parts.ts';
import type { AnyFetchPolicy } from './policy/policy.ts';
import { systemHelper } from './system/index.ts';
import { TextVersions } from './text-versions.ts';

export type { AddressNames, EngineName, MachineOptions } from './machine-options.ts';

/** Instructions that a core may run between two visible operations before it counts as lost in a loop. */
const LOCAL_LIMIT = 200_000;

/** Returns of the engine in a row without a retired instruction before each counts as one: exceptions whose handlers fault for ever must end too. */
const BARREN_LIMIT = 16;

/** Returns of the engine behind a violation: what it leads to at once is of interest, where it leads in the end is not. */
const AFTERMATH_LIMIT = 64;

/** Stops before an access of an instruction that has begun. */
const IN_FLIGHT: ReadonlySet<number> = new Set([Stop.visible, Stop.systemVisible, Stop.drain, Stop.wait]);

/** Journal that one transition may need: two entries of 16 bytes for each of its instructions, rounded up. Behind its end history would be lost. */
const TRANSITION_JOURNAL_BYTES = 8 << 20;

const NO_HOST: MachineHost = { serial: () => {} };

/**
 * Several cores, their memory, and the rules by which they share it. The machine itself never chooses: it says what is possible
 * (`Choices` in choices.ts) and does what it is told, so that the same answers give the same states.
 */
export class Machine extends MachineMemory implements MachineParts, EngineHost {
  readonly engine: Engine;
  readonly cores: readonly Core[];
  readonly options: MachineOptions;
  readonly text: TextVersions | undefined;
  readonly fetch: FetchUnit;
  /** Where the fetch policy says that cores have one. */
  readonly icache: InstructionCaches | undefined;
  readonly host: MachineHost;
  readonly policy: AnyFetchPolicy | undefined;
  /** Observers of events; checkers and traces add themselves. */
  readonly observers: ((event: MachineEvent) => void)[] = [];
  /** Virtual time: grows with every transition or run slice; what RDTSC and the timer see. */
  ticks = 0n;
  /** Linear addresses where observers want to be told before the instruction runs. */
  readonly hooks = new Set<bigint>();
  /** A quadword of executed text was written that is not declared as patched: the search must start again with it. */
  readonly newText = new Set<number>();
  /** Quadwords of which a core has executed something in some run. */
  readonly executed = new Set<number>();
  /** Cores that were sent an IPI in some run: where they turn interrupts off is visible. The search must start again with a new one. */
  readonly interrupted = new Set<number>();
  /** Of them those that were sent an NMI. */
  readonly nmiTargets = new Set<number>();
  /** Each instruction is a step of its own, whether others can see what it does or not: to check that leaving places out leaves nothing else out. */
  everyInstruction = false;
  /** Cores that can be interrupted at each of their instructions, where others only can before a visible operation. */
  readonly splits = new Set<number>();
  /** Grows with all that a search must know from its start: shared memory, text that is written, cores that are interrupted. */
  get discoveries(): number {
    return this.engine.globals.learned.value + this.newText.size + this.interrupted.size + this.nmiTargets.size;
  }
  #foreignTlb = false;
  /** Data breakpoints that the instruction in flight has touched; an instruction that is taken up again touches them again. */
  #watchedHit = 0;
  readonly #helpers = new Map<Instruction, SystemHelper>();
  readonly #reference: ReferenceRunner | undefined;

  constructor(options: MachineOptions) {
    super();
    this.options = options;
    this.host = options.host ?? NO_HOST;
    this.policy = options.explore?.fetch;
    const features = {
      journal: options.journal === true || options.explore !== undefined,
      explore: options.explore !== undefined,
      tso: options.explore?.memory === 'tso',
      fence: options.explore?.fetch.mfenceSerializes === true,
      regions: options.engine === 'region',
    };
    this.engine = Engine.take({ ramBytes: options.ramBytes, journalBytes: 16 << 20, features }, this);
    this.cores = Array.from({ length: options.cores }, (_, i) => new Core(this.engine, i));
    const pageInfo = this.engine.words.subarray(PAGE_INFO_BASE >> 2, (PAGE_INFO_BASE >> 2) + this.engine.map.ramBytes / 4096);
    const flags = features.explore ? PAGE.slow : 0;
    for (let page = 0; page < pageInfo.length; page++) pageInfo[page] = (page << 8) | flags;
    this.text = this.policy === undefined ? undefined : new TextVersions(this.engine, this.cores, this.policy);
    const { cache } = this.policy ?? {};
    if (cache !== undefined && this.text !== undefined) {
      const tell = (core: number, what: CacheEvent, line: number): void => this.emit({ kind: 'icache', core, what, line });
      this.icache = new InstructionCaches(this.engine, this.cores, cache, this.text, tell);
    }
    this.fetch = new FetchUnit(this.engine, this.text, this.policy, this.icache);
    this.#reference = options.engine === 'reference' ? new ReferenceRunner(this.engine, this) : undefined;
  }

  // ---- what the engine asks ----

  walk(base: number, low: number, high: number, access: number, kind: number, size: number): number {
    const core = this.#coreAt(base);
    const linear = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    if (breakpointsOn(core)) this.#watchedHit |= dataBreakpoints(core, linear, size, access !== 0);
    return fillTlb(this, core, linear, access === 0 ? 'read' : 'write', kind, size);
  }

  textWrite(_base: number, physical: number, size: number): void {
    this.engine.killRecords(physical, size);
    if (!this.engine.features.explore || this.text === undefined) return;
    for (let q = physical & ~7; q < physical + size; q += 8) {
      if (this.text.indexOf(q) < 0 && (this.#shadow(q) & SHADOW.readers) !== 0) this.newText.add(q);
    }
  }

  textCommitted(base: number, physical: number, size: number): void {
    const core = this.#coreAt(base);
    const own = this.engine.globals.sameAddress.value === 1;
    this.text?.committed(core, physical, size, own);
    this.icache?.committed(core, physical, size, own);
    this.emit({ kind: 'text', core: core.index, physical, size });
  }

  #shadow(physical: number): number {
    return this.engine.view.getUint32(this.engine.map.shadow + (physical >>> 3) * 4, true);
  }

  #coreAt(base: number): Core {
    return this.cores[((base - this.cores[0]!.base) / (this.cores.length > 1 ? this.cores[1]!.base - this.cores[0]!.base : 1)) | 0] as Core;
  }

  /** MFENCE with an empty store buffer, where it serializes fetch: 0 done, 1 stopped. */
  fence(base: number): number {
    const core = this.#coreAt(base);
    if (this.serializeIsVisible(core) && !this.takeVisible(core)) {
      this.#stop(Stop.systemVisible);
      return 1;
    }
    this.serialize(core, 'mfence');
    return 0;
  }

  system(base: number, record: number): number {
    const core = this.#coreAt(base);
    const instruction = this.engine.instructionAt(record);
    const fields = this.engine.fieldsAt(record);
    const next = core.rip + BigInt(fields.length);
    let helper = this.#helpers.get(instruction);
    if (helper === undefined) {
      helper = systemHelper(instruction.mnemonic);
      if (helper !== undefined) this.#helpers.set(instruction, helper);
    }
    if (helper === undefined)
      throw new TextpokeError('E_INTERNAL', `no system helper for ${instruction.mnemonic}`, { where: this.describe(core) });
    core.prepare();
    if (this.engine.features.explore && tellsIdentity(instruction.mnemonic, core)) this.emit({ kind: 'identity', core: core.index });
    let outcome: SystemOutcome;
    try {
      outcome = helper(this, core, instruction, fields, next);
    } catch (error) {
      if (error instanceof AccessStopped) return 1;
      if (!(error instanceof GuestFault)) throw error;
      this.noteFault(core, error.vector, error.errorCode);
      return 1;
    }
    switch (outcome) {
      case 'next':
        core.rip = next;
        return 0;
      case 'jumped':
        return 0;
      case 'nextAndLook':
        core.rip = next;
        return 2;
      case 'jumpedAndLook':
        return 2;
      case 'visible':
        this.#stop(Stop.systemVisible);
        return 1;
      case 'drain':
        this.#stop(Stop.drain);
        return 1;
      case 'wait':
        this.#stop(Stop.wait);
        return 1;
    }
  }

  #stop(reason: number): void {
    this.engine.globals.stop.value = reason + 1;
  }

  /** Notes a fault for the run loop to deliver. */
  noteFault(core: Core, vector: number, errorCode: bigint): void {
    core.setRawLong(CORE.stopVector, BigInt(vector));
    core.setRawLong(CORE.stopError, errorCode);
    core.setRawLong(CORE.stopKind, 0n);
    this.#stop(Stop.exception);
  }

  // ---- MachineParts ----

  /**
   * Serializing later, after others stored, only takes choices away, and nobody else sees that a core serializes. So the early order covers the late
   * one, and the event needs no place of its own in the schedule: except where an interrupt may come before it, whose handler still fetches what is
   * stale, and on a cache, whose lines tell the two apart.
   */
  serializeIsVisible(core: Core): boolean {
    if (this.icache?.lags(core) === true) return true;
    return this.text?.lags(core) === true && this.#mayBeInterrupted(core);
  }
  #mayBeInterrupted(core: Core): boolean {
    if (deliverable(this, core) !== undefined) return true;
    return this.nmiTargets.has(core.index) || (this.interrupted.has(core.index) && (core.small('flagSystem') & IF) !== 0);
  }
  get mfenceSerializes(): boolean {
    return this.policy?.mfenceSerializes === true;
  }

  /**
   * The place before interrupts go off is the last one where one can be taken: where one waits, and where an IPI may still come after what the
   * core did before was seen.
   */
  maskingIsVisible(core: Core): boolean {
    if (!this.engine.features.explore || (core.small('flagSystem') & IF) === 0) return false;
    return deliverable(this, core) !== undefined || this.interrupted.has(core.index);
  }

  takeVisible(_core: Core): boolean {
    if (!this.engine.features.explore) return true;
    const { visible } = this.engine.globals;
    if (visible.value === 0) return false;
    visible.value--;
    return true;
  }

  serialize(core: Core, why = ''): void {
    if (this.options.defect !== 'no-refetch' || (why !== 'iret' && why !== 'sync_core')) {
      this.text?.serialize(core);
      this.icache?.serialize(core);
    }
    this.fetch.release(core);
    this.emit({ kind: 'serialize', core: core.index, why });
  }

  flushTlb(core: Core, otherRules = false): void {
    core.flushTlb();
    // Entries are a function of CR0, CR3, CR4, EFER, the tables, the mode and the breakpoints: at home they stay right when a transition is undone.
    const atHome = core.get('cr3') === core.rawLong(CORE.homeCr3) && core.small('cpl') === 0 && core.mode === 0;
    if (otherRules || !atHome || breakpointsOn(core)) this.#foreignTlb = true;
  }

  emit(event: MachineEvent): void {
    if (event.kind === 'ipi') for (const target of event.targets) this.interrupted.add(target);
    if (event.kind === 'ipi' && event.vector === Vector.NMI) for (const target of event.targets) this.nmiTargets.add(target);
    for (const observer of this.observers) observer(event);
  }

  // ---- running ----

  #boundary: ((core: Core) => boolean) | undefined;
  #halted = false;

  /**
   * Does `act` with `look` asked behind each instruction, delivered exception and taken interrupt of any core, in their order; true stops the core
   * there. Gives whether that happened: then the state is in the middle of a transition, good for looking only, and must be undone. What
   * happens is the same with and without.
   */
  watching(look: (core: Core) => boolean, act: () => void): boolean {
    this.#boundary = look;
    this.#halted = false;
    try {
      act();
      return this.#halted;
    } finally {
      this.#boundary = undefined;
      this.#halted = false;
    }
  }

  /** The core is between two instructions: whether it must stop there. */
  #halts(core: Core): boolean {
    if (this.#boundary === undefined) return false;
    this.#halted ||= this.#boundary(core);
    return this.#halted;
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
        const stop = this.#delivering(() => deliverPendingDebug(this, core));
        if (stop !== undefined) return stop;
        if (core.rip !== from && this.#halts(core)) return Stop.budget;
      }
      const start = mustStep(core) || (ownStore && core.raw(CORE.ownStorePending) !== 0) ? startStep(core) : undefined;
      const hit = start === undefined ? 0 : instructionBreakpoints(core);
      if (hit !== 0) {
        const stop = this.#deliverInstructionBreakpoint(core, hit);
        if (stop !== undefined) return stop;
        if (this.#halts(core)) return Stop.budget;
        continue;
      }
      const before = start === undefined ? 0n : core.rip;
      const from = record === 0 ? 0n : core.rip;
      if (this.engine.features.explore) this.engine.globals.interruptible.value = deliverable(this, core) === undefined ? 0 : 1;
      core.prepare();
      const splitting = this.splitting(core);
      if (splitting && left < limit) return this.#placeOf(core);
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
          if (used > 0 && this.#halts(core)) return Stop.budget;
          if (left <= 0) return Stop.budget;
          // A trap that is due comes before any interrupt: it is delivered first.
          if (splitting && core.small('singleStepPending') === 0) return this.#placeOf(core);
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
            if (this.#halts(core)) return Stop.budget;
          }
          break;
        default:
          return reason;
      }
    }
  }

  #run(core: number, instructions: number, record: number): number {
    this.#watchedHit = 0;
    return this.#reference?.run(core, instructions, record) ?? this.engine.run(core, instructions, record);
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
  #placeOf(core: Core): number {
    const at = this.fetchAt(core);
    return 'physical' in at && this.fetchWindow(core, at.physical).patched && this.fetch.held(core) === undefined
      ? Stop.fetch
      : Stop.budget;
  }

  /** A #DB before the instruction at RIP. Gives the stop when a store of the frame has to wait. */
  #deliverInstructionBreakpoint(core: Core, hit: number): number | undefined {
    this.clearLatch(core);
    return this.#delivering(() => deliver(this, core, { vector: Vector.DB, kind: 'fault', savedRip: core.rip, debugStatus: hit }));
  }

  /** The stop of a delivery that has to wait for a memory access: then nothing is delivered yet. */
  #delivering(delivery: () => void): number | undefined {
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
    finishStep(core, start, this.#watchedHit);
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
    const stop = this.#delivering(() => deliver(this, core, { vector, errorCode, kind, savedRip }));
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

  // ---- transitions ----

  /** Runs `core` up to its next visible operation and notes what stopped it. */
  settle(core: Core): void {
    const stop = this.runCore(core, LOCAL_LIMIT);
    if (this.#halted) return;
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
    const waits = this.#delivering(() => accept(this, core, vector));
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
    if (this.#halts(core)) return;
    // What may come at each of its instructions may come before the handler's first one: while it is pending from there on, it is so at no cost.
    if (this.splits.has(core.index)) this.pause(core);
    else this.settle(core);
  }

  /** Stops `core` where it is, before its next instruction. */
  pause(core: Core): void {
    core.setRaw(CORE.stop, this.#placeOf(core));
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
      if (this.#halted) return;
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
        const stop = this.#runRecord(core, used.record);
        if (stop !== undefined) {
          if (IN_FLIGHT.has(stop)) this.fetch.hold(core, choice.bytes);
          core.setRaw(CORE.stop, stop);
          this.engine.access.scrub(core.base);
          return;
        }
        if (this.#halts(core) || this.#pausesBehind(core)) return;
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
    const waits = core.small('singleStepPending') === 0 ? undefined : this.#delivering(() => deliverPendingDebug(this, core));
    if (waits === undefined && !this.splitting(core)) return false;
    if (waits === undefined) this.pause(core);
    else core.setRaw(CORE.stop, waits);
    return true;
  }

  /** One instruction from a record; undefined when the core can go on. */
  #runRecord(core: Core, record: number): number | undefined {
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
    if (this.#foreignTlb) for (const c of this.cores) c.flushTlb();
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

  /** Where a core is: its number, its RIP, and the source line where that is known. */
  describe(core: Core): string {
    const line = this.options.names?.lineAt(core.rip);
    return `core ${core.index} at ${hex(core.rip)}${line === undefined ? '' : `   ${line.file}:${line.line}`}`;
  }
}

/** Whether a system instruction tells a core its own number: CPUID leaves 1, 0BH and 1FH, the x2APIC ID and LDR registers. */
function tellsIdentity(mnemonic: string, core: Core): boolean {
  if (mnemonic === 'cpuid') return [1, 0xb, 0x1f].includes(Number(core.gpr(RAX) & 0xffffffffn));
  return mnemonic === 'rdmsr' && [0x802, 0x80d].includes(Number(core.gpr(RCX) & 0xffffffffn));
}

const hex = (n: bigint): string => `0x${n.toString(16)}`;

export type { Instruction };
