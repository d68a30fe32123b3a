import { TextpokeError } from '../../error.ts';
import { RSP, Vector } from '../../isa/core-state.ts';
import type { Instruction } from '../../isa/instruction.ts';
import { type Core, GuestFault } from '../core.ts';
import { type Descriptor, isCode, isConforming, isNull, readDescriptor, selectorError, setTypeBits } from '../descriptors.ts';
import { codeDescriptor, compatibilityMode, inaccessible, stackDescriptor } from '../exceptions-iret.ts';
import { isCanonical } from '../paging.ts';
import type { MachineParts, SystemHelper } from '../parts.ts';
import { accessKind, addressOf, readOperand } from './operands.ts';

/** Far transfers through memory pointers and far returns (SDM Vol. 2: CALL, JMP, RET). The size is that of the offset: 16, 32 or 64 bits. */

interface Target {
  readonly offset: bigint;
  readonly selector: number;
  readonly code: Descriptor;
}

function farPointer(machine: MachineParts, core: Core, instruction: Instruction, fields: Parameters<SystemHelper>[3]): Target {
  const bytes = instruction.size / 8;
  const at = addressOf(core, instruction, fields);
  const offset = core.load(at, bytes, accessKind(fields));
  const selector = Number(core.load(BigInt.asUintN(64, at + BigInt(bytes)), 2, accessKind(fields)));
  if (isNull(selector)) throw new GuestFault(Vector.GP);
  const bad = new GuestFault(Vector.GP, selectorError(selector));
  const code = readDescriptor(machine, core, selector);
  if (code === undefined) throw bad;
  if (!isCode(code)) throw code.system ? callGate(core, selector) : bad;
  const cpl = core.small('cpl');
  const allowed = isConforming(code) ? code.dpl <= cpl : (selector & 3) <= cpl && code.dpl === cpl;
  if (!allowed || (code.long && code.big)) throw bad;
  if (!code.present) throw new GuestFault(Vector.NP, selectorError(selector));
  if (!code.long) throw compatibilityMode(core, selector);
  if (!isCanonical(offset)) throw new GuestFault(Vector.GP);
  return { offset, selector: (selector & ~3) | cpl, code };
}

function callGate(core: Core, selector: number): TextpokeError {
  return new TextpokeError('E_GUEST', `far transfer through selector 0x${selector.toString(16)}: call gates are not modelled`, {
    where: `core ${core.index} at 0x${core.get('rip').toString(16)}`,
    hint: 'enter the kernel by SYSCALL or an interrupt gate',
  });
}

export const jmpFar: SystemHelper = (machine, core, instruction, fields) => {
  const target = farPointer(machine, core, instruction, fields);
  setTypeBits(machine, core, target.code, 1);
  core.setSmall('cs', target.selector);
  core.rip = target.offset;
  return 'jumped';
};

export const callFar: SystemHelper = (machine, core, instruction, fields, next) => {
  const target = farPointer(machine, core, instruction, fields);
  setTypeBits(machine, core, target.code, 1);
  const bytes = instruction.size / 8;
  const top = core.gpr(RSP);
  const slot = (n: number): bigint => BigInt.asUintN(64, top - BigInt(n * bytes));
  core.store(slot(1), bytes, core.get('cs'), 'stack');
  core.store(slot(2), bytes, BigInt.asUintN(instruction.size, next), 'stack');
  core.setGpr(RSP, slot(2));
  core.setSmall('cs', target.selector);
  core.rip = target.offset;
  return 'jumped';
};

export const retFar: SystemHelper = (machine, core, instruction, fields) => {
  const bytes = instruction.size / 8;
  const top = core.gpr(RSP);
  const released = instruction.operands.length === 0 ? 0n : readOperand(core, instruction, fields, 0, 16);
  const above = top + BigInt(2 * bytes) + released;
  const pop = (address: bigint): bigint => core.load(BigInt.asUintN(64, address), bytes, 'stack');
  const rip = pop(top);
  const cs = Number(pop(top + BigInt(bytes)) & 0xffffn);
  const cpl = core.small('cpl');
  const code = codeDescriptor(machine, core, cs, cpl);
  if (!code.long) throw compatibilityMode(core, cs);
  const newCpl = cs & 3;
  if (newCpl === cpl) {
    if (!isCanonical(rip)) throw new GuestFault(Vector.GP);
    setTypeBits(machine, core, code, 1);
    core.setGpr(RSP, above);
  } else {
    const rsp = pop(above);
    const ss = Number(pop(above + BigInt(bytes)) & 0xffffn);
    const stack = stackDescriptor(machine, core, ss, newCpl);
    if (!isCanonical(rip)) throw new GuestFault(Vector.GP);
    const cleared = inaccessible(machine, core, newCpl);
    setTypeBits(machine, core, code, 1);
    if (stack !== undefined) setTypeBits(machine, core, stack, 1);
    for (const register of cleared) core.setSmall(register, 0);
    core.setSmall('ss', ss);
    core.setSmall('cpl', newCpl);
    core.setGpr(RSP, rsp + released);
    machine.flushTlb(core);
  }
  core.setSmall('cs', cs);
  core.rip = rip;
  return 'jumpedAndLook';
};
