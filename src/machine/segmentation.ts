import { CORE } from '../engine/layout.ts';
import { ReferenceArithmetic } from '../engine/reference-arithmetic.ts';
import type { StateWord } from '../isa/core-state.ts';
import { type CodeSize, LONG_MODE, MODES, type Mode, modeOf } from '../isa/mode.ts';
import { linearAddress, RIGHTS, SEGMENTS } from '../isa/segments.ts';
import { type Core, GuestFault } from './core.ts';
import type { MachineParts } from './parts.ts';

/**
 * The hidden parts of segment registers (SDM Vol. 3, "Segment Registers"). A core that has only ever been in 64-bit mode has none: nothing there depends on them, and most
 * code that races shall not pay for them.
 */

export const CR0_PE = 1n;
export const EFER_LMA = 1n << 10n;

/** Whether the core is in protected mode, which IA-32e mode is too. */
export const isProtected = (core: Core): boolean => (core.get('cr0') & CR0_PE) !== 0n;
/** Whether IA-32e mode is active: 64-bit or compatibility mode. */
export const isLong = (core: Core): boolean => (core.get('efer') & EFER_LMA) !== 0n;

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

/** What loading a selector in real mode gives: 64 KiB from 16 times the selector; the limit and the rights stay what they were (SDM Vol. 3, "Real-Address Mode Operation"). */
export const realBase = (selector: number): bigint => BigInt(selector & 0xffff) << 4n;

/** Whether hidden parts are kept. */
export const keepsHidden = (core: Core): boolean => core.get('csRights') !== 0n;

/** Sets the selector and the hidden part of segment register `number`. `updateMode` is the caller's to call where that is CS or SS. */
export function setHidden(core: Core, number: number, hidden: HiddenSegment): void {
  const { base, low, high, rights } = SEGMENTS[number]!;
  const bounds = boundsOf(hidden);
  core.set(base, hidden.base);
  core.set(low, bounds.low);
  core.set(high, bounds.high);
  core.set(rights, hidden.rights);
}

function boundsOf({ limit, rights }: HiddenSegment): { readonly low: bigint; readonly high: bigint } {
  if ((rights & RIGHTS.present) === 0) return { low: 1n, high: 0n };
  const expandsDown = (rights & (RIGHTS.code | RIGHTS.expandDown)) === RIGHTS.expandDown;
  if (!expandsDown) return { low: 0n, high: limit };
  return { low: limit + 1n, high: (rights & RIGHTS.big) !== 0 ? 0xffffffffn : 0xffffn };
}

/** The mode that the core's words say it decodes in. */
function modeNow(core: Core): Mode {
  if (!keepsHidden(core)) return LONG_MODE;
  const [code, stack] = [core.small('csRights'), core.small('ssRights')];
  if (isLong(core) && (code & RIGHTS.long) !== 0) return LONG_MODE;
  return modeOf((code & RIGHTS.big) !== 0 ? 32 : 16, (stack & RIGHTS.big) !== 0 ? 32 : 16);
}

/** CS, SS, CR0 or EFER changed: the core decodes in another mode or from another place. */
export function updateMode(machine: MachineParts, core: Core): void {
  const { number } = modeNow(core);
  if (number === 0 && core.mode === 0) return;
  core.setRaw(CORE.mode, number);
  machine.flushTlb(core);
}

/** Bits of the core's stack pointer. */
export const stackSize = (core: Core): CodeSize => MODES[core.mode]!.stackSize;

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
