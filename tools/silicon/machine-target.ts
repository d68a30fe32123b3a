import { CORE } from '../../src/engine/layout.ts';
import { TextpokeError } from '../../src/error.ts';
import { Vector as Exception, IF } from '../../src/isa/core-state.ts';
import { SEGMENTS } from '../../src/isa/segments.ts';
import { codeSegment, dataSegment, gate, tssDescriptor } from '../../src/kernel/descriptors.ts';
import { PageTables } from '../../src/kernel/page-tables.ts';
import { type EngineName, Machine } from '../../src/machine/machine.ts';
import type { MachineEvent } from '../../src/machine/parts.ts';
import { updateMode } from '../../src/machine/segmentation.ts';
import { CR4_OSFXSR_OSXMMEXCPT_OSXSAVE, putExtended, takeExtended, XCR0_X87_SSE_AVX } from './extended.ts';
import { descriptorOf, FLAT_CODE, LDT, rawDescriptor, SEGMENT_ORDER, segmentWords } from './segments.ts';
import { type Outcome, type Ran, repeats, type VectorTarget } from './target.ts';
import type { Vector } from './vectors.ts';

const RAM = 0x200000;
/** Linear and physical start and size of what the vectors' contract maps for the user. */
const REGIONS = [
  { linear: 0x10000000n, physical: 0x100000, size: 0x10000, executable: false },
  { linear: 0x500012340000n, physical: 0x120000, size: 0x4000, executable: false },
  { linear: 0x20000000n, physical: 0x130000, size: 0x2000, executable: true },
] as const;
const KERNEL = 0xffff800000000000n;
const STACK = 0x140000;
const TABLES = 0x150000;
const GDT = 0x1f0000;
const IDT = 0x1f1000;
const TSS = 0x1f2000;
const LOCAL = 0x1f4000;
/** Every gate leads here: HLT. */
const HANDLER = 0x1f3000;
/** Only to be no null selector. */
const LDTR = 0x50;
const MAX_STEPS = 100_000;
const RF = 0x10000n;

type ExceptionEvent = Extract<MachineEvent, { kind: 'exception' }>;

/** The real machine, with real paging and exception delivery, under one of its engines. */
export class MachineTarget implements VectorTarget {
  readonly name: string;
  readonly #machine: Machine;
  #exception: ExceptionEvent | undefined;
  #segmented = false;

