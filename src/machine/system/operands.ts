import { OFFSET, RDI, RSI } from '../../isa/core-state.ts';
import type { Instruction, Operand } from '../../isa/instruction.ts';
import type { RecordFields } from '../../isa/record.ts';
import { ES, SEGMENTS } from '../../isa/segments.ts';
import type { Core } from '../core.ts';
import { linearOf } from '../segmentation.ts';

/** Operands of system instructions: registers by their offset in the core's block, memory through the core's loads and stores. */

/** Bytes 0 to 7 of a general register: offset 1 is AH, CH, DH or BH. */
function readRegister(core: Core, offset: number, size: number): bigint {
  return BigInt.asUintN(size, core.rawLong(offset & ~7) >> BigInt((offset & 7) * 8));
}

/** Writes a general register as every instruction does: 32 bits clear the upper half, 8 and 16 bits keep the rest. */
function writeRegister(core: Core, offset: number, size: number, value: bigint): void {
  const n = offset >> 3;
  const low = BigInt.asUintN(size, value);
  if (size >= 32) {
    core.setGpr(n, low);
    return;
  }
  const shift = BigInt((offset & 7) * 8);
  const mask = ((1n << BigInt(size)) - 1n) << shift;
  core.setGpr(n, (core.gpr(n) & ~mask) | (low << shift));
}

/** Offset of the memory operand in its segment; in 64-bit mode its linear address. */
function offsetOf(core: Core, instruction: Instruction, fields: RecordFields): bigint {
  const base = fields.base === OFFSET.zero ? 0n : core.rawLong(fields.base);
  const index = fields.index === OFFSET.zero ? 0n : core.rawLong(fields.index) << BigInt(fields.scale & 3);
  const offset = BigInt.asUintN(instruction.addressSize, base + index + BigInt(fields.displacement));
  return BigInt.asUintN(64, offset + segmentBaseOf(core, fields));
}

const segmentBaseOf = (core: Core, fields: RecordFields): bigint => (fields.segment === OFFSET.zero ? 0n : core.rawLong(fields.segment));

/** Linear address of `bytes` bytes of the memory operand, `displacement` bytes behind its start. Throws `GuestFault` where its segment does not allow the access. */
export function addressOf(
  core: Core,
  instruction: Instruction,
  fields: RecordFields,
  bytes: number,
  access: 'read' | 'write',
  displacement = 0,
): bigint {
  const offset = offsetOf(core, instruction, fields) + BigInt(displacement);
  return core.mode === 0 ? BigInt.asUintN(64, offset) : linearOf(core, instruction.segment, offset, bytes, access);
}

/** Linear address of the memory operand; nothing is checked. */
export function uncheckedAddressOf(core: Core, instruction: Instruction, fields: RecordFields): bigint {
  const offset = offsetOf(core, instruction, fields);
  if (core.mode === 0) return offset;
  return BigInt.asUintN(32, offset + core.get(SEGMENTS[instruction.segment]!.base));
}

/** Linear address of what a string instruction reads at RSI. Throws `GuestFault`. */
export function sourceOf(core: Core, instruction: Instruction, fields: RecordFields): bigint {
  const offset = BigInt.asUintN(instruction.addressSize, core.gpr(RSI));
  if (core.mode !== 0) return linearOf(core, instruction.segment, offset, instruction.size / 8, 'read');
  return BigInt.asUintN(64, segmentBaseOf(core, fields) + offset);
}

/** Linear address of what a string instruction writes at RDI. Throws `GuestFault`. */
export function destinationOf(core: Core, instruction: Instruction): bigint {
  return linearOf(core, ES, BigInt.asUintN(instruction.addressSize, core.gpr(RDI)), instruction.size / 8, 'write');
}

/** Which fault a non-canonical memory operand raises. */
export const accessKind = (fields: RecordFields): 'stack' | 'data' => (fields.stackSegment ? 'stack' : 'data');

/** Reads operand `n`, or its low `size` bits, zero-extended. */
export function readOperand(core: Core, instruction: Instruction, fields: RecordFields, n: number, size?: number): bigint {
  const operand = instruction.operands[n] as Operand;
  const bits = size ?? operand.size;
  if (operand.kind === 'register') return readRegister(core, fields.registers[operand.slot], bits);
  if (operand.kind === 'immediate') return BigInt.asUintN(bits, fields.immediate);
  return core.load(addressOf(core, instruction, fields, bits / 8, 'read'), bits / 8, accessKind(fields));
}

/** Writes operand `n`; `size` overrides the size of a memory operand. */
export function writeOperand(core: Core, instruction: Instruction, fields: RecordFields, n: number, value: bigint, size?: number): void {
  const operand = instruction.operands[n] as Operand;
  if (operand.kind === 'register') {
    writeRegister(core, fields.registers[operand.slot], operand.size, value);
  } else {
    const bits = size ?? operand.size;
    core.store(addressOf(core, instruction, fields, bits / 8, 'write'), bits / 8, BigInt.asUintN(bits, value), accessKind(fields));
  }
}
