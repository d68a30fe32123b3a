import { HELPERS } from '../isa/helpers/index.ts';
import type { Instruction } from '../isa/instruction.ts';
import { NO_TAG, RECORD, type RecordFields, readRecord, writeRecord } from '../isa/record.ts';
import { type Form, type Forms, formsOf } from './forms.ts';
import { MADE, runModule, TABLE_ENTRIES } from './handler-code.ts';
import {
  CODE_QUADS_BASE,
  CORE,
  coreBase,
  DECODE_BASE,
  DECODE_RECORDS,
  EVENT_BASE,
  HELPER_AT,
  LONG_RUN,
  LONG_RUN_AT,
  type MemoryMap,
  memoryMap,
  PAGE_INFO_BASE,
  physicalOf,
  REGION_RETIRED_AT,
  Stop,
  TRANSLATE_AT,
} from './layout.ts';
import type { LookObserver } from './look-observer.ts';
import { type Features, GLOBAL_NAMES, importGlobals } from './memory-abi.ts';
import { defineMemory } from './memory-code.ts';
import type { RegionBlock } from './region-code.ts';
import { Regions } from './regions.ts';
import { I32 } from './wasm/code.ts';
import { ModuleBuilder } from './wasm/module.ts';

/** What the machine supplies to its engine. Addresses of blocks and records are offsets in linear memory. */
export interface EngineHost {
  /** Translates (core block, linear address, 0 read / 1 write, access kind, bytes): linear-memory offset, or 0 after noting a fault. */
  walk(core: number, low: number, high: number, access: number, kind: number, size: number): number;
  /** Bytes that hold decoded records are about to change. */
  textWrite(core: number, physical: number, size: number): void;
  /** Patched text has changed. */
  textCommitted(core: number, physical: number, size: number): void;
  /** MFENCE, its store buffer drained, where `Features.fence`: 0 go on, 1 stop before it. */
  fence(core: number): number;
  /** A system instruction: 0 go on, 1 stop before it (`setStop`), 2 done but look at the core. RIP is the host's to move. */
  system(core: number, record: number): number;
}

/** Functions of the memory module. Addresses are linear addresses as BigInt; blocks are offsets. */
interface MemoryExports {
  load(core: number, address: bigint, bytes: number, kind: number, modify: number): bigint;
  store(core: number, address: bigint, bytes: number, value: bigint, kind: number): void;
  look(core: number, address: bigint, bytes: number): bigint;
  lockBegin(core: number, address: bigint, bytes: number, kind: number): void;
  storeAt(host: number, bytes: number, value: bigint, info: number): void;
  beginExtended(core: number): void;
  probe(core: number, address: bigint, bytes: number, kind: number): void;
  physicalWrite(physical: number, bytes: number, value: bigint): void;
  journalBlock(at: number, length: number): void;
  /** Begins a transition: remembers the hash, forgets the events of the last; gives the mark to roll back to. */
  begin(): number;
  /** Sets the global `visible`: a call is cheaper than to set it from here. */
  allow(operations: number): void;
  rollback(mark: number): void;
  drain(core: number, entry: number): void;
  /** Ends a transition: no visible operation is left over, and what is below the core's stack pointer is zero. */
  scrub(core: number): void;
  poke(at: number, value: number, info: number): void;
  stateKey(cores: number, symmetric: number): void;
}

type Globals = Readonly<Record<(typeof GLOBAL_NAMES)[number], WebAssembly.Global<'i32'>>>;

export interface EngineOptions {
  readonly ramBytes: number;
  readonly journalBytes: number;
  readonly features: Features;
}

const PAGE_BYTES = 4096;

/** Engines of each build that were released, for the next machine: a memory of this size is dear to make and to throw away. */
const IDLE = new WeakMap<Forms, Engine[]>();
const MAX_IDLE = 2;

/** Instructions of a run that is worth a better dispatch. */
const LONG_SLICE = 50_000;
/** Calls of handlers through the table before the dispatch is rebuilt with the forms that are in use. */
const WARM_RUNS = 3;
const MAX_HOT = 400;
/** The same for machines of the explorer, in runs of any length. */
const WARM_STEPS = 20_000;

/**
 * The generated interpreter of one machine: linear memory, its memory functions, one handler a form, and `run`.
 *
 * Handlers are compiled when a form is first decoded. After a few long runs the dispatch is generated again with the forms
 * in use as arms of one switch, which is about twice as fast; numbers and state stay, so nothing can tell the difference.
 */
