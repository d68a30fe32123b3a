import type { Engine } from '../engine/engine.ts';
import { CORE, coreBase, ITLB, TLB } from '../engine/layout.ts';
import type { LookObserver } from '../engine/look-observer.ts';
import {
  ARITHMETIC_FLAGS,
  EXTENDED_AT,
  EXTENDED_BYTES,
  EXTENDED_START,
  gprOffset,
  OFFSET,
  RF,
  type StateWord,
  TF,
} from '../isa/core-state.ts';
import { arithmeticFlags, lazyFlags } from '../isa/flags.ts';
import { type CodeSize, MODES } from '../isa/mode.ts';
import type { AccessKind } from '../isa/vocabulary.ts';

const AT_ACTIVITY = OFFSET.activity;
const AT_SHADOW = OFFSET.interruptShadow;
const AT_FLAGS = OFFSET.flagSystem;
const AT_DR7 = OFFSET.dr7;
const AT_IRR = OFFSET.irr0;
const AT_NMI = OFFSET.nmiPending;

const KIND: Record<AccessKind, number> = { data: 0, stack: 1, operand: 2, destination: 0 };

/** Empty translation caches: no tag is a page. No permission bits either: the last page of the address space must not match. */
const EMPTY_TLB = new Int32Array((TLB.entries * TLB.bytes) / 4).map((_, n) =>
  n % (TLB.bytes / 4) === TLB.tagAny / 4 ? ~0xfff : n % (TLB.bytes / 4) < TLB.delta / 4 ? -1 : 0,
);
const EMPTY_ITLB = new Int32Array((ITLB.entries * ITLB.bytes) / 4).map((_, n) => (n % (ITLB.bytes / 4) < ITLB.physical / 4 ? -1 : 0));

/**
 * Thrown by `Core.load` and `Core.store` when the access did not happen: a stop or a guest fault is noted in the core's block. Not an `Error`: it
 * is part of the machine's ordinary working, and a stack trace would cost more than all the rest of the step.
 */
export class AccessStopped {
  readonly message = 'a memory access of a core has stopped';
}

/** Thrown inside a system helper or a delivery to raise a guest exception. Not an `Error`, as `AccessStopped`. */
export class GuestFault {
  readonly vector: number;
  readonly errorCode: bigint;

  constructor(vector: number, errorCode: bigint | number = 0) {
    this.vector = vector;
    this.errorCode = BigInt(errorCode);
  }

  get message(): string {
    return `guest exception ${this.vector}`;
  }
}

