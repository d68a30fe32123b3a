import { Engine, type EngineHost } from '../../src/engine/engine.ts';
import { CORE, PAGE_INFO_BASE, SCRATCH_RECORDS, Stop } from '../../src/engine/layout.ts';
import { IF, RSP, type StateWord } from '../../src/isa/core-state.ts';
import { decode } from '../../src/isa/decode.ts';
import { initApic } from '../../src/machine/apic.ts';
import { AccessStopped, Core, GuestFault } from '../../src/machine/core.ts';
import { deliver } from '../../src/machine/exceptions.ts';
import { deliverPendingDebug, finishStep, startStep } from '../../src/machine/exceptions-step.ts';
import { fillTlb } from '../../src/machine/paging.ts';
import type { MachineEvent, MachineHost, MachineParts, SystemOutcome } from '../../src/machine/parts.ts';
import { systemHelper } from '../../src/machine/system/index.ts';

/** Where things lie, physical and (identity-mapped) linear. */
export const AT = {
  pml4: 0x1000,
  pdpt: 0x2000,
  pd: 0x3000,
  pt: 0x4000,
  gdt: 0x5000,
  idt: 0x6000,
  tss: 0x7000,
  code: 0x8000,
  stack: 0xa000,
  handlers: 0xb000,
  ist: 0xd000,
  kernelStack: 0xe000,
  user: 0x10000,
  userStack: 0x12000,
  data: 0x13000,
} as const;
export const SELECTOR = { kernelCode: 8, kernelData: 0x10, userData: 0x1b, userCode: 0x23, tss: 0x28, absent: 0x38 } as const;

const RAM = 0x20000;
const PRESENT_WRITE = 3n;
const USER = 4n;

/** A machine of nothing but memory, cores and the parts under test: an engine without the explorer's features, one instruction at a time. */
export class TinyMachine implements MachineParts, EngineHost {
  readonly engine: Engine;
  readonly cores: readonly Core[];
  readonly mfenceSerializes = false;

  maskingIsVisible(): boolean {
    return false;
  }
  readonly events: MachineEvent[] = [];
  readonly host: MachineHost;
  readonly serial: number[] = [];
  ticks = 0n;
  serialized = 0;
  /** Whether `takeVisible` has a budget. */
  visible = true;
  readonly #next = new Map<Core, bigint>();

  constructor(cores = 1, host: Partial<MachineHost> = {}) {
    this.host = {
      serial: (_core, byte) => {
        this.serial.push(byte);
      },
      ...host,
    };
    this.engine = new Engine(
      { ramBytes: RAM, journalBytes: 1 << 20, features: { journal: false, explore: false, tso: false, fence: false, regions: false } },
      this,
    );
    this.cores = Array.from({ length: cores }, (_, n) => new Core(this.engine, n));
    for (let page = 0; page < RAM / 4096; page++) this.engine.words[(PAGE_INFO_BASE >> 2) + page] = page << 8;
    this.#buildTables();
    for (const core of this.cores) this.#reset(core);
  }