  constructor(engine: EngineName, name: string = engine) {
    this.name = name;
    this.#machine = new Machine({ cores: 1, ramBytes: RAM, engine, journal: true });
    this.#machine.observers.push((event) => {
      if (event.kind === 'exception') this.#exception ??= event;
    });
    this.#build();
  }

  protected get machine(): Machine {
    return this.#machine;
  }

  protected get core(): Machine['cores'][number] {
    return this.#machine.cores[0]!;
  }

  get engine(): Machine['engine'] {
    return this.#machine.engine;
  }

  /** Called when everything is set up for a vector, before it runs. */
  protected prepare(_vector: Vector): void {
    /* the machine fetches and decodes */
  }

  #page(physical: number): DataView {
    const bytes = this.#machine.peek(physical, 4096);
    return new DataView(bytes.buffer, bytes.byteOffset, 4096);
  }

  #build(): void {
    const tables = new PageTables((at) => this.#page(at), TABLES, GDT);
    const root = tables.table();
    for (const r of REGIONS) {
      for (let at = 0; at < r.size; at += 4096) {
        tables.map(root, r.linear + BigInt(at), r.physical + at, { writable: true, executable: r.executable, user: true });
      }
    }
    for (const page of [STACK, GDT, IDT, TSS, LOCAL]) tables.map(root, KERNEL + BigInt(page), page, { writable: true, executable: false });
    tables.map(root, KERNEL + BigInt(HANDLER), HANDLER, { writable: false, executable: true });
    this.#page(HANDLER).setUint8(0, 0xf4);
    const words = [
      0n,
      0n,
      codeSegment(0),
      dataSegment(0),
      rawDescriptor(descriptorOf(FLAT_CODE)!),
      dataSegment(3),
      codeSegment(3),
      0n,
      ...tssDescriptor(KERNEL + BigInt(TSS), 0x67),
    ];
    words.forEach((w, i) => this.#page(GDT).setBigUint64(i * 8, w, true));
    LDT.forEach((d, i) => this.#page(LOCAL).setBigUint64(i * 8, rawDescriptor(d), true));
    for (let vector = 0; vector < 256; vector++) {
      const dpl = vector === 3 || vector === 4 ? 3 : 0;
      gate(KERNEL + BigInt(HANDLER), { selector: 0x10, type: 'interrupt', ist: 0, dpl }).forEach((w, i) =>
        this.#page(IDT).setBigUint64(vector * 16 + i * 8, w, true),
      );
    }
    this.#page(TSS).setUint16(0x66, 0x68, true);
    this.#page(TSS).setBigUint64(4, KERNEL + BigInt(STACK + 4096), true);
    const core = this.#machine.cores[0]!;
    core.set('cr0', 0x80050033n);
    core.set('cr3', root);
    core.set('cr4', 0x310620n | (1n << 11n) | CR4_OSFXSR_OSXMMEXCPT_OSXSAVE);
    core.set('xcr0', XCR0_X87_SSE_AVX);
    core.set('efer', 0xd01n);
    core.set('gdtrBase', KERNEL + BigInt(GDT));
    core.set('gdtrLimit', words.length * 8 - 1);
    core.set('idtrBase', KERNEL + BigInt(IDT));
    core.set('idtrLimit', 0xfff);
    core.set('trBase', KERNEL + BigInt(TSS));
    core.set('trLimit', 0x67);
    core.set('tr', 0x40);
    core.set('ldtr', LDTR);
    core.set('ldtrBase', KERNEL + BigInt(LOCAL));
    core.set('ldtrLimit', LDT.length * 8 - 1);
  }

  /** With `instructions` so many from the vector's first one on, or as far as an exception. */
  run(vector: Vector, instructions = vector.runs ? MAX_STEPS : 1): Outcome {
    const machine = this.#machine;
    const core = machine.cores[0]!;
    const { before } = vector;
    for (const r of REGIONS) machine.peek(r.physical, r.size).fill(r.executable ? 0xcc : 0);
    const words = segmentWords(vector.segments);
    for (const [address, bytes] of [...vector.memory, [before.rip + (words.csBase ?? 0n), vector.bytes] as const])
      this.#write(address, bytes);
    machine.engine.clearDecodeCache();
    const start = REGIONS.map((r) => machine.peek(r.physical, r.size).slice());
    before.gpr.forEach((value, n) => core.setGpr(n, value));
    core.rip = before.rip;
    core.rflags = Number(before.rflags);
    core.set('fsBase', before.fsBase);
    core.set('gsBase', before.gsBase);
    core.setRaw(CORE.extendedUsed, 1);
    putExtended(machine.engine.view, core.base, before.extended);
    core.set('cs', 0x33n);
    core.set('ss', 0x2bn);
    this.#segmented = vector.segments !== undefined;
    for (const word of ['ds', 'es', 'fs', 'gs', 'activity', 'interruptShadow', 'singleStepPending'] as const) core.set(word, 0n);
    if (core.small('cpl') !== 3) {
      core.set('cpl', 3n);
      machine.flushTlb(core);
    }
    for (const [word, value] of Object.entries(words)) core.set(word as keyof typeof words, value);
    updateMode(machine, core);
    this.#exception = undefined;
    this.prepare(vector);
    let steps = 0;
    try {
      do {
        machine.runCore(core, 1);
        steps++;
      } while (
        this.#exception === undefined &&
        (steps < instructions || (instructions === 1 && core.rip === before.rip && repeats(vector) && steps < MAX_STEPS))
      );
    } catch (error) {
      if (error instanceof TextpokeError && error.code === 'E_INSN') return { kind: 'unimplemented', name: error.message };
      throw error;
    }
    return this.#outcome(start, steps, vector.runs ? 0n : RF);
  }

  #write(address: bigint, bytes: Uint8Array): void {
    bytes.forEach((b, i) => {
      const at = address + BigInt(i);
      const r = REGIONS.find((region) => at >= region.linear && at < region.linear + BigInt(region.size));
      if (r !== undefined) this.#machine.peek(r.physical + Number(at - r.linear), 1)[0] = b;
    });
  }

  /** Without `hidden` flags: what the recording hides. */
  #outcome(start: readonly Uint8Array[], steps: number, hidden: bigint): Ran {
    const machine = this.#machine;
    const core = machine.cores[0]!;
    const changed = new Map<bigint, number>();
    REGIONS.forEach((r, n) => {
      machine.peek(r.physical, r.size).forEach((b, i) => {
        if (b !== start[n]![i]) changed.set(r.linear + BigInt(i), b);
      });
    });
    const exception = this.#exception as ExceptionEvent | undefined;
    const gpr = Array.from({ length: 16 }, (_, n) => core.gpr(n));
    const common = {
      kind: 'ran',
      fsBase: core.get('fsBase'),
      gsBase: core.get('gsBase'),
      extended: takeExtended(machine.engine.view, core.base),
      ...(this.#segmented && { segments: SEGMENT_ORDER.map((n) => core.small(SEGMENTS[n]!.selector)) }),
      changed,
      steps,
    } as const;
    if (exception === undefined) return { ...common, gpr, rip: core.rip, rflags: BigInt(core.rflags) };
    // The interrupted state is in the frame that the delivery pushed.
    const frame = Number(exception.frame - KERNEL);
    const word = (n: number): bigint => machine.readPhysical(frame + n * 8, 8);
    gpr[4] = word(3);
    if (common.segments !== undefined) common.segments.splice(0, 2, Number(word(1)), Number(word(4)));
    const rflags = word(2) & ~hidden;
    core.rflags = IF;
    return {
      ...common,
      gpr,
      rip: word(0),
      rflags,
      exception: {
        vector: exception.vector,
        ...(exception.errorCode === undefined ? {} : { errorCode: exception.errorCode }),
        ...(exception.vector === Exception.PF ? { cr2: core.get('cr2') } : {}),
      },
    };
  }
}
