import { Engine, type EngineHost } from '../engine/engine.ts';
import { CORE, PAGE, PAGE_INFO_BASE, SHADOW, Stop } from '../engine/layout.ts';
import { ReferenceRunner } from '../engine/reference-runner.ts';
import { TextpokeError } from '../error.ts';
import { IF, RAX, RCX, Vector } from '../isa/core-state.ts';
import type { Instruction } from '../isa/instruction.ts';
import { breakpointsOn, dataBreakpoints } from './breakpoints.ts';
import { AccessStopped, Core, GuestFault } from './core.ts';
import { FetchUnit } from './fetch.ts';
import { type CacheEvent, InstructionCaches } from './icache.ts';
import { deliverable } from './interrupts.ts';
import { MachineMemory } from './machine-memory.ts';
import type { MachineOptions } from './machine-options.ts';
import { fillTlb } from './paging.ts';
import type { MachineEvent, MachineHost, MachineParts, SystemHelper, SystemOutcome } from './parts.ts';
import type { AnyFetchPolicy } from './policy/policy.ts';
import { systemHelper } from './system/index.ts';
import { TextVersions } from './text-versions.ts';

const NO_HOST: MachineHost = { serial: () => {} };

/** A machine's cores and parts put together, and what the engine and these parts ask of it. */
export abstract class MachineServices extends MachineMemory implements MachineParts, EngineHost {
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
  protected foreignTlb = false;
  /** Data breakpoints that the instruction in flight has touched; an instruction that is taken up again touches them again. */
  protected watchedHit = 0;
  readonly #helpers = new Map<Instruction, SystemHelper>();
  protected readonly reference: ReferenceRunner | undefined;

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
    this.reference = options.engine === 'reference' ? new ReferenceRunner(this.engine, this) : undefined;
  }

  // ---- what the engine asks ----

  walk(base: number, low: number, high: number, access: number, kind: number, size: number): number {
    const core = this.#coreAt(base);
    const linear = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    if (breakpointsOn(core)) this.watchedHit |= dataBreakpoints(core, linear, size, access !== 0);
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
    if (otherRules || !atHome || breakpointsOn(core)) this.foreignTlb = true;
  }

  emit(event: MachineEvent): void {
    if (event.kind === 'ipi') for (const target of event.targets) this.interrupted.add(target);
    if (event.kind === 'ipi' && event.vector === Vector.NMI) for (const target of event.targets) this.nmiTargets.add(target);
    for (const observer of this.observers) observer(event);
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
