import { CORE, Stop } from '../engine/layout.ts';
import { TextpokeError } from '../error.ts';
import { AC, ARITHMETIC_FLAGS, DF, ID, IF, IOPL, NT, RF, TF, Vector, VIF, VIP, VM } from '../isa/core-state.ts';
import { CS, DS, ES, FS, GS, SEGMENTS, SS } from '../isa/segments.ts';
import { checkOffset, codeEntry, is64Bit } from './code-segment.ts';
import { AccessStopped, type Core, GuestFault } from './core.ts';
import {
  type Descriptor,
  isCode,
  isConforming,
  isNull,
  isReadable,
  isWritableData,
  readDescriptor,
  selectorError,
  setTypeBits,
} from './descriptors.ts';
import type { MachineParts, SystemOutcome } from './parts.ts';
import {
  isLong,
  isProtected,
  keepsHidden,
  moveStackPointer,
  onStack,
  setHidden,
  setRealSegment,
  setSegment,
  setStackPointer,
  UNUSABLE,
  updateMode,
} from './segmentation.ts';

/**
 * IRET (SDM Vol. 2, "IRET/IRETD/IRETQ"): pops RIP, CS and RFLAGS of `size` bits each, in 64-bit mode always RSP and SS too, elsewhere where the privilege changes. It
 * serializes, and it unblocks NMIs also when it faults.
 */
export function iret(machine: MachineParts, core: Core, size: 16 | 32 | 64): SystemOutcome {
  if (core.raw(CORE.storeBufferCount) !== 0) return 'drain';
  let frame: Frame;
  try {
    frame = readFrame(machine, core, size);
  } catch (error) {
    const faulted =
      error instanceof GuestFault || (error instanceof AccessStopped && machine.engine.globals.stop.value === Stop.exception + 1);
    if (faulted) core.setSmall('nmiBlocked', 0);
    throw error;
  }
  // After the loads: those that are visible have been done once and are remembered, so that this budget is asked for last.
  if (machine.serializeIsVisible(core) && !machine.takeVisible(core)) return 'visible';
  commit(machine, core, frame, size);
  return 'jumpedAndLook';
}

interface Frame {
  readonly rip: bigint;
  readonly cs: number;
  readonly rflags: number;
  /** What it takes on the stack; where it takes the stack itself, too, that is left behind. */
  readonly bytes: number;
  readonly takesStack: boolean;
  readonly rsp: bigint;
  readonly ss: number;
  readonly stack: Descriptor | undefined;
  /** Address of the popped RIP. */
  readonly at: bigint;
  readonly cpl: number;
  /** Numbers of data segment registers that become null because the outer level may not use them. */
  readonly cleared: readonly number[];
  /** Loads CS where that is more than its selector. */
  readonly enter: (() => void) | undefined;
}

const NONE: readonly number[] = [];

function readFrame(machine: MachineParts, core: Core, size: 16 | 32 | 64): Frame {
  const protects = isProtected(core);
  const long = isLong(core);
  const isTask = protects && (core.small('flagSystem') & NT) !== 0;
  if (isTask && !long) throw taskReturn(core);
  if (isTask) throw new GuestFault(Vector.GP);
  const cpl = core.small('cpl');
  const bytes = size / 8;
  const at = onStack(core, 0, bytes, 'read');
  const rip = core.load(at, bytes, 'stack');
  const cs = Number(popped(core, 1, bytes) & 0xffffn);
  const rflags = Number(popped(core, 2, bytes) & 0xffffffffn);
  const newCpl = protects ? cs & 3 : cpl;
  const takesStack = core.mode === 0 || newCpl > cpl;
  if (!protects) {
    if (rip > core.get('csHigh')) throw new GuestFault(Vector.GP);
    const enter = (): void => setRealSegment(core, CS, cs);
    return { rip, cs, rflags, bytes: 3 * bytes, takesStack, rsp: 0n, ss: 0, stack: undefined, at, cpl, cleared: NONE, enter };
  }
  if (!long && (rflags & VM) !== 0 && cpl === 0) throw virtual8086(core);
  const rsp = takesStack ? popped(core, 3, bytes) : 0n;
  const ss = takesStack ? Number(popped(core, 4, bytes) & 0xffffn) : 0;
  const code = codeDescriptor(machine, core, cs, cpl);
  checkOffset(core, code, rip);
  const to64 = is64Bit(core, code);
  const stack = takesStack ? stackDescriptor(machine, core, ss, newCpl, to64) : undefined;
  const cleared = newCpl > cpl ? inaccessible(machine, core, newCpl) : NONE;
  const enter = to64 && !keepsHidden(core) ? undefined : codeEntry(machine, core, cs, code.hidden, to64);
  setTypeBits(machine, core, code, 1);
  if (stack !== undefined) setTypeBits(machine, core, stack, 1);
  return { rip, cs, rflags, bytes: 3 * bytes, takesStack, rsp, ss, stack, at, cpl: newCpl, cleared, enter };
}

