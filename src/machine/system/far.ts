import { TextpokeError } from '../../error.ts';
import { RSP, Vector } from '../../isa/core-state.ts';
import type { Instruction } from '../../isa/instruction.ts';
import { CS, SS } from '../../isa/segments.ts';
import { checkOffset, codeEntry, is64Bit } from '../code-segment.ts';
import { type Core, GuestFault } from '../core.ts';
import { type Descriptor, isCode, isConforming, isNull, readDescriptor, selectorError, setTypeBits } from '../descriptors.ts';
import { clearSegment, codeDescriptor, inaccessible, stackDescriptor } from '../exceptions-iret.ts';
import type { MachineParts, SystemHelper } from '../parts.ts';
import {
  isProtected,
  moveStackPointer,
  onStack,
  setRealSegment,
  setSegment,
  setStackPointer,
  UNUSABLE,
  updateMode,
} from '../segmentation.ts';
import { accessKind, addressOf, readOperand } from './operands.ts';

/** Far transfers and far returns (SDM Vol. 2: CALL, JMP, RET). The size is that of the offset: 16, 32 or 64 bits. */

interface FarPointer {
  readonly offset: bigint;
  readonly selector: number;
}

/** From memory, or of the instruction itself. */
function farPointer(core: Core, instruction: Instruction, fields: Parameters<SystemHelper>[3]): FarPointer {
  if (instruction.operands[0]!.kind === 'immediate') {
    return {
      offset: BigInt.asUintN(instruction.size, fields.immediate & 0xffffffffn),
      selector: Number((fields.immediate >> 32n) & 0xffffn),
    };
  }
  const bytes = instruction.size / 8;
  const offset = core.load(addressOf(core, instruction, fields, bytes, 'read'), bytes, accessKind(fields));
  const selector = Number(core.load(addressOf(core, instruction, fields, 2, 'read', bytes), 2, accessKind(fields)));
  return { offset, selector };
}

interface Target extends FarPointer {
  readonly code: Descriptor;
}

/** Checks a far pointer of protected mode: a code segment of the same privilege. */
function checkTarget(machine: MachineParts, core: Core, { offset, selector }: FarPointer): Target {
  if (isNull(selector)) throw new GuestFault(Vector.GP);
  const bad = new GuestFault(Vector.GP, selectorError(selector));
  const code = readDescriptor(machine, core, selector);
  if (code === undefined) throw bad;
  if (!isCode(code)) throw code.system ? unmodelled(core, selector) : bad;
  const cpl = core.small('cpl');
  const allowed = isConforming(code) ? code.dpl <= cpl : (selector & 3) <= cpl && code.dpl === cpl;
  if (!allowed || (is64Bit(core, code) && code.big)) throw bad;
  if (!code.present) throw new GuestFault(Vector.NP, selectorError(selector));
  return { offset, selector: (selector & ~3) | cpl, code };
}

function unmodelled(core: Core, selector: number): TextpokeError {
  return new TextpokeError(
    'E_GUEST',
    `far transfer through selector 0x${selector.toString(16)}: call gates and task switches are not modelled`,
    {
      where: `core ${core.index} at 0x${core.get('rip').toString(16)}`,
      hint: 'enter the kernel by an interrupt gate or SYSCALL',
    },
  );
}

/** CS and IP of real mode. #GP(0) where IP is beyond the limit that CS has kept. */
function enterReal(machine: MachineParts, core: Core, { offset, selector }: FarPointer): void {
  setRealSegment(core, CS, selector);
  core.rip = offset;
  updateMode(machine, core);
}

function checkRealOffset(core: Core, offset: bigint): void {
  if (offset > core.get('csHigh')) throw new GuestFault(Vector.GP);
}

/** A checked target: whether its offset can be one is asked apart, since CALL pushes first. */
interface FarEntry {
  /** It is 64-bit code. */
  readonly to64: boolean;
  checkOffset(): void;
  enter(): void;
}

