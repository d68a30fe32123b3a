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
  type HiddenSegment,
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
  readonly rflags: number;
  /** Absent where the stack stays. */
  readonly stack?: { readonly rsp: bigint; readonly ss: number; readonly hidden: HiddenSegment };
  /** Address of the popped RIP, and what the frame takes on the stack that it is popped from. */
  readonly at: bigint;
  readonly bytes: number;
  readonly cpl: number;
  /** Numbers of data segment registers that become null because the outer level may not use them. */
  readonly cleared: readonly number[];
  /** Loads CS. */
  enter(): void;
}

function readFrame(machine: MachineParts, core: Core, size: 16 | 32 | 64): Frame {
  const isTask = isProtected(core) && (core.small('flagSystem') & NT) !== 0;
  if (isTask && !isLong(core)) throw taskReturn(core);
  if (isTask) throw new GuestFault(Vector.GP);
  const cpl = core.small('cpl');
  const bytes = size / 8;
  const at = onStack(core, 0, bytes, 'read');
  const popped = (n: number): bigint => core.load(n === 0 ? at : onStack(core, n * bytes, bytes, 'read'), bytes, 'stack');
  const rip = popped(0);
  const cs = Number(popped(1) & 0xffffn);
  const rflags = Number(popped(2) & 0xffffffffn);
  const same = { rip, rflags, at, bytes: 3 * bytes, cpl, cleared: [] };
  if (!isProtected(core)) {
    if (rip > core.get('csHigh')) throw new GuestFault(Vector.GP);
    return { ...same, enter: () => setRealSegment(core, CS, cs) };
  }
  if (!isLong(core) && (rflags & VM) !== 0 && cpl === 0) throw virtual8086(core);

  const newCpl = cs & 3;
  const takesStack = core.mode === 0 || newCpl > cpl;
  const [rsp, ss] = takesStack ? [popped(3), Number(popped(4) & 0xffffn)] : [0n, 0];
  const code = codeDescriptor(machine, core, cs, cpl);
  checkOffset(core, code, rip);
  const stack = takesStack ? stackDescriptor(machine, core, ss, newCpl, is64Bit(core, code)) : undefined;
  const cleared = newCpl > cpl ? inaccessible(machine, core, newCpl) : [];
  const enter = codeEntry(machine, core, cs, code.hidden, is64Bit(core, code));
  setTypeBits(machine, core, code, 1);
  if (stack !== undefined) setTypeBits(machine, core, stack, 1);
  const frame = { ...same, bytes: (takesStack ? 5 : 3) * bytes, cpl: newCpl, cleared, enter };
  return takesStack ? { ...frame, stack: { rsp, ss, hidden: stack === undefined ? UNUSABLE : stack.hidden } } : frame;
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
  if (frame.stack === undefined) moveStackPointer(core, frame.bytes);
  for (const number of frame.cleared) clearSegment(core, number);
  frame.enter();
  if (frame.stack !== undefined) {
    setSegment(core, SS, frame.stack.ss, frame.stack.hidden);
    updateMode(machine, core);
    setStackPointer(core, frame.stack.rsp);
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
