import { CORE } from '../engine/layout.ts';
import { TextpokeError } from '../error.ts';
import type { Image, ImageSegment } from '../image/image.ts';
import { Activity, IF, RSP } from '../isa/core-state.ts';
import type { Core } from '../machine/core.ts';
import { Machine, type MachineOptions } from '../machine/machine.ts';
import { codeSegment, dataSegment, type GateType, gate, tssDescriptor } from './descriptors.ts';
import {
  DESCRIPTORS_AT,
  DIRECT_MAP_BASE,
  GUARD_PAGES,
  IDT_AT,
  KERNEL_BASE,
  KERNEL_CS,
  KERNEL_DS,
  PAGE_TABLES_AT,
  PRIVATE,
  PRIVATE_AT,
  PRIVATE_BASE,
  PRIVATE_STRIDE,
  RAM_BYTES,
  TSS_SELECTOR,
  USER_END,
} from './layout.ts';
import { PageTables } from './page-tables.ts';

const PAGE_BYTES = 4096;
const LARGE_PAGE_BYTES = 0x200000;
const PRIVATE_END = PRIVATE_BASE + BigInt(PRIVATE.pages * PAGE_BYTES);
const DIRECT_MAP_END = DIRECT_MAP_BASE + BigInt(RAM_BYTES);

/** Vectors and the entry stubs that serve them, as the lab image names them. */
const STUBS: readonly (readonly [number, string])[] = [
  [0, 'divide_error'],
  [1, 'debug'],
  [2, 'nmi'],
  [3, 'int3'],
  [4, 'overflow'],
  [5, 'bounds'],
  [6, 'invalid_op'],
  [7, 'device_not_available'],
  [8, 'double_fault'],
  [10, 'invalid_tss'],
  [11, 'segment_not_present'],
  [12, 'stack_segment'],
  [13, 'general_protection'],
  [14, 'page_fault'],
  [17, 'alignment_check'],
];

export interface LabOptions {
  readonly cores: number;
  readonly explore?: MachineOptions['explore'];
  readonly engine?: MachineOptions['engine'];
  readonly defect?: MachineOptions['defect'];
  readonly journal?: boolean;
  readonly host?: MachineOptions['host'];
}

/**
 * The small kernel world on a machine: the lab image in its place, page tables with a write alias of all memory, descriptor tables, and for each
 * core a private area at the same linear address. Cores are parked until `start` gives them a function.
 */
export class Lab {
  readonly machine: Machine;
  readonly image: Image;
  /** Entry stubs by the vector that they serve, as `setGate` points them. */
  readonly gates = new Map<number, string>();
  readonly #idtView: DataView;
  readonly #abi = new Map<string, number>();
  readonly #texts = new Map<bigint, string>();
  /** What CPL 3 may reach, one address space for all cores. */
  readonly #user: readonly ImageSegment[];

  constructor(image: Image, options: LabOptions) {
    this.image = image;
    this.#user = image.segments.filter((s) => s.address < USER_END);
    this.machine = new Machine({ ...options, ramBytes: RAM_BYTES });
    this.#checkAbi();
    this.#loadImage();
    this.#idtView = this.#page(IDT_AT);
    this.#buildTables();
    for (const [vector, name] of STUBS) {
      this.setGate(vector, `asm_exc_${name}`, {
        type: 'interrupt',
        ist: vector === 2 ? 1 : vector === 8 ? 2 : 0,
        dpl: vector === 3 ? 3 : 0,
      });
    }
    this.setGate(this.abi('SYNC_CORE_VECTOR'), 'asm_sysvec_sync_core', { type: 'interrupt' });
    this.setGate(this.abi('LAB_IRQ_VECTOR'), 'asm_sysvec_lab_irq', { type: 'interrupt' });
  }

  /** Linear address of a symbol. */
  symbol(name: string): bigint {
    return this.image.symbol(name).address;
  }