  /** Identity map of 4-KiB pages; the user ones from `AT.user` on. */
  #buildTables(): void {
    this.write(AT.pml4, BigInt(AT.pdpt) | PRESENT_WRITE | USER);
    this.write(AT.pdpt, BigInt(AT.pd) | PRESENT_WRITE | USER);
    this.write(AT.pd, BigInt(AT.pt) | PRESENT_WRITE | USER);
    for (let page = 0; page < RAM; page += 4096)
      this.write(AT.pt + (page >> 9), BigInt(page) | PRESENT_WRITE | (page >= AT.user ? USER : 0n));
    const segment = (type: number, dpl: number, long: boolean): bigint =>
      (BigInt(0x90 | (dpl << 5) | type) << 40n) | (long ? 1n << 53n : 1n << 54n) | (0xfn << 48n) | (1n << 55n) | 0xffffn;
    this.write(AT.gdt + 0x08, segment(0xb, 0, true));
    this.write(AT.gdt + 0x10, segment(0x3, 0, false));
    this.write(AT.gdt + 0x18, segment(0x3, 3, false));
    this.write(AT.gdt + 0x20, segment(0xb, 3, true));
    this.write(AT.gdt + 0x28, (BigInt(AT.tss) << 16n) | (0x8bn << 40n) | 0x67n);
    this.write(AT.gdt + 0x30, 0n);
    this.write(AT.gdt + 0x38, segment(0xb, 0, true) & ~(1n << 47n));
    this.write(AT.tss + 4, BigInt(AT.kernelStack + 0x1000));
    this.write(AT.tss + 0x24, BigInt(AT.ist + 0x1000));
    // The I/O permission bitmap would begin behind the limit: there is none.
    this.write(AT.tss + 0x66, 0x68n, 2);
    for (let vector = 0; vector < 256; vector++) this.gate(vector, {});
  }

  /** Handler of a vector: 16 bytes each. */
  handler = (vector: number): number => AT.handlers + vector * 16;

  gate(
    vector: number,
    { type = 0xe, dpl = 0, ist = 0, present = true, selector = SELECTOR.kernelCode as number, at = this.handler(vector) },
  ): void {
    const target = BigInt(at);
    const attributes = BigInt((present ? 0x80 : 0) | (dpl << 5) | type);
    this.write(
      AT.idt + vector * 16,
      (target & 0xffffn) | (BigInt(selector) << 16n) | (BigInt(ist) << 32n) | (attributes << 40n) | (((target >> 16n) & 0xffffn) << 48n),
    );
    this.write(AT.idt + vector * 16 + 8, target >> 32n);
  }

  #reset(core: Core): void {
    const words: Partial<Record<StateWord, number | bigint>> = {
      cr0: 0x80010033n,
      cr3: AT.pml4,
      cr4: 0x20,
      efer: 0xd01,
      cs: SELECTOR.kernelCode,
      ss: SELECTOR.kernelData,
      rip: AT.code,
      gdtrBase: AT.gdt,
      gdtrLimit: 0x3f,
      idtrBase: AT.idt,
      idtrLimit: 0xfff,
      tr: SELECTOR.tss,
      trBase: AT.tss,
      trLimit: 0x67,
      dr6: 0xffff0ff0,
      dr7: 0x400,
    };
    for (const [word, value] of Object.entries(words)) core.set(word as StateWord, value);
    core.setGpr(RSP, BigInt(AT.stack + 0x1000));
    core.rflags = IF | 2;
    initApic(core);
  }

  /** Puts the core at user code with a user stack. */
  toUser(core: Core): void {
    core.setSmall('cpl', 3);
    core.setSmall('cs', SELECTOR.userCode);
    core.setSmall('ss', SELECTOR.userData);
    core.rip = BigInt(AT.user);
    core.setGpr(RSP, BigInt(AT.userStack + 0x1000));
    this.flushTlb(core);
  }

  read(at: number, bytes = 8): bigint {
    return this.readPhysical(at, bytes);
  }
  write(at: number, value: bigint, bytes = 8): void {
    this.writePhysical(at, bytes, value);
  }

  readPhysical(address: number, bytes: number): bigint {
    let value = 0n;
    for (let n = bytes - 1; n >= 0; n--) value = (value << 8n) | BigInt(this.engine.bytes[this.engine.map.ram + address + n] as number);
    return value;
  }

  writePhysical(address: number, bytes: number, value: bigint): void {
    for (let n = 0; n < bytes; n++) this.engine.bytes[this.engine.map.ram + address + n] = Number((value >> BigInt(8 * n)) & 0xffn);
  }

  serializeIsVisible(): boolean {
    return true;
  }
  takeVisible(): boolean {
    return this.visible;
  }
  serialize(): void {
    this.serialized++;
  }
  flushTlb(core: Core): void {
    core.flushTlb();
  }
  fastPage(): boolean {
    return true;
  }
  emit(event: MachineEvent): void {
    this.events.push(event);
  }
  fence(): number {
    return 0;
  }
  textWrite(): void {
    /* no records are kept */
  }
  textCommitted(): void {
    /* no text is patched */
  }

  walk(base: number, low: number, high: number, access: number, kind: number, size: number): number {
    return fillTlb(this, this.#at(base), (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0), access === 0 ? 'read' : 'write', kind, size);
  }

  system(base: number, record: number): number {
    const core = this.#at(base);
    const instruction = this.engine.instructionAt(record);
    const decoded = decode(this.#bytes(core));
    if (decoded.kind !== 'instruction') throw new Error('not an instruction');
    const next = this.#next.get(core) as bigint;
    let outcome: SystemOutcome;
    try {
      outcome = systemHelper(instruction.mnemonic)!(this, core, instruction, decoded.fields, next);
    } catch (error) {
      if (error instanceof AccessStopped) return 1;
      if (!(error instanceof GuestFault)) throw error;
      core.setRawLong(CORE.stopVector, BigInt(error.vector));
      core.setRawLong(CORE.stopError, error.errorCode);
      core.setRawLong(CORE.stopKind, 0n);
      this.engine.globals.stop.value = Stop.exception + 1;
      return 1;
    }
    if (outcome === 'next' || outcome === 'nextAndLook') core.rip = next;
    if (outcome === 'next' || outcome === 'jumped') return 0;
    if (outcome === 'nextAndLook' || outcome === 'jumpedAndLook') return 2;
    this.engine.globals.stop.value = (outcome === 'visible' ? Stop.systemVisible : outcome === 'drain' ? Stop.drain : Stop.wait) + 1;
    return 1;
  }

  #at(base: number): Core {
    return this.cores.find((core) => core.base === base) as Core;
  }

  /** Bytes at RIP: code is identity-mapped. */
  #bytes(core: Core): Uint8Array {
    const at = this.engine.map.ram + Number(core.rip);
    return this.engine.bytes.slice(at, at + 15);
  }

  /** Puts machine code (hex) at an address, RIP unless given. */
  put(core: Core, hex: string, at = Number(core.rip)): void {
    hex
      .replaceAll(' ', '')
      .match(/../g)
      ?.forEach((byte, n) => {
        this.write(at + n, BigInt(`0x${byte}`), 1);
      });
  }

  /** Runs one instruction from `hex` at RIP (or what is there), with the exceptions that it raises. Returns the stop reason. */
  step(core: Core, hex?: string): number {
    if (hex !== undefined) this.put(core, hex);
    const decoded = decode(this.#bytes(core));
    if (decoded.kind !== 'instruction') throw new Error(`${decoded.kind} at ${core.rip}`);
    this.#next.set(core, core.rip + BigInt(decoded.length));
    const start = startStep(core);
    const record = this.engine.putRecord(decoded.instruction, decoded.fields, 0, SCRATCH_RECORDS + core.index * 32);
    const reason = this.engine.run(core.index, 1, record);
    if (reason === Stop.exception) {
      const kind = (['fault', 'trap', 'software'] as const)[Number(core.rawLong(CORE.stopKind))]!;
      deliver(this, core, {
        vector: Number(core.rawLong(CORE.stopVector)),
        errorCode: core.rawLong(CORE.stopError),
        kind,
        savedRip: kind === 'fault' ? core.rip : core.rawLong(CORE.stopNext),
      });
    } else if (reason === Stop.budget || reason === Stop.system) {
      finishStep(core, start);
      deliverPendingDebug(this, core);
    }
    return reason;
  }

  /** The vectors of the exceptions and interrupts that were delivered so far. */
  delivered(): number[] {
    return this.events.flatMap((event) => (event.kind === 'exception' || event.kind === 'interrupt' ? [event.vector] : []));
  }
}
