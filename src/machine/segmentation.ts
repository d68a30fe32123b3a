import { CORE } from '../engine/layout.ts';
import { ReferenceArithmetic } from '../engine/reference-arithmetic.ts';
import { RSP, type StateWord } from '../isa/core-state.ts';
import { type CodeSize, LONG_MODE, MODES, type Mode, modeOf } from '../isa/mode.ts';
import { CS, FS, GS, linearAddress, RIGHTS, SEGMENTS, SS } from '../isa/segments.ts';
import { type Core, GuestFault } from './core.ts';
import type { MachineParts } from './parts.ts';

/**
 * The hidden parts of segment registers (SDM Vol. 3, "Segment Registers"). A core that has only ever been in 64-bit mode has none: nothing there depends on them, and most
 * code that races shall not pay for them.
 */

const CR0_PE = 1;
const EFER_LMA = 1 << 10;

/** Whether hidden parts are kept. Where they are not the core has never left 64-bit mode. */
export const keepsHidden = (core: Core): boolean => core.small('csRights') !== 0;
/** Whether the core is in protected mode, which IA-32e mode is too. */
export const isProtected = (core: Core): boolean => !keepsHidden(core) || (core.small('cr0') & CR0_PE) !== 0;
/** Whether IA-32e mode is active: 64-bit or compatibility mode. */
export const isLong = (core: Core): boolean => !keepsHidden(core) || (core.small('efer') & EFER_LMA) !== 0;

/** The hidden part of a segment register. */
export interface HiddenSegment {
  readonly base: bigint;
  /** Last offset, in bytes, that its limit allows: of an expand-down segment the last that it does not allow. */
  readonly limit: bigint;
  /** `SegmentWords.rights`. */
  readonly rights: number;
}

/** What no access may go through: a null selector was loaded. */
export const UNUSABLE: HiddenSegment = { base: 0n, limit: 0n, rights: 0 };

/** What IA-32e mode gives SYSCALL and its like without a look at a descriptor: code of 64 bits, code of 32 bits and data, all flat. */
export const flatSegment = (kind: 'code64' | 'code32' | 'data', cpl: number): HiddenSegment => ({
  base: 0n,
  limit: 0xffffffffn,
  rights: FLAT_RIGHTS[kind] | (cpl << 5),
});

const FLAT_RIGHTS = { code64: 0xa09b, code32: 0xc09b, data: 0xc093 } as const;

/** Sets the hidden part of segment register `number`; what was translated through another CS is forgotten. `updateMode` is the caller's to call where that is CS or SS. */
export function setHidden(core: Core, number: number, hidden: HiddenSegment): void {
  const { base, low, high, rights } = SEGMENTS[number]!;
  const bounds = boundsOf(hidden);
  core.useExtended();
  if (number === CS && (core.get(base) !== hidden.base || core.get(high) !== bounds.high)) core.flushTlb();
  core.set(base, hidden.base);
  core.set(low, bounds.low);
  core.set(high, bounds.high);
  core.set(rights, hidden.rights);
}

/** The offsets that may be accessed: none where the lowest is above the highest. */
export function boundsOf({ limit, rights }: HiddenSegment): { readonly low: bigint; readonly high: bigint } {
  if ((rights & RIGHTS.present) === 0) return { low: 1n, high: 0n };
  const expandsDown = (rights & (RIGHTS.code | RIGHTS.expandDown)) === RIGHTS.expandDown;
  if (!expandsDown) return { low: 0n, high: limit };
  return { low: limit + 1n, high: (rights & RIGHTS.big) !== 0 ? 0xffffffffn : 0xffffn };
}

/** Loads a segment register other than CS: its selector, and its hidden part where that is kept. */
export function setSegment(core: Core, number: number, selector: number, hidden: HiddenSegment): void {
  const { selector: word, base } = SEGMENTS[number]!;
  core.setSmall(word, selector);
  if (keepsHidden(core)) setHidden(core, number, hidden);
  else if (number === FS || number === GS) core.set(base, hidden.base);
}