  /** A number that the image's C and assembly share with the host. */
  abi(name: string): number {
    let value = this.#abi.get(name);
    if (value === undefined) {
      value = Number(BigInt.asIntN(64, this.image.symbol(`ABI_${name}`).address));
      this.#abi.set(name, value);
    }
    return value;
  }

  /** Physical address of a linear address of the image. */
  physical(linear: bigint): number {
    if (linear >= USER_END) return Number(linear - KERNEL_BASE);
    const segment = this.image.segmentAt(linear);
    if (segment === undefined) throw new RangeError(`0x${linear.toString(16)} is in no segment of the image`);
    return Number(segment.physical + linear - segment.address);
  }

  /** Linear address of the image for a physical one. */
  linear(physical: number): bigint {
    const at = BigInt(physical);
    const user = this.#user.find((s) => at >= s.physical && at < s.physical + BigInt(s.memorySize));
    return user === undefined ? at + KERNEL_BASE : at - user.physical + user.address;
  }

  /** Physical address of any linear address that the lab maps for a core; undefined when it maps none. */
  physicalFor(core: number, linear: bigint): number | undefined {
    if (linear >= PRIVATE_BASE && linear < PRIVATE_END) return this.privatePage(core, 0) + Number(linear - PRIVATE_BASE);
    if (linear >= DIRECT_MAP_BASE && linear < DIRECT_MAP_END) return Number(linear - DIRECT_MAP_BASE);
    return this.image.segmentAt(linear) === undefined ? undefined : this.physical(linear);
  }

  /** Eight bytes of memory as it is, at a linear address of a core; 0 where nothing is mapped. Not an access of the core. */
  readLong(core: number, linear: bigint): bigint {
    const physical = this.physicalFor(core, linear);
    if (physical !== undefined) this.machine.engine.looks?.physical(physical, 8);
    return physical === undefined ? 0n : this.machine.engine.view.getBigUint64(this.machine.engine.map.ram + physical, true);
  }

  /** The alias through which text is written. */
  alias(linear: bigint): bigint {
    return BigInt(this.physical(linear)) + DIRECT_MAP_BASE;
  }

