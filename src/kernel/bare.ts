import { CORE, MAX_CORES, MAX_RAM_BYTES } from '../engine/layout.ts';
import { TextpokeError } from '../error.ts';
import type { Image } from '../image/image.ts';
import { Activity, RDI, RSI, RSP } from '../isa/core-state.ts';
import { initApic } from '../machine/apic.ts';
import type { Core } from '../machine/core.ts';
import { Pc } from '../machine/devices/pc/pc.ts';
import { type EngineName, Machine } from '../machine/machine.ts';
import { type BareLayout, planBare } from './bare-layout.ts';
import { codeSegment, dataSegment, gate, tssDescriptor } from './descriptors.ts';
import { KERNEL_CS, KERNEL_DS } from './layout.ts';
import { PageTables } from './page-tables.ts';
import { BIOS_STUBS, buildPc, startProcessor } from './pc.ts';
import { extendedKb, PC, planPc } from './pc-layout.ts';

export const BARE_MAX_CORES = MAX_CORES;
export const BARE_MAX_RAM_BYTES = MAX_RAM_BYTES;

const PAGE_BYTES = 0x1000;
const LARGE_PAGE_BYTES = 0x200000;
/** Selector of core 0's TSS; each core has its own 16 bytes. */
const FIRST_TSS = 0x40;
const TSS_BYTES = 0x80;
const TSS_LIMIT = 0x67;
/** `hlt; jmp .-1`: what is at the end of every gate of the first IDT. */
const GATE_TARGET_CODE = [0xf4, 0xeb, 0xfd];
/** INT3 and INTO may come from CPL 3. */
const USER_VECTORS = new Set([3, 4]);
/** PE MP ET NE WP AM PG; PAE PGE OSFXSR OSXMMEXCPT FSGSBASE OSXSAVE; SCE LME LMA NXE. */
const CR0 = 0x80050033n;
const CR4 = 0x506a0n;
/** x87, SSE and AVX state: compiled code uses them without asking. */
const XCR0 = 7n;
const EFER = 0xd01n;

export interface BareOptions {
  readonly cores: number;
  /** Bytes of RAM; rounded down to whole pages. */
  readonly ramBytes: number;
  readonly engine?: EngineName;
  /** Where all cores start; the image's own entry when undefined. */
  readonly entry?: bigint | undefined;
  /** Keeps an undo journal, which snapshots need. */
  readonly journal?: boolean;
  /** What a multiboot kernel is told; empty by default. */
  readonly commandLine?: string | undefined;
  /** Of the processor, by CPUID; textpoke's own by default. */
  readonly vendor?: string | undefined;
  /** Takes the bytes that cores write to the serial port; `index` counts them from the start of the run, so that one that is written again is known. */
  readonly serial: (core: number, byte: number, index: number) => void;
}

/**
 * A machine with nothing but an image on it: what `textpoke run` runs.
 *
 * All cores start at the entry at once, in long mode at CPL 0, interrupts off, with the FPU, SSE and AVX on, rdi = number of the core, rsi = number of cores, rsp 16-aligned at
 * the top of a stack of 64 KiB. RAM is mapped at its physical addresses, writable and not executable, without page 0; over that the segments of the
 * image at their virtual addresses with their permissions. Each core has a GDT with flat segments, a TSS, and an x2APIC that is on. The first IDT has
 * a gate for every vector that ends the core and reports the exception; a guest that handles its own loads its own with LIDT.
 *
 * An image that boots (`Image.boot`) gets a PC instead: see `buildPc` for how its cores start, and `Pc` for its devices.
 *
 * Instruction fetch is coherent (a store by any core is what every core fetches next) and there are no store buffers: cores take turns, so memory is
 * sequentially consistent. Stale fetch and TSO are the explorer's.
 */
export class BareMachine {
  readonly machine: Machine;
  readonly image: Image;
  /** Where the machine's own structures lie; a PC has none of them. */
  readonly #layout: BareLayout | undefined;
  /** The devices of a PC. */
  readonly pc: Pc | undefined;
  /** The guest has asked for a reset, which is the end of the run. */
  hasReset = false;
  /** Bytes that were written to the serial port up to where the run is. */
  serialBytes = 0;

