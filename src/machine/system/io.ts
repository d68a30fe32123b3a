import { CORE } from '../../engine/layout.ts';
import { DF, RCX, RDI, RDX, RSI, Vector } from '../../isa/core-state.ts';
import type { Instruction } from '../../isa/instruction.ts';
import { type Core, GuestFault } from '../core.ts';
import { isNull } from '../descriptors.ts';
import { readPort, writePort } from '../devices/ports.ts';
import { asSupervisor } from '../paging.ts';
import type { MachineParts, SystemHelper, SystemOutcome } from '../parts.ts';
import { ioplOf } from './checks.ts';
import { destinationOf, readOperand, sourceOf, writeOperand } from './operands.ts';

/** Ports (SDM Vol. 2: IN, OUT, INS, OUTS). The store buffer drains before an I/O instruction (SDM Vol. 3, "Store Buffer"). */

/** #GP(0) unless CPL <= IOPL or the I/O permission bitmap of the TSS allows the ports (SDM Vol. 1, "I/O Permission Bit Map"). */
function checkPort(machine: MachineParts, core: Core, port: number, bytes: number): void {
  if (core.small('cpl') <= ioplOf(core)) return;
  const refused = new GuestFault(Vector.GP);
  const limit = core.small('trLimit') >>> 0;
  const base = core.get('trBase');
  if (isNull(core.small('tr')) || limit < 0x67) throw refused;
  const map = Number(asSupervisor(machine, core, () => core.load(base + 0x66n, 2)));
  const at = map + (port >>> 3);
  // Two bytes are read, whatever the port: the map ends with a byte of ones.
  if (at + 1 > limit) throw refused;
  const bits = Number(asSupervisor(machine, core, () => core.load(base + BigInt(at), 2)));
  if (((bits >>> (port & 7)) & ((1 << bytes) - 1)) !== 0) throw refused;
}

export const input: SystemHelper = (machine, core, instruction, fields) => {
  const bytes = instruction.operands[0]!.size / 8;
  const port = Number(readOperand(core, instruction, fields, 1, instruction.operands[1]!.kind === 'immediate' ? 8 : 16));
  checkPort(machine, core, port, bytes);
  if (core.raw(CORE.storeBufferCount) !== 0) return 'drain';
  writeOperand(core, instruction, fields, 0, readPort(machine, core, port, bytes));
  return 'next';
};

export const output: SystemHelper = (machine, core, instruction, fields) => {
  const bytes = instruction.operands[1]!.size / 8;
  const port = Number(readOperand(core, instruction, fields, 0, instruction.operands[0]!.kind === 'immediate' ? 8 : 16));
  checkPort(machine, core, port, bytes);
  if (core.raw(CORE.storeBufferCount) !== 0) return 'drain';
  writePort(machine, core, port, bytes, readOperand(core, instruction, fields, 1));
  return 'nextAndLook';
};

/** CX, SI and DI keep what is above them. */
function setCounter(core: Core, n: number, addressSize: number, value: bigint): void {
  const low = BigInt.asUintN(addressSize, value);
  core.setGpr(n, addressSize === 16 ? (core.gpr(n) & ~0xffffn) | low : low);
}

/** One iteration of a string instruction: index register on, RCX down, and again while more are due. */
function iterate(core: Core, instruction: Instruction, index: number, next: bigint): SystemOutcome {
  const { addressSize } = instruction;
  const step = BigInt(instruction.size / 8);
  const moved = (core.small('flagSystem') & DF) === 0 ? core.gpr(index) + step : core.gpr(index) - step;
  setCounter(core, index, addressSize, moved);
  let again = false;
  if (instruction.repeat !== 'none') {
    const left = BigInt.asUintN(addressSize, core.gpr(RCX) - 1n);
    setCounter(core, RCX, addressSize, left);
    again = left !== 0n;
  }
  if (!again) core.rip = next;
  return 'jumpedAndLook';
}

const isDone = (core: Core, instruction: Instruction): boolean =>
  instruction.repeat !== 'none' && BigInt.asUintN(instruction.addressSize, core.gpr(RCX)) === 0n;

export const inputString: SystemHelper = (machine, core, instruction, _fields, next) => {
  const bytes = instruction.size / 8;
  const port = Number(core.gpr(RDX) & 0xffffn);
  // The permission is checked whatever RCX says, as silicon does.
  checkPort(machine, core, port, bytes);
  if (isDone(core, instruction)) return 'next';
  if (core.raw(CORE.storeBufferCount) !== 0) return 'drain';
  core.store(destinationOf(core, instruction), bytes, readPort(machine, core, port, bytes));
  return iterate(core, instruction, RDI, next);
};

export const outputString: SystemHelper = (machine, core, instruction, fields, next) => {
  const bytes = instruction.size / 8;
  const port = Number(core.gpr(RDX) & 0xffffn);
  // The permission is checked whatever RCX says, as silicon does.
  checkPort(machine, core, port, bytes);
  if (isDone(core, instruction)) return 'next';
  if (core.raw(CORE.storeBufferCount) !== 0) return 'drain';
  const at = sourceOf(core, instruction, fields);
  writePort(machine, core, port, bytes, core.load(at, bytes));
  return iterate(core, instruction, RSI, next);
};
