import { CORE, Stop } from '../engine/layout.ts';
import { TextpokeError } from '../error.ts';
import type { StateWord } from '../isa/core-state.ts';
import { AC, ARITHMETIC_FLAGS, DF, ID, IF, IOPL, NT, RF, RSP, TF, Vector, VIF, VIP } from '../isa/core-state.ts';
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
import { isCanonical } from './paging.ts';
import type { MachineParts, SystemOutcome } from './parts.ts';

/**
 * IRET in 64-bit mode (SDM Vol. 2, "IRET/IRETD/IRETQ"): pops RIP, CS, RFLAGS, RSP and SS, always all five, of `size` bits each. It serializes, and
 * it unblocks NMIs also when it faults.
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
  readonly rsp: bigint;
  readonly ss: number;
  /** Address of the popped RIP. */
  readonly at: bigint;
  readonly cpl: number;
  /** Data segment registers that become null because the outer level may not use them. */
  readonly cleared: readonly StateWord[];
}

function readFrame(machine: MachineParts, core: Core, size: 16 | 32 | 64): Frame {
  if ((core.small('flagSystem') & NT) !== 0) throw new GuestFault(Vector.GP);
  const cpl = core.small('cpl');
  const at = core.gpr(RSP);
  const bytes = size / 8;
  const rip = popped(core, at, 0, bytes);
  const cs = Number(popped(core, at, 1, bytes) & 0xffffn);
  const rflags = Number(popped(core, at, 2, bytes) & 0xffffffffn);
  const rsp = popped(core, at, 3, bytes);
  const ss = Number(popped(core, at, 4, bytes) & 0xffffn);

  const code = codeDescriptor(machine, core, cs, cpl);
  if (!code.long) throw compatibilityMode(core, cs);
  if (!isCanonical(rip)) throw new GuestFault(Vector.GP);
  const newCpl = cs & 3;
  const stack = stackDescriptor(machine, core, ss, newCpl);
  const cleared = newCpl > cpl ? inaccessible(machine, core, newCpl) : [];
  setTypeBits(machine, core, code, 1);
  if (stack !== undefined) setTypeBits(machine, core, stack, 1);
  return { rip, cs, rflags, rsp, ss, at, cpl: newCpl, cleared };
}

const QUADWORDS = [0n, 8n, 16n, 24n, 32n];

/** Element `n` of the frame at `at`. */
function popped(core: Core, at: bigint, n: number, bytes: number): bigint {
  return core.load(BigInt.asUintN(64, bytes === 8 ? at + QUADWORDS[n]! : at + BigInt(n * bytes)), bytes, 'stack');
}

/** Checks the code segment that a return goes to: same or outer privilege level. */
export function codeDescriptor(machine: MachineParts, core: Core, cs: number, cpl: number): Descriptor {
  if (isNull(cs)) throw new GuestFault(Vector.GP);
  const code = readDescriptor(machine, core, cs);
  const rpl = cs & 3;
  if (code === undefined || !isCode(code) || rpl < cpl) throw new GuestFault(Vector.GP, selectorError(cs));
  const wrong = isConforming(code) ? code.dpl > rpl : code.dpl !== rpl;
  if (wrong || (code.long && code.big)) throw new GuestFault(Vector.GP, selectorError(cs));
  if (!code.present) throw new GuestFault(Vector.NP, selectorError(cs));
  return code;
}

/** Checks the stack segment that a return goes to; undefined for a null selector, which 64-bit mode allows below CPL 3. */
export function stackDescriptor(machine: MachineParts, core: Core, ss: number, cpl: number): Descriptor | undefined {
  if (isNull(ss)) {
    if (cpl === 3) throw new GuestFault(Vector.GP);
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
export function inaccessible(machine: MachineParts, core: Core, cpl: number): readonly StateWord[] {
  return (['es', 'fs', 'gs', 'ds'] as const).filter((register) => {
    const selector = core.small(register);
    if (isNull(selector)) return selector !== 0;
    const descriptor = readDescriptor(machine, core, selector);
    return descriptor === undefined || !isReadable(descriptor) || (!isConforming(descriptor) && descriptor.dpl < cpl);
  });
}

export function compatibilityMode(core: Core, cs: number): TextpokeError {
  return new TextpokeError('E_GUEST', `code segment 0x${cs.toString(16)} is 32-bit: compatibility mode is not modelled`, {
    where: `core ${core.index} at 0x${core.get('rip').toString(16)}`,
    hint: 'use a code segment with the L bit set',
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
  core.rip = frame.rip;
  core.setSmall('cs', frame.cs);
  core.setSmall('ss', frame.ss);
  core.setGpr(RSP, frame.rsp);
  for (const register of frame.cleared) core.setSmall(register, 0);
  core.setSmall('nmiBlocked', 0);
  if (frame.cpl !== cpl || ((old ^ core.small('flagSystem')) & AC) !== 0) {
    core.setSmall('cpl', frame.cpl);
    machine.flushTlb(core);
  }
  machine.serialize(core, 'iret');
  machine.emit({ kind: 'iret', core: core.index, rip: frame.rip, frame: frame.at });
}