/**
 * Loads a segment register as real mode does: 64 KiB from 16 times the selector; limit and rights stay (SDM Vol. 3, "Real-Address Mode Operation"). CS, which a far jump out of
 * protected mode loads first, becomes a segment that may be written ("Switching Back to Real-Address Mode").
 */
export function setRealSegment(core: Core, number: number, selector: number): void {
  const { selector: word, base, rights } = SEGMENTS[number]!;
  const from = BigInt(selector) << 4n;
  if (number === CS) {
    if (core.get(base) !== from) core.flushTlb();
    core.setSmall(rights, (core.small(rights) & ~(RIGHTS.code | RIGHTS.expandDown)) | RIGHTS.writable);
  }
  core.setSmall(word, selector);
  core.set(base, from);
}

/** The mode that the core's words say it decodes in. */
function modeNow(core: Core): Mode {
  if (!keepsHidden(core)) return LONG_MODE;
  const [code, stack] = [core.small('csRights'), core.small('ssRights')];
  if (isLong(core) && (code & RIGHTS.long) !== 0) return LONG_MODE;
  return modeOf((code & RIGHTS.big) !== 0 ? 32 : 16, (stack & RIGHTS.big) !== 0 ? 32 : 16);
}

/** CS, SS, CR0 or EFER changed: the core may decode in another mode. */
export function updateMode(machine: MachineParts, core: Core): void {
  const { number } = modeNow(core);
  if (number === core.mode) return;
  core.setRaw(CORE.mode, number);
  machine.flushTlb(core);
}

const stackSize = (core: Core): CodeSize => MODES[core.mode]!.stackSize;

/** Linear address of `bytes` bytes, `displacement` bytes from the top of the stack. Throws `GuestFault`. */
export function onStack(core: Core, displacement: number, bytes: number, access: 'read' | 'write'): bigint {
  if (core.mode === 0) return displacement === 0 ? core.gpr(RSP) : BigInt.asUintN(64, core.gpr(RSP) + BigInt(displacement));
  const offset = BigInt.asUintN(stackSize(core), core.gpr(RSP) + BigInt(displacement));
  return linearOf(core, SS, offset, bytes, access);
}

/** Sets RSP, ESP or SP. */
export function setStackPointer(core: Core, value: bigint): void {
  if (core.mode === 0) {
    core.setGpr(RSP, value);
    return;
  }
  const low = BigInt.asUintN(stackSize(core), value);
  core.setGpr(RSP, stackSize(core) === 16 ? (core.gpr(RSP) & ~0xffffn) | low : low);
}

export const moveStackPointer = (core: Core, displacement: number): void => setStackPointer(core, core.gpr(RSP) + BigInt(displacement));

/** The core's words, for what is written in those of the semantics. */
class CoreWords extends ReferenceArithmetic {
  readonly #core: Core;

  constructor(core: Core) {
    super();
    this.#core = core;
  }

  state(word: StateWord): bigint {
    return this.#core.get(word);
  }

  when(condition: bigint, then: () => void): void {
    if (condition !== 0n) then();
  }

  raise(vector: number, errorCode: number): void {
    throw new GuestFault(vector, errorCode);
  }
}

const WORDS = new WeakMap<Core, CoreWords>();

/**
 * Linear address of `bytes` bytes at an offset of a segment, for system instructions and deliveries: `linearAddress` of `isa/segments.ts` outside 64-bit mode, and in it the
 * offset with the base of FS or GS. Throws `GuestFault`.
 */
export function linearOf(core: Core, segment: number, offset: bigint, bytes: number, access: 'read' | 'write'): bigint {
  if (core.mode === 0) return BigInt.asUintN(64, offset + (segment >= 4 ? core.get(SEGMENTS[segment]!.base) : 0n));
  let words = WORDS.get(core);
  if (words === undefined) {
    words = new CoreWords(core);
    WORDS.set(core, words);
  }
  return linearAddress<bigint>(words, segment, offset, bytes, access);
}