  /** Errors are `E_IMAGE` and `E_USAGE`, as `planBare` has them, and an entry that is not executable. */
  constructor(image: Image, options: BareOptions) {
    this.image = image;
    const { boot } = image;
    this.#layout = boot === undefined ? planBare(image, options.cores, options.ramBytes) : undefined;
    const ramBytes = this.#layout?.ramBytes ?? planPc(image, options.ramBytes);
    const entry = options.entry ?? image.entry;
    checkEntry(image, entry);
    const serial = (core: Core, byte: number): void => options.serial(core.index, byte, this.serialBytes++);
    if (boot !== undefined) {
      this.pc = new Pc({
        disk: boot.kind === 'disk' ? boot.disk : undefined,
        baseKb: PC.extendedData >>> 10,
        extendedKb: extendedKb(ramBytes),
        cores: options.cores,
        now: () => Number(this.machine.ticks),
        serial,
        reset: () => this.#reset(),
      });
    }
    this.machine = new Machine({
      cores: options.cores,
      ramBytes,
      engine: options.engine ?? 'interpreter',
      names: image,
      journal: options.journal === true,
      host: {
        serial,
        vendor: options.vendor,
        ...(this.pc !== undefined && { ports: this.pc, startup: (core, vector) => startProcessor(this.machine, core, vector) }),
      },
    });
    for (const s of image.segments) this.machine.peek(Number(s.physical), s.bytes.length).set(s.bytes);
    if (this.#layout === undefined) {
      buildPc(this.machine, image, ramBytes, { entry, commandLine: options.commandLine ?? '' });
      return;
    }
    const root = this.#buildPageTables();
    this.#buildDescriptors(options.cores);
    for (const core of this.machine.cores) this.#buildCore(core, root, entry, options.cores);
  }

  /** Throws `RangeError` for a PC. */
  get layout(): BareLayout {
    if (this.#layout === undefined) throw new RangeError('a PC is laid out by itself');
    return this.#layout;
  }

  /** Whether a core has come to where nobody handles the exception that it has just taken. */
  isUnhandled(core: Core): boolean {
    return this.#layout === undefined ? BIOS_STUBS.has(core.linearRip) : core.rip === BigInt(this.#layout.gateTarget);
  }

  #reset(): void {
    this.hasReset = true;
    for (const core of this.machine.cores) core.setSmall('activity', Activity.exited);
  }