/** Element `n` of the frame. */
function popped(core: Core, n: number, bytes: number): bigint {
  return core.load(onStack(core, n * bytes, bytes, 'read'), bytes, 'stack');
}

/** Checks the code segment that a return goes to: same or outer privilege level. */
export function codeDescriptor(machine: MachineParts, core: Core, cs: number, cpl: number): Descriptor {
  if (isNull(cs)) throw new GuestFault(Vector.GP);
  const code = readDescriptor(machine, core, cs);
  const rpl = cs & 3;
  if (code === undefined || !isCode(code) || rpl < cpl) throw new GuestFault(Vector.GP, selectorError(cs));
  const wrong = isConforming(code) ? code.dpl > rpl : code.dpl !== rpl;
  if (wrong || (is64Bit(core, code) && code.big)) throw new GuestFault(Vector.GP, selectorError(cs));
  if (!code.present) throw new GuestFault(Vector.NP, selectorError(cs));
  return code;
}

/** Checks the stack segment that a return goes to; undefined for a null selector, which 64-bit mode (`to64`) allows below CPL 3. */
export function stackDescriptor(machine: MachineParts, core: Core, ss: number, cpl: number, to64: boolean): Descriptor | undefined {
  if (isNull(ss)) {
    if (cpl === 3 || !to64) throw new GuestFault(Vector.GP);
    return undefined;
  }
  const stack = readDescriptor(machine, core, ss);
  if (stack === undefined || (ss & 3) !== cpl || stack.dpl !== cpl || !isWritableData(stack)) {
    throw new GuestFault(Vector.GP, selectorError(ss));
  }
  if (!stack.present) throw new GuestFault(Vector.SS, selectorError(ss));
  return stack;
}

/** Data segment registers whose descriptor the outer level `cpl` may not use (SDM Vol. 2, RETURN-TO-OUTER-PRIVILEGE-LEVEL). */
export function inaccessible(machine: MachineParts, core: Core, cpl: number): readonly number[] {
  return [ES, FS, GS, DS].filter((number) => {
    const selector = core.small(SEGMENTS[number]!.selector);
    if (isNull(selector)) return selector !== 0;
    const descriptor = readDescriptor(machine, core, selector);
    return descriptor === undefined || !isReadable(descriptor) || (!isConforming(descriptor) && descriptor.dpl < cpl);
  });
}

/** Makes a segment register null. FS and GS keep their bases. */
export function clearSegment(core: Core, number: number): void {
  const { selector, base } = SEGMENTS[number]!;
  const kept = number === FS || number === GS ? core.get(base) : 0n;
  core.setSmall(selector, 0);
  if (keepsHidden(core)) setHidden(core, number, { ...UNUSABLE, base: kept });
}

const taskReturn = (core: Core): TextpokeError => unmodelled(core, 'IRET with NT set returns to another task: task switches');
const virtual8086 = (core: Core): TextpokeError => unmodelled(core, 'IRET goes to virtual-8086 mode: that');

function unmodelled(core: Core, what: string): TextpokeError {
  return new TextpokeError('E_GUEST', `${what} ${what.endsWith('s') ? 'are' : 'is'} not modelled`, {
    where: `core ${core.index} at 0x${core.get('rip').toString(16)}`,
    hint: 'use interrupt gates, and real mode for 16-bit code',
  });
}

/** Flags that IRET may change at a privilege level (`popf` of the manual, with RF, VIF and VIP). */
function changeable(cpl: number, iopl: number, size: number): number {
  let mask = TF | DF | NT;
  if (size >= 32) mask |= RF | AC | ID;
  if (cpl <= iopl) mask |= IF;
  if (cpl === 0) mask |= IOPL | (size >= 32 ? VIF | VIP : 0);
  return mask;
}

function commit(machine: MachineParts, core: Core, frame: Frame, size: number): void {
  const old = core.small('flagSystem');
  const cpl = core.small('cpl');
  const mask = changeable(cpl, (old & IOPL) >> 12, size);
  const status = frame.rflags & ARITHMETIC_FLAGS;
  core.rflags = status | (old & ~mask) | (frame.rflags & mask);
  if (!frame.takesStack) moveStackPointer(core, frame.bytes);
  for (const number of frame.cleared) clearSegment(core, number);
  if (frame.enter === undefined) core.setSmall('cs', frame.cs);
  else frame.enter();
  if (frame.takesStack) {
    setSegment(core, SS, frame.ss, frame.stack?.hidden ?? UNUSABLE);
    updateMode(machine, core);
    setStackPointer(core, frame.rsp);
  }
  core.rip = frame.rip;
  core.setSmall('nmiBlocked', 0);
  if (frame.cpl !== cpl || ((old ^ core.small('flagSystem')) & AC) !== 0) {
    core.setSmall('cpl', frame.cpl);
    machine.flushTlb(core);
  }
  machine.serialize(core, 'iret');
  machine.emit({ kind: 'iret', core: core.index, rip: frame.rip, frame: frame.at });
}