/** Gives the core at `base` the extended state of a new one. */
export function resetExtended(bytes: Uint8Array, base: number): void {
  bytes.fill(0, base + EXTENDED_AT, base + EXTENDED_AT + EXTENDED_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (const [offset, value] of EXTENDED_START) view.setBigUint64(base + offset, value, true);
}

/** Whether the extended state of the core at `base` is that of a new one. */
export function isExtendedNew(bytes: Uint8Array, base: number): boolean {
  const longs = new BigUint64Array(bytes.buffer, bytes.byteOffset + base + EXTENDED_AT, EXTENDED_BYTES / 8);
  return longs.every((value, n) => value === (EXTENDED_START.get(EXTENDED_AT + 8 * n) ?? 0n));
}

/** One logical processor: named access to its words in linear memory, and memory as it sees it. */
export class Core {
  readonly index: number;
  readonly base: number;
  readonly #engine: Engine;
  readonly #words: Int32Array;
  readonly #longs: BigUint64Array;
  readonly #journal: boolean;
  #saved = false;

  constructor(engine: Engine, index: number) {
    this.#engine = engine;
    this.#words = engine.words;
    this.#longs = engine.longs;
    this.#journal = engine.features.journal;
    this.index = index;
    this.base = coreBase(index);
    this.setRaw(CORE.index, index);
    resetExtended(engine.bytes, this.base);
    this.flushTlb();
  }

  get(word: StateWord): bigint {
    return this.#longs[(this.base + OFFSET[word]) >> 3] as bigint;
  }

  set(word: StateWord, value: bigint | number): void {
    this.prepare();
    this.#longs[(this.base + OFFSET[word]) >> 3] = BigInt.asUintN(64, BigInt(value));
  }

  /** Low 32 bits of a word: for fields known to be small. */
  small(word: StateWord): number {
    return this.#words[(this.base + OFFSET[word]) >> 2] as number;
  }

  /** High 32 bits of a word. */
  high(word: StateWord): number {
    return this.#words[((this.base + OFFSET[word]) >> 2) + 1] as number;
  }

  /** `Activity` of the core. */
  get activity(): number {
    return this.#words[(this.base + AT_ACTIVITY) >> 2] as number;
  }

  /** Whether TF, RF, an interrupt shadow or a breakpoint is set: something may be due before or behind the next instruction (`mustStep`). */
  get special(): boolean {
    const words = this.#words;
    const flags = words[(this.base + AT_FLAGS) >> 2]! & (TF | RF);
    return words[(this.base + AT_SHADOW) >> 2] !== 0 || flags !== 0 || (words[(this.base + AT_DR7) >> 2]! & 0xff) !== 0;
  }

  /** Whether an NMI or any maskable interrupt is waiting to be taken, masked or not. */
  get interruptWaits(): boolean {
    const words = this.#words;
    const irr = (this.base + AT_IRR) >> 2;
    const any =
      words[irr]! |
      words[irr + 1]! |
      words[irr + 2]! |
      words[irr + 3]! |
      words[irr + 4]! |
      words[irr + 5]! |
      words[irr + 6]! |
      words[irr + 7]!;
    return (any | words[(this.base + AT_NMI) >> 2]!) !== 0;
  }

  /** Number of the `Mode` (`isa/mode.ts`) in which the core decodes. */
  get mode(): number {
    return this.#words[(this.base + CORE.mode) >> 2] as number;
  }

  /** Bits of the code that it executes. */
  get codeSize(): CodeSize {
    return MODES[this.mode]!.codeSize;
  }

  /** Linear address of the instruction at RIP: outside 64-bit mode RIP is an offset in CS. */
  get linearRip(): bigint {
    return this.mode === 0 ? this.rip : BigInt.asUintN(32, this.codeBase + this.rip);
  }

  /** The base of CS, which counts outside 64-bit mode. */
  get codeBase(): bigint {
    return this.mode === 0 ? 0n : this.get('csBase');
  }

  setSmall(word: StateWord, value: number): void {
    this.prepare();
    const at = (this.base + OFFSET[word]) >> 2;
    this.#words[at] = value;
    this.#words[at + 1] = 0;
  }

  /** Who hears what is looked at besides accesses. */
  get looks(): LookObserver | undefined {
    return this.#engine.looks;
  }

  /** General register by encoding number, 64 bits. */
  gpr(n: number): bigint {
    return this.#longs[(this.base + gprOffset(n)) >> 3] as bigint;
  }

  setGpr(n: number, value: bigint): void {
    this.prepare();
    this.#longs[(this.base + gprOffset(n)) >> 3] = BigInt.asUintN(64, value);
  }

  get rip(): bigint {
    return this.get('rip');
  }
  set rip(value: bigint) {
    this.set('rip', value);
  }

  /** RFLAGS as software sees it: bit 1 set. */
  get rflags(): number {
    return arithmeticFlags(this.get('flagResult'), this.get('flagCarry')) | this.small('flagSystem') | 2;
  }

  set rflags(value: number) {
    const lazy = lazyFlags(value);
    this.set('flagResult', lazy.flagResult);
    this.set('flagCarry', lazy.flagCarry);
    this.setSmall('flagSystem', value & ~ARITHMETIC_FLAGS & ~2);
  }

  /** A word behind the architectural ones, by its offset in the block (`CORE`), low 32 bits. */
  raw(offset: number): number {
    return this.#words[(this.base + offset) >> 2] as number;
  }

  setRaw(offset: number, value: number): void {
    this.prepare();
    this.#words[(this.base + offset) >> 2] = value;
  }

  rawLong(offset: number): bigint {
    return this.#longs[(this.base + offset) >> 3] as bigint;
  }

  setRawLong(offset: number, value: bigint): void {
    this.prepare();
    this.#longs[(this.base + offset) >> 3] = BigInt.asUintN(64, value);
  }

  /** Before the block changes: remembers it in the journal once a transition, and marks its cached hash stale. */
  prepare(): void {
    if (!this.#saved && this.#journal) {
      this.#saved = true;
      this.#engine.access.journalBlock(this.base, CORE.blockEnd);
      if (this.raw(CORE.extendedUsed) !== 0) this.#engine.access.journalBlock(this.base + EXTENDED_AT, EXTENDED_BYTES);
    }
    this.#words[(this.base + CORE.hashDirty) >> 2] = 1;
  }

  /** A new transition begins, or one was undone: the block is not yet remembered. */
  unsaved(): void {
    this.#saved = false;
  }

  /**
   * A data access at a linear address with this core's privilege, store buffer and visibility. Throws `AccessStopped` when it did not
   * happen: the fault or stop is noted in the block, and the caller gives up the instruction.
   */
  load(address: bigint, bytes: number, kind: AccessKind = 'data', modify = false): bigint {
    const value = this.#engine.access.load(this.base, BigInt.asIntN(64, address), bytes, KIND[kind], modify ? 1 : 0);
    if (this.#engine.globals.stop.value !== 0) throw new AccessStopped();
    return BigInt.asUintN(64, value);
  }

  store(address: bigint, bytes: number, value: bigint, kind: AccessKind = 'data'): void {
    this.#engine.access.store(this.base, BigInt.asIntN(64, address), bytes, BigInt.asIntN(64, value), KIND[kind]);
    if (this.#engine.globals.stop.value !== 0) throw new AccessStopped();
  }

  /** Throws what a store of `bytes` bytes, at most a page, would throw, and stores nothing. */
  probe(address: bigint, bytes: number, kind: AccessKind = 'data'): void {
    this.#engine.access.probe(this.base, BigInt.asIntN(64, address), bytes, KIND[kind]);
    if (this.#engine.globals.stop.value !== 0) throw new AccessStopped();
  }

  /** What a load inside one quadword would give now, own buffered stores included, without being an access. */
  look(address: bigint, bytes: number): bigint {
    this.#engine.looks?.linear(this.index, address, bytes);
    const value = this.#engine.access.look(this.base, BigInt.asIntN(64, address), bytes);
    if (this.#engine.globals.stop.value !== 0) throw new AccessStopped();
    return BigInt.asUintN(64, value);
  }

  /** Begins a locked access: the loads and stores of it that follow are one atomic operation. Throws `AccessStopped`. */
  lockBegin(address: bigint, bytes: number): void {
    this.#engine.access.lockBegin(this.base, BigInt.asIntN(64, address), bytes, KIND.data);
    if (this.#engine.globals.stop.value !== 0) throw new AccessStopped();
  }

  /** A word of the extended state, the hidden part of a segment or a PDPTE is going to change: from the first time on they are remembered and hashed. */
  useExtended(): void {
    this.prepare();
    if (this.raw(CORE.extendedUsed) === 0) this.#engine.access.beginExtended(this.base);
  }

  /** Forgets all translations of this core. */
  flushTlb(): void {
    this.#words.set(EMPTY_TLB, (this.base + CORE.tlb) >> 2);
    this.#words.set(EMPTY_ITLB, (this.base + CORE.itlb) >> 2);
    this.#engine.translationsChanged();
  }
}