export class Engine {
  readonly map: MemoryMap;
  readonly features: Features;
  readonly memory: WebAssembly.Memory;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly longs: BigUint64Array;
  readonly globals: Globals;
  readonly access: MemoryExports;
  /** Told of what is looked at without an access; undefined costs one comparison. */
  looks: LookObserver | undefined;
  /** Told of each region that is compiled: for coverage. */
  regionMade: ((blocks: readonly RegionBlock[]) => void) | undefined;
  readonly #table: WebAssembly.Table;
  readonly #regions: Regions | undefined;
  #env: Record<string, WebAssembly.ExportValue>;
  /** The forms of all machines of this build, those that this machine has met, and those of them that were linked when it met them. */
  readonly #forms: Forms;
  readonly #numbers = new Map<Instruction, number>();
  #used = new Set<Form>();
  readonly #linked = new Set<number>();
  #host: EngineHost;
  /** Physical pages that are perhaps not as they were at first, by number and in a list. */
  readonly #isTouched: Uint8Array;
  #touched: number[] = [];
  #run: (core: number, instructions: number, record: number) => number;
  /** Handlers with numbers below this were linked when the machine was made. */
  #batched = 0;
  #inLongRuns = 0;
  #longRuns = 0;
  #hotForms = 0;

  /** A new engine, or one that was released and is as new. */
  static take(options: EngineOptions, host: EngineHost): Engine {
    const forms = formsOf(memoryMap(options.ramBytes, options.journalBytes, options.features.explore), options.features);
    const engine = IDLE.get(forms)?.pop();
    if (engine === undefined) return new Engine(options, host);
    engine.#renew(host);
    return engine;
  }

  constructor(options: EngineOptions, host: EngineHost) {
    this.#host = host;
    this.features = options.features;
    this.#regions = options.features.regions ? new Regions(this) : undefined;
    this.map = memoryMap(options.ramBytes, options.journalBytes, options.features.explore);
    const pages = this.map.totalPages;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.view = new DataView(this.memory.buffer);
    this.bytes = new Uint8Array(this.memory.buffer);
    this.words = new Int32Array(this.memory.buffer);
    this.longs = new BigUint64Array(this.memory.buffer);
    this.#table = new WebAssembly.Table({ element: 'anyfunc', initial: TABLE_ENTRIES });
    this.globals = Object.fromEntries(
      GLOBAL_NAMES.map((name) => [name, new WebAssembly.Global({ value: 'i32', mutable: true }, 0)]),
    ) as Globals;
    this.#isTouched = new Uint8Array(this.map.ramBytes / PAGE_BYTES);
    const hostFunctions = {
      walk: (core: number, low: number, high: number, access: number, kind: number, size: number) =>
        this.#host.walk(core, low, high, access, kind, size),
      textWrite: (core: number, physical: number, size: number) => this.#host.textWrite(core, physical, size),
      textCommitted: (core: number, physical: number, size: number) => this.#host.textCommitted(core, physical, size),
      system: (core: number, record: number) => this.#host.system(core, record),
      fence: (core: number) => this.#host.fence(core),
      helper: (number: number) => this.#help(number),
    };
    const base = { memory: this.memory, handlers: this.#table, ...this.globals, ...hostFunctions };
    this.#env = base;
    this.#forms = formsOf(this.map, this.features);
    const exports = this.#instantiate(this.#forms.module('memory', () => this.#memoryModule()));
    this.access = exports as MemoryExports & WebAssembly.Exports;
    this.#env = { ...base, ...exports };
    this.#run = this.#instantiateRun([]);
    const known = this.#forms.known();
    for (const module of known.modules) this.#instantiate(module);
    this.#batched = known.count;
    this.#begin();
  }

  /** A helper, with its parameters and its results in linear memory. */
  #help(number: number): void {
    const { parameters, run } = HELPERS[number] as (typeof HELPERS)[number];
    const at = HELPER_AT >> 3;
    const results = run(...this.longs.subarray(at, at + parameters));
    for (let n = 0; n < results.length; n++) this.longs[at + n] = results[n] as bigint;
  }