  #page(physical: number): DataView {
    const bytes = this.machine.peek(physical, PAGE_BYTES);
    return new DataView(bytes.buffer, bytes.byteOffset, PAGE_BYTES);
  }

  #buildPageTables(): number {
    const { layout } = this;
    const tables = new PageTables((at) => this.#page(at), layout.tables, layout.ramBytes);
    const root = tables.table();
    const unmapped = new Set([0, ...this.machine.cores.map((core) => layout.guard(core.index))]);
    const fine = new Set([0]);
    for (const page of layout.image.keys()) if (page << 12n < BigInt(layout.ramBytes)) fine.add(Number(page >> 9n));
    for (let at = 0; at < layout.ramBytes; at += LARGE_PAGE_BYTES) {
      if (at + LARGE_PAGE_BYTES <= layout.area && !fine.has(at / LARGE_PAGE_BYTES)) {
        tables.mapLarge(root, BigInt(at), at, { writable: true, executable: false });
        continue;
      }
      for (let page = at; page < Math.min(at + LARGE_PAGE_BYTES, layout.ramBytes); page += PAGE_BYTES) {
        if (unmapped.has(page)) continue;
        const isTarget = page === layout.gateTarget;
        tables.map(root, BigInt(page), page, { writable: !isTarget, executable: isTarget });
      }
    }
    for (const [page, { physical, writable, executable }] of layout.image)
      tables.map(root, page << 12n, physical, { writable, executable });
    return root;
  }

  #buildDescriptors(cores: number): void {
    const { layout } = this;
    const gdt = this.#page(layout.gdt);
    const segments = [0n, 0n, codeSegment(0), dataSegment(0), codeSegment(3), dataSegment(3), codeSegment(3), 0n];
    segments.forEach((word, n) => gdt.setBigUint64(n * 8, word, true));
    const tss = this.#page(layout.tss);
    for (let core = 0; core < cores; core++) {
      const [low, high] = tssDescriptor(BigInt(this.#tssOf(core)), TSS_LIMIT);
      gdt.setBigUint64(FIRST_TSS + core * 16, low, true);
      gdt.setBigUint64(FIRST_TSS + core * 16 + 8, high, true);
      // SDM Vol. 3, "64-Bit TSS Format": RSP0, IST1, and an I/O map behind the limit.
      tss.setBigUint64(core * TSS_BYTES + 4, BigInt(layout.stackTop(core)), true);
      tss.setBigUint64(core * TSS_BYTES + 0x24, BigInt(layout.faultStackTop(core)), true);
      tss.setUint16(core * TSS_BYTES + 0x66, TSS_LIMIT + 1, true);
    }
    const idt = this.#page(layout.idt);
    for (let vector = 0; vector < 256; vector++) {
      // A stack of its own, so that a core whose stack is the problem still reports it.
      const words = gate(BigInt(layout.gateTarget), {
        selector: KERNEL_CS,
        type: 'interrupt',
        ist: 1,
        dpl: USER_VECTORS.has(vector) ? 3 : 0,
      });
      words.forEach((word, n) => idt.setBigUint64(vector * 16 + n * 8, word, true));
    }
    this.machine.peek(layout.gateTarget, GATE_TARGET_CODE.length).set(GATE_TARGET_CODE);
  }

  #tssOf(core: number): number {
    return this.layout.tss + core * TSS_BYTES;
  }

  #buildCore(core: Core, root: number, entry: bigint, cores: number): void {
    const { layout } = this;
    const words = {
      rip: entry,
      cr0: CR0,
      cr3: BigInt(root),
      cr4: CR4,
      xcr0: XCR0,
      efer: EFER,
      cs: KERNEL_CS,
      ss: KERNEL_DS,
      ds: KERNEL_DS,
      es: KERNEL_DS,
      gdtrBase: layout.gdt,
      gdtrLimit: FIRST_TSS + cores * 16 - 1,
      idtrBase: layout.idt,
      idtrLimit: 0xfff,
      tr: FIRST_TSS + core.index * 16,
      trBase: this.#tssOf(core.index),
      trLimit: TSS_LIMIT,
      // Values after a reset (SDM Vol. 3, "Processor State After Power-up, Reset, or INIT").
      dr6: 0xffff0ff0,
      dr7: 0x400,
      pat: 0x0007040600070406n,
    } as const;
    for (const [word, value] of Object.entries(words) as [keyof typeof words, bigint | number][]) core.set(word, value);
    core.rflags = 0;
    core.setGpr(RSP, BigInt(layout.stackTop(core.index)));
    core.setGpr(RDI, BigInt(core.index));
    core.setGpr(RSI, BigInt(cores));
    core.setRawLong(CORE.homeCr3, BigInt(root));
    initApic(core);
  }
}

function checkEntry(image: Image, entry: bigint): void {
  if (image.segmentAt(entry)?.executable === true) return;
  // Paging is off where a loader starts a kernel.
  const holds = (physical: bigint, bytes: number): boolean => entry >= physical && entry < physical + BigInt(bytes);
  if (image.boot !== undefined && image.segments.some((s) => s.executable && holds(s.physical, s.memorySize))) return;
  const code = image.segments
    .filter((s) => s.executable)
    .map((s) => `0x${s.address.toString(16)} to 0x${(s.address + BigInt(s.memorySize)).toString(16)}`);
  throw new TextpokeError('E_IMAGE', `the entry 0x${entry.toString(16)} is not in executable memory of the image`, {
    where: `entry ${image.describe(entry)}`,
    hint: `its code is at ${code.join(', ')}`,
  });
}