  #checkAbi(): void {
    for (const [name, expected] of [
      ['KERNEL_BASE', KERNEL_BASE],
      ['DIRECT_MAP_BASE', DIRECT_MAP_BASE],
      ['PERCPU_BASE', PRIVATE_BASE],
      ['PERCPU_PHYSICAL', BigInt(PRIVATE_AT)],
      ['PERCPU_STRIDE', BigInt(PRIVATE_STRIDE)],
      ['PRIVATE_TSS', BigInt(PRIVATE.tss * PAGE_BYTES)],
      ['PRIVATE_STACK_TOP', BigInt((PRIVATE.stack + 1) * PAGE_BYTES)],
      ['PRIVATE_TASK_STACK_TOP', BigInt((PRIVATE.taskStack + 1) * PAGE_BYTES)],
    ] as const) {
      // Where the private pages lie only kernels say that use them by address.
      if (name.startsWith('PRIVATE_') && !this.image.hasSymbol(`ABI_${name}`)) continue;
      const found = this.image.symbol(`ABI_${name}`).address;
      if (found !== expected) {
        throw new TextpokeError('E_IMAGE', `the image was built for ${name} 0x${found.toString(16)}, not 0x${expected.toString(16)}`, {
          where: name,
          hint: 'rebuild the fixture',
        });
      }
    }
  }

  #page(physical: number): DataView {
    const bytes = this.machine.peek(physical, PAGE_BYTES);
    return new DataView(bytes.buffer, bytes.byteOffset, PAGE_BYTES);
  }

  #loadImage(): void {
    for (const s of this.image.segments) this.machine.peek(Number(s.physical), s.bytes.length).set(s.bytes);
  }

  #buildTables(): void {
    const tables = new PageTables((at) => this.#page(at), PAGE_TABLES_AT, PRIVATE_AT);
    const shared = tables.table();
    for (let pa = 0; pa < RAM_BYTES; pa += LARGE_PAGE_BYTES) {
      tables.mapLarge(shared, DIRECT_MAP_BASE + BigInt(pa), pa, { writable: true, executable: false });
    }
    for (const s of this.image.segments) {
      for (let at = 0; at < s.memorySize; at += PAGE_BYTES)
        tables.map(shared, s.address + BigInt(at), Number(s.physical) + at, { ...s, user: s.address < USER_END });
    }
    const tss = PRIVATE_BASE + BigInt(PRIVATE.tss * PAGE_BYTES);
    const gdt = this.#page(DESCRIPTORS_AT);
    const words = [0n, 0n, codeSegment(0), dataSegment(0), codeSegment(3), dataSegment(3), codeSegment(3), 0n, ...tssDescriptor(tss, 0x67)];
    words.forEach((word, i) => gdt.setBigUint64(i * 8, word, true));
    for (const core of this.machine.cores) this.#buildCore(core, tables, shared, words.length * 8 - 1);
  }

  #buildCore(core: Core, tables: PageTables, shared: number, gdtLimit: number): void {
    const root = tables.table();
    tables.share(root, shared, DIRECT_MAP_BASE);
    tables.share(root, shared, KERNEL_BASE);
    for (const s of this.#user) tables.share(root, shared, s.address);
    for (let n = 0; n < PRIVATE.pages; n++) {
      if (GUARD_PAGES.includes(n)) continue;
      const physical = this.privatePage(core.index, n);
      tables.map(root, PRIVATE_BASE + BigInt(n * PAGE_BYTES), physical, { writable: true, executable: false });
      this.machine.setPrivate(physical, core.index, n);
    }
    const stackTop = (page: number): bigint => PRIVATE_BASE + BigInt((page + 1) * PAGE_BYTES);
    const tss = this.#page(this.privatePage(core.index, PRIVATE.tss));
    tss.setBigUint64(4, stackTop(PRIVATE.stack), true);
    tss.setBigUint64(0x24, stackTop(PRIVATE.nmiStack), true);
    tss.setBigUint64(0x2c, stackTop(PRIVATE.faultStack), true);
    tss.setBigUint64(0x34, stackTop(PRIVATE.debugStack), true);
    tss.setUint16(0x66, 0x68, true);
    this.#page(this.privatePage(core.index, PRIVATE.percpu)).setUint32(this.abi('PERCPU_CPU'), core.index, true);
    for (const part of ['kernel', 'family']) this.#copyTemplate(core.index, part);
    const set = core.set.bind(core);
    set('cr0', 0x80050033n);
    set('cr3', BigInt(root));
    set('cr4', 0x3108a0n);
    set('efer', 0xd01n);
    set('cs', KERNEL_CS);
    set('ss', KERNEL_DS);
    set('gsBase', PRIVATE_BASE);
    set('gdtrBase', DIRECT_MAP_BASE + BigInt(DESCRIPTORS_AT));
    set('gdtrLimit', gdtLimit);
    set('idtrBase', DIRECT_MAP_BASE + BigInt(IDT_AT));
    set('idtrLimit', 0xfff);
    set('tr', TSS_SELECTOR);
    set('trBase', PRIVATE_BASE + BigInt(PRIVATE.tss * PAGE_BYTES));
    set('trLimit', 0x67);
    set('apicBase', 0xfee00c00n | (core.index === 0 ? 0x100n : 0n));
    set('apicSvr', 0x1ffn);
    set('activity', Activity.halted);
    core.setRawLong(CORE.homeCr3, BigInt(root));
    core.setRawLong(CORE.stackLow, PRIVATE_BASE + BigInt(PRIVATE.stack * PAGE_BYTES));
    core.setRawLong(CORE.stackHigh, stackTop(PRIVATE.stack));
    core.setRawLong(CORE.stackHost, BigInt(this.machine.engine.map.ram + this.privatePage(core.index, PRIVATE.stack)));
  }

  /** What a part of the per-CPU page starts as: `PART_percpu_template` of the image, where it has one, copied to `PART_PERCPU`. */
  #copyTemplate(core: number, part: string): void {
    const name = `${part}_percpu_template`;
    if (!this.image.hasSymbol(name)) return;
    const { address, size } = this.image.symbol(name);
    const bytes = this.machine.peek(this.physical(address), size);
    this.machine.peek(this.privatePage(core, PRIVATE.percpu) + this.abi(`${part.toUpperCase()}_PERCPU`), size).set(bytes);
  }

  /** Physical address of page `n` of a core's private area. */
  privatePage(core: number, n: number): number {
    return PRIVATE_AT + core * PRIVATE_STRIDE + n * PAGE_BYTES;
  }

  /** Linear address of a field of the core's `struct percpu`, valid on that core. */
  percpu(field: string): bigint {
    return PRIVATE_BASE + BigInt(this.abi(`PERCPU_${field}`));
  }

  /** The same as others may reach it: through the direct map. */
  percpuOf(core: number, field: string): bigint {
    return DIRECT_MAP_BASE + BigInt(this.privatePage(core, PRIVATE.percpu) + this.abi(`PERCPU_${field}`));
  }

  /** Points a vector at an entry stub. */
  setGate(vector: number, stub: string, options: { type: GateType; ist?: number; dpl?: number }): void {
    this.gates.set(vector, stub);
    const words = gate(this.symbol(stub), { selector: KERNEL_CS, type: options.type, ist: options.ist ?? 0, dpl: options.dpl ?? 0 });
    words.forEach((word, i) => this.#idtView.setBigUint64(vector * 16 + i * 8, word, true));
  }

  /** Sets one of the image's switches (`cfg_` globals). */
  configure(switches: Readonly<Record<string, bigint | number>>): void {
    for (const [name, value] of Object.entries(switches)) this.poke(this.symbol(`cfg_${name}`), 8, BigInt(value));
  }

  /** Writes memory of the image before the run. */
  poke(linear: bigint, bytes: number, value: bigint): void {
    const at = this.machine.peek(this.physical(linear), bytes);
    for (let i = 0; i < bytes; i++) at[i] = Number((BigInt.asUintN(64, value) >> BigInt(8 * i)) & 0xffn);
  }

  /** The C string at a linear address of the image, which must be constant. */
  text(linear: bigint): string {
    let text = this.#texts.get(linear);
    if (text === undefined) {
      text = this.#readText(linear);
      this.#texts.set(linear, text);
    }
    return text;
  }

  #readText(linear: bigint): string {
    const segment = this.image.segmentAt(linear);
    if (segment === undefined) return `string at 0x${linear.toString(16)}`;
    const bytes = this.machine.peek(this.physical(linear), Math.min(256, Number(segment.address + BigInt(segment.memorySize) - linear)));
    const end = bytes.indexOf(0);
    return String.fromCharCode(...bytes.subarray(0, end < 0 ? bytes.length : end));
  }

  /** What memory holds at a linear address of the image. */
  peek(linear: bigint, bytes: number): Uint8Array {
    const physical = this.physical(linear);
    this.machine.engine.looks?.physical(physical, bytes);
    return this.machine.peek(physical, bytes).slice();
  }

  /** Starts a core at a function of the image, interrupts on, stack empty. */
  start(core: number, entry: string): void {
    const c = this.machine.cores[core] as Core;
    c.rip = this.symbol(entry);
    c.setGpr(RSP, PRIVATE_BASE + BigInt((PRIVATE.stack + 1) * PAGE_BYTES));
    c.rflags = IF;
    c.setSmall('activity', Activity.running);
  }

  /**
   * Gives a core of the small world a second task, which waits for the core to be switched to it (`switch_to`): it runs `entry` on a stack of its own and
   * then ends. `calls` is the list that `task_main` goes through there.
   */
  startSecondTask(core: number, entry: string, calls: readonly string[] = []): void {
    const percpu = this.#page(this.privatePage(core, PRIVATE.percpu));
    const task = this.abi('KERNEL_PERCPU') + this.abi('PERCPU_TASKS') + this.abi('TASK_SIZE');
    const stack = this.#page(this.privatePage(core, PRIVATE.taskStack));
    // As switch_to left it: r15 to rbx with the function, and where its RET goes. rsp is 16-aligned at the CALL in task_start.
    const frame = PAGE_BYTES - 16 - 7 * 8;
    stack.setBigUint64(frame + 5 * 8, this.symbol(entry), true);
    stack.setBigUint64(frame + 6 * 8, this.symbol('task_start'), true);
    percpu.setBigUint64(task + this.abi('TASK_SP'), PRIVATE_BASE + BigInt(PRIVATE.taskStack * PAGE_BYTES + frame), true);
    percpu.setUint32(task + this.abi('TASK_STATE'), this.abi('TASK_RUNNING'), true);
    if (calls.length > 0) percpu.setBigUint64(task + this.abi('TASK_DATA'), this.#list(calls), true);
  }

  #listAt = 0;
  readonly #lists = new Map<string, bigint>();

  /** Gives a core the functions that `victim_main` calls in order. */
  setCalls(core: number, functions: readonly string[]): void {
    const page = this.#page(this.privatePage(core, PRIVATE.percpu));
    page.setBigUint64(this.abi('PERCPU_CALLS_LIST'), this.#list(functions), true);
  }

  /** Address of a list of functions that ends with 0. Equal lists are one list, so that cores with the same calls are in the same state. */
  #list(functions: readonly string[]): bigint {
    const key = functions.join();
    let at = this.#lists.get(key);
    if (at === undefined) {
      const list = this.symbol('lab_lists') + BigInt(this.#listAt * 8);
      [...functions.map((f) => this.symbol(f)), 0n].forEach((f, i) => this.poke(list + BigInt(i * 8), 8, f));
      this.#listAt += functions.length + 1;
      this.#lists.set(key, list);
      at = list;
    }
    return at;
  }

  /** Gives the guest patchers their jobs (`struct job` of the image). */
  setJobs(jobs: readonly { readonly site: bigint; readonly target: bigint; readonly old: Uint8Array; readonly bytes: Uint8Array }[]): void {
    const size = BigInt(this.abi('JOB_SIZE'));
    jobs.forEach((job, i) => {
      const at = this.symbol('lab_jobs') + BigInt(i) * size;
      const field = (name: string): bigint => at + BigInt(this.abi(`JOB_${name}`));
      this.poke(field('SITE'), 8, job.site);
      this.poke(field('TARGET'), 8, job.target);
      job.old.forEach((b, n) => this.poke(field('OLD') + BigInt(n), 1, BigInt(b)));
      job.bytes.forEach((b, n) => this.poke(field('NEW') + BigInt(n), 1, BigInt(b)));
    });
    this.configure({ njobs: jobs.length });
  }

  /** Cores whose private memory is equal, but for their number: they may trade places in the state key. */
  interchangeable(cores: readonly number[]): boolean {
    const { words, map } = this.machine.engine;
    const number = this.abi('PERCPU_CPU') >> 2;
    const [first = 0, ...others] = cores.map((core) => (map.ram + this.privatePage(core, 0)) >> 2);
    const length = (PRIVATE.pages * PAGE_BYTES) >> 2;
    for (const at of others) {
      for (let i = 0; i < length; i++) if (words[at + i] !== words[first + i] && i !== number) return false;
    }
    return true;
  }
}
