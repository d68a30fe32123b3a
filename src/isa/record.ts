/**
 * The decoded instruction as engines see it: 32 bytes in linear memory.
 *
 * | offset | bytes | field |
 * |---|---|---|
 * | 0 | u32 | tag: physical address of the first byte with the mode (`inMode` of `engine/layout.ts`), or `NO_TAG` |
 * | 4 | u16 | handler: number of the generated handler of this form |
 * | 6 | u8 | length in bytes |
 * | 7 | u8 | scale of the index as a shift count, 0 to 3 |
 * | 8 | u16 | register slot 0: byte offset in the core's block (AH is that of RAX plus 1) |
 * | 10 | u16 | register slot 1 |
 * | 12 | u16 | base register's offset, `zero` when there is none, `rip` when RIP-relative |
 * | 14 | u16 | index register's offset, `zero` when there is none |
 * | 16 | i32 | displacement (RIP-relative: the length is added in) |
 * | 20 | u16 | segment base's offset: `zero`, `fsBase` or `gsBase` |
 * | 22 | u16 | register slot 2 |
 * | 24 | i64 | immediate; relative displacement of a branch; 64-bit address of a `moffs` operand |
 *
 * Bit 7 of the scale byte says that a non-canonical memory operand raises #SS instead of #GP.
 */
export const RECORD_BYTES = 32;
export const NO_TAG = 0xffffffff;

export const RECORD = {
  tag: 0,
  handler: 4,
  length: 6,
  scale: 7,
  reg0: 8,
  reg1: 10,
  base: 12,
  index: 14,
  displacement: 16,
  segment: 20,
  reg2: 22,
  immediate: 24,
} as const;

const SCALE_STACK_SEGMENT = 0x80;

/** A decoded instruction before it is written to linear memory. */
export interface RecordFields {
  readonly length: number;
  readonly scale: number;
  readonly stackSegment: boolean;
  readonly registers: readonly [number, number, number];
  readonly base: number;
  readonly index: number;
  readonly displacement: number;
  readonly segment: number;
  readonly immediate: bigint;
}

/** Writes `fields` at byte `at` of `view`. */
export function writeRecord(view: DataView, at: number, tag: number, handler: number, fields: RecordFields): void {
  view.setUint32(at, tag, true);
  view.setUint16(at + RECORD.handler, handler, true);
  view.setUint8(at + RECORD.length, fields.length);
  view.setUint8(at + RECORD.scale, fields.scale | (fields.stackSegment ? SCALE_STACK_SEGMENT : 0));
  view.setUint16(at + RECORD.reg0, fields.registers[0], true);
  view.setUint16(at + RECORD.reg1, fields.registers[1], true);
  view.setUint16(at + RECORD.base, fields.base, true);
  view.setUint16(at + RECORD.index, fields.index, true);
  view.setInt32(at + RECORD.displacement, fields.displacement, true);
  view.setUint16(at + RECORD.segment, fields.segment, true);
  view.setUint16(at + RECORD.reg2, fields.registers[2], true);
  view.setBigInt64(at + RECORD.immediate, BigInt.asIntN(64, fields.immediate), true);
}

/** The fields of the record at byte `at` of `view`. */
export function readRecord(view: DataView, at: number): RecordFields {
  const scale = view.getUint8(at + RECORD.scale);
  return {
    length: view.getUint8(at + RECORD.length),
    scale: scale & 3,
    stackSegment: (scale & SCALE_STACK_SEGMENT) !== 0,
    registers: [view.getUint16(at + RECORD.reg0, true), view.getUint16(at + RECORD.reg1, true), view.getUint16(at + RECORD.reg2, true)],
    base: view.getUint16(at + RECORD.base, true),
    index: view.getUint16(at + RECORD.index, true),
    displacement: view.getInt32(at + RECORD.displacement, true),
    segment: view.getUint16(at + RECORD.segment, true),
    immediate: view.getBigInt64(at + RECORD.immediate, true),
  };
}