  /** What is not zero in a new machine. */
  #begin(): void {
    this.globals.journalTop.value = this.map.journal;
    this.globals.eventTop.value = EVENT_BASE;
    // Zero is the tag of physical address 0 and of nothing else: the other records of fresh memory match no address as they are.
    this.words[DECODE_BASE >> 2] = NO_TAG;
    this.words[LONG_RUN_AT >> 2] = LONG_RUN;
  }

  /** From here on code is compiled when it has been come to a few times, however short the runs: so that tests meet as much of it as there is. */
  compileSoon(): void {
    this.words[LONG_RUN_AT >> 2] = 0;
    this.#regions?.compileSoon();
  }

  /** Pages of RAM are about to be written, or to be accessed by a core: whoever gives out or translates their addresses says so. */
  touch(physical: number, length = 1): void {
    for (let page = physical >>> 12; page <= (physical + length - 1) >>> 12; page++) {
      if (this.#isTouched[page] !== 0) continue;
      this.#isTouched[page] = 1;
      this.#touched.push(page);
    }
  }

  /** Nobody uses this engine any more: the next machine of its build may have it. */
  release(): void {
    const idle = IDLE.get(this.#forms) ?? [];
    IDLE.set(this.#forms, idle);
    if (idle.length < MAX_IDLE && !idle.includes(this)) idle.push(this);
  }

  /** Everything as in a new engine, save the journal above its top, which is written before it is read, and the code that is made. */
  #renew(host: EngineHost): void {
    const { map, bytes, features } = this;
    this.#host = host;
    bytes.fill(0, 0, PAGE_INFO_BASE + (map.ramBytes / PAGE_BYTES) * 4);
    for (const page of this.#touched) {
      bytes.fill(0, CODE_QUADS_BASE + page * (PAGE_BYTES / 64), CODE_QUADS_BASE + (page + 1) * (PAGE_BYTES / 64));
      bytes.fill(0, map.ram + page * PAGE_BYTES, map.ram + (page + 1) * PAGE_BYTES);
      // A word of four bytes for each eight.
      if (features.explore) bytes.fill(0, map.shadow + (page * PAGE_BYTES) / 2, map.shadow + ((page + 1) * PAGE_BYTES) / 2);
      this.#isTouched[page] = 0;
    }
    this.#touched = [];
    for (const name of GLOBAL_NAMES) this.globals[name].value = 0;
    this.#numbers.clear();
    this.#used = new Set();
    this.#longRuns = 0;
    this.#inLongRuns = 0;
    this.#regions?.renew();
    this.looks = undefined;
    this.regionMade = undefined;
    this.#begin();
  }

  /** The module of the memory functions: `access`. */
  #memoryModule(): Uint8Array<ArrayBuffer> {
    const m = new ModuleBuilder();
    m.importMemory('memory', this.map.totalPages, this.map.totalPages);
    const globals = importGlobals(m);
    const imports = {
      walk: m.importFunction('walk', { params: [I32, I32, I32, I32, I32, I32], results: [I32] }),
      textWrite: m.importFunction('textWrite', { params: [I32, I32, I32], results: [] }),
      textCommitted: m.importFunction('textCommitted', { params: [I32, I32, I32], results: [] }),
    };
    defineMemory(m, this.map, this.features, globals, imports);
    return m.bytes();
  }

  #instantiateRun(hot: readonly Form[]): (core: number, instructions: number, record: number) => number {
    const module = this.#forms.module(`run ${hot.map((f) => f.number).join()}`, () => runModule(hot, this.map, this.features));
    return this.#instantiate(module).run as (core: number, instructions: number, record: number) => number;
  }

  #instantiate(module: WebAssembly.Module): WebAssembly.Exports {
    return new WebAssembly.Instance(module, { env: this.#env }).exports;
  }

  /** Puts a region into the table. `key` says what its code is made from, for the next machine of this build that comes by the same. */
  linkRegion(number: number, key: string, bytes: () => Uint8Array<ArrayBuffer>): void {
    this.#link(this.#forms.region(key, bytes), number);
  }

  /** Translations have changed: what is being run asks for RIP's again, a region that is being run asks for none until it is over. */
  translationsChanged(): void {
    this.words[TRANSLATE_AT >> 2] = 1;
    this.#regions?.leave();
  }

  #link(module: WebAssembly.Module, number: number): void {
    this.#table.set(number, this.#instantiate(module)[MADE] as () => number);
  }

  /** How many regions were compiled. */
  get regionsCompiled(): number {
    return this.#regions?.compiled ?? 0;
  }

  /** Compiles the code at the core's RIP now, as if it were hot; whether a region holds it. The core's instruction TLB must have its page. */
  compileHere(core: number): boolean {
    const before = this.regionsCompiled;
    this.#regions?.compile(coreBase(core));
    return this.regionsCompiled > before;
  }

  /** Instructions that retired inside regions since the machine was made, modulo 2^32. */
  get retiredInRegions(): number {
    return (this.words[REGION_RETIRED_AT >> 2] as number) >>> 0;
  }

  /** Number of the handler for a form; its code is made the first time. */
  handler(instruction: Instruction): number {
    const known = this.#numbers.get(instruction);
    if (known !== undefined) return known;
    const form = this.#forms.of(instruction);
    this.#numbers.set(instruction, form.number);
    this.#used.add(form);
    if (form.number >= this.#batched && !this.#linked.has(form.number)) {
      this.#linked.add(form.number);
      this.#link(this.#forms.single(form), form.number);
    }
    return form.number;
  }

  /**
   * Runs core `core` for at most `instructions`, the first one from the record at offset `record` unless that is 0. Stop reason as
   * in `Stop`; details in the core's block.
   */
  run(core: number, instructions: number, record = 0): number {
    const base = coreBase(core);
    let reason = this.#run(base, instructions, record);
    while (reason === Stop.hot) {
      this.#regions?.compile(base);
      reason = this.#run(base, this.unused(core), 0);
    }
    if (this.features.explore) {
      if (++this.#longRuns === WARM_STEPS) this.inlineForms();
    } else if (instructions > LONG_SLICE) {
      // A run that ends at an instruction that is not decoded yet goes on: only what it did counts.
      this.#inLongRuns += instructions - this.unused(core);
      if (this.#inLongRuns >= LONG_SLICE) this.#warm();
    }
    return reason;
  }

  /** Instructions of the last `run` that were not used. */
  unused(core: number): number {
    return this.words[(coreBase(core) + CORE.stopSize + 4) >> 2] as number;
  }

  #warm(): void {
    this.#inLongRuns = 0;
    this.#longRuns++;
    if (this.#longRuns % WARM_RUNS !== 0 || this.#hotForms === this.#used.size || this.#used.size > MAX_HOT) return;
    this.inlineForms();
  }

  /** How many forms this machine has met. */
  get formCount(): number {
    return this.#used.size;
  }

  /** Generates the dispatch again with forms that the machine has met, from the one of index `first`, as arms of its switch. All others are called. */
  inlineForms(first = 0, count = this.#used.size): void {
    this.#hotForms = this.#used.size;
    this.#run = this.#instantiateRun([...this.#used].slice(first, first + count));
  }

  /** Writes a record with a tag (`inMode`), in its place or elsewhere at offset `at` when given; gives its offset. */
  putRecord(instruction: Instruction, fields: RecordFields, tag: number, at?: number): number {
    const handler = this.handler(instruction);
    if (at === undefined) this.#regions?.decoded(tag, instruction, fields);
    const offset = at ?? DECODE_BASE + (tag & (DECODE_RECORDS - 1)) * 32;
    writeRecord(this.view, offset, tag, handler, fields);
    return offset;
  }

  /** Form of a record's handler number. */
  instructionAt(record: number): Instruction {
    return (this.#forms.list[this.view.getUint16(record + 4, true)] as Form).instruction;
  }

  /** The varying fields of a record. */
  fieldsAt(record: number): RecordFields {
    return readRecord(this.view, record);
  }

  /** Decoded instructions lie there from now on: stores to these quadwords must be noticed. */
  markCode(physical: number, length: number): void {
    for (let quad = physical >>> 3; quad <= (physical + length - 1) >>> 3; quad++) {
      const at = CODE_QUADS_BASE + (quad >>> 3);
      this.bytes[at] = (this.bytes[at] as number) | (1 << (quad & 7));
    }
  }

  /** Forgets every record that overlaps the bytes. */
  killRecords(physical: number, size: number): void {
    this.#regions?.kill(physical, size);
    for (let pa = Math.max(0, physical - 14); pa < physical + size; pa++) {
      const at = DECODE_BASE + (pa & (DECODE_RECORDS - 1)) * 32;
      const tag = this.view.getUint32(at, true);
      if (tag === NO_TAG || physicalOf(tag) !== pa || pa + this.view.getUint8(at + RECORD.length) <= physical) continue;
      this.view.setUint32(at, NO_TAG, true);
    }
  }

  clearDecodeCache(): void {
    this.#regions?.clear();
    for (let n = 0; n < DECODE_RECORDS; n++) this.words[(DECODE_BASE >> 2) + n * 8] = NO_TAG;
  }
}