function farEntry(machine: MachineParts, core: Core, pointer: FarPointer): FarEntry {
  if (!isProtected(core)) {
    return { to64: false, checkOffset: () => checkRealOffset(core, pointer.offset), enter: () => enterReal(machine, core, pointer) };
  }
  const { code, selector, offset } = checkTarget(machine, core, pointer);
  const to64 = is64Bit(core, code);
  const enter = codeEntry(machine, core, selector, code.hidden, to64);
  return {
    to64,
    checkOffset: () => {
      checkOffset(core, code, offset);
      setTypeBits(machine, core, code, 1);
    },
    enter: () => {
      enter();
      core.rip = offset;
    },
  };
}

export const jmpFar: SystemHelper = (machine, core, instruction, fields) => {
  const target = farEntry(machine, core, farPointer(core, instruction, fields));
  target.checkOffset();
  target.enter();
  return 'jumped';
};

/** Outside 64-bit mode what it pushes is in memory when the offset is beyond the limit, and on the way to 64-bit code the stack is already where RSP says: as recorded. */
export const callFar: SystemHelper = (machine, core, instruction, fields, next) => {
  const target = farEntry(machine, core, farPointer(core, instruction, fields));
  if (core.mode === 0) target.checkOffset();
  const bytes = instruction.size / 8;
  const place = (at: number): bigint => (target.to64 ? BigInt.asUintN(64, core.gpr(RSP) + BigInt(at)) : onStack(core, at, bytes, 'write'));
  core.store(place(-bytes), bytes, core.get('cs'), 'stack');
  core.store(place(-2 * bytes), bytes, BigInt.asUintN(instruction.size, next), 'stack');
  if (core.mode !== 0) target.checkOffset();
  if (target.to64) core.setGpr(RSP, place(-2 * bytes));
  else moveStackPointer(core, -2 * bytes);
  target.enter();
  return 'jumped';
};

export const retFar: SystemHelper = (machine, core, instruction, fields) => {
  const bytes = instruction.size / 8;
  const released = instruction.operands.length === 0 ? 0 : Number(readOperand(core, instruction, fields, 0, 16));
  const pop = (at: number): bigint => core.load(onStack(core, at, bytes, 'read'), bytes, 'stack');
  // CS is read first: as recorded.
  const cs = Number(pop(bytes) & 0xffffn);
  const rip = pop(0);
  if (!isProtected(core)) {
    checkRealOffset(core, rip);
    moveStackPointer(core, 2 * bytes + released);
    enterReal(machine, core, { offset: rip, selector: cs });
    return 'jumpedAndLook';
  }
  const cpl = core.small('cpl');
  const code = codeDescriptor(machine, core, cs, cpl);
  const newCpl = cs & 3;
  const enter = codeEntry(machine, core, cs, code.hidden, is64Bit(core, code));
  if (newCpl === cpl) {
    checkOffset(core, code, rip);
    setTypeBits(machine, core, code, 1);
    moveStackPointer(core, 2 * bytes + released);
    enter();
  } else {
    const rsp = pop(2 * bytes + released);
    const ss = Number(pop(3 * bytes + released) & 0xffffn);
    const stack = stackDescriptor(machine, core, ss, newCpl, is64Bit(core, code));
    checkOffset(core, code, rip);
    const cleared = inaccessible(machine, core, newCpl);
    setTypeBits(machine, core, code, 1);
    if (stack !== undefined) setTypeBits(machine, core, stack, 1);
    for (const number of cleared) clearSegment(core, number);
    core.setSmall('cpl', newCpl);
    enter();
    setSegment(core, SS, ss, stack === undefined ? UNUSABLE : stack.hidden);
    updateMode(machine, core);
    setStackPointer(core, rsp + BigInt(released));
    machine.flushTlb(core);
  }
  core.rip = rip;
  return 'jumpedAndLook';
};
