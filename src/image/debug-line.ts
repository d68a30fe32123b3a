import { TextpokeError } from '../error.ts';
import { ByteReader } from './byte-reader.ts';
import { readFileTables } from './debug-line-files.ts';
import type { ElfSection } from './elf.ts';
import { type LineRange, LineTable } from './lines.ts';

/**
 * The line number program of DWARF, versions 2 to 5 (DWARF 5 section 6.2). Units of a version that is not known are passed over.
 * 32-bit and 64-bit DWARF. Damage is `E_ELF` with the offset in the section.
 */
export function readDebugLines(sections: readonly ElfSection[], where = 'ELF'): LineTable {
  const find = (name: string): Uint8Array => {
    const section = sections.find((s) => s.name === name);
    if (!section) return new Uint8Array(0);
    if ((section.flags & SHF_COMPRESSED) !== 0n) {
      throw new TextpokeError('E_ELF', 'the section is compressed', {
        where: `${where}: ${name}`,
        hint: 'objcopy --decompress-debug-sections FILE',
      });
    }
    return section.bytes;
  };
  const reader = new ByteReader(find('.debug_line'), `${where}: .debug_line`);
  if (reader.bytes.length === 0) return LineTable.empty;
  const strings = {
    line: new ByteReader(find('.debug_line_str'), `${where}: .debug_line_str`),
    plain: new ByteReader(find('.debug_str'), `${where}: .debug_str`),
  };
  const ranges: LineRange[] = [];
  while (reader.position < reader.bytes.length) readUnit(reader, strings, ranges);
  return new LineTable(ranges);
}

const SHF_COMPRESSED = 0x800n;
const DAMAGED = 'the debug information is damaged: build the file again, or strip it with strip -g';

/** The string sections that a line table may point into. */
export interface LineStrings {
  readonly line: ByteReader;
  readonly plain: ByteReader;
}

function readUnit(reader: ByteReader, strings: LineStrings, ranges: LineRange[]): void {
  reader.end = reader.bytes.length;
  const short = reader.u32('the unit length');
  const wide = short === 0xffffffff;
  const length = wide ? reader.size64('the unit length') : short;
  const unitEnd = reader.position + length;
  if (unitEnd > reader.bytes.length) throw reader.error(`a unit of 0x${length.toString(16)} bytes is longer than the section`, DAMAGED);
  reader.end = unitEnd;
  const version = length >= 2 ? reader.u16('the version') : 0;
  if (version >= 2 && version <= 5) {
    if (version === 5) {
      const addressSize = reader.u8('the address size');
      const segmentSize = reader.u8('the segment selector size');
      if ((addressSize !== 8 && addressSize !== 4) || segmentSize !== 0)
        throw reader.error(`addresses of ${addressSize}+${segmentSize} bytes are not those of x86`, DAMAGED);
    }
    const headerLength = wide ? reader.size64('the header length') : reader.u32('the header length');
    const program = reader.position + headerLength;
    if (program > unitEnd) throw reader.error('the header is longer than its unit', DAMAGED);
    const machine = readParameters(reader, version);
    const files = readFileTables(reader, version, wide, strings);
    reader.position = program;
    runProgram(reader, machine, files, version >= 5 ? 0 : 1, ranges);
  }
  reader.position = unitEnd;
}

interface Parameters {
  readonly minimumLength: bigint;
  readonly maximumOperations: bigint;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Number of LEB128 operands of each standard opcode, from opcode 1. */
  readonly operandCounts: readonly number[];
}

function readParameters(reader: ByteReader, version: number): Parameters {
  const minimumLength = BigInt(reader.u8('minimum_instruction_length'));
  const maximumOperations = version >= 4 ? BigInt(reader.u8('maximum_operations_per_instruction')) : 1n;
  reader.u8('default_is_stmt');
  const lineBase = reader.i8('line_base');
  const lineRange = reader.u8('line_range');
  const opcodeBase = reader.u8('opcode_base');
  if (lineRange === 0) throw reader.error('line_range is zero', DAMAGED);
  if (opcodeBase === 0) throw reader.error('opcode_base is zero', DAMAGED);
  if (maximumOperations !== 1n) throw reader.error('more than one operation an instruction (VLIW) is not x86-64', DAMAGED);
  const operandCounts = Array.from({ length: opcodeBase - 1 }, () => reader.u8('standard_opcode_lengths'));
  return { minimumLength, maximumOperations, lineBase, lineRange, opcodeBase, operandCounts };
}

/** Registers of the state machine that matter here (section 6.2.2). */
interface Row {
  address: bigint;
  file: number;
  line: number;
  column: number;
}

function runProgram(reader: ByteReader, p: Parameters, files: readonly string[], firstFile: number, ranges: LineRange[]): void {
  const start = (): Row => ({ address: 0n, file: 1, line: 1, column: 0 });
  let row = start();
  let previous: Row | undefined;
  const emit = (last: boolean): void => {
    if (previous && row.address > previous.address && previous.line > 0) {
      ranges.push({
        start: previous.address,
        end: row.address,
        file: files[previous.file - firstFile] ?? '??',
        line: previous.line,
        column: previous.column,
      });
    }
    previous = last ? undefined : { ...row };
  };
  const advance = (count: bigint): void => {
    row.address = BigInt.asUintN(64, row.address + count * p.minimumLength);
  };
  const toLine = (line: number): void => {
    if (!Number.isSafeInteger(line)) throw reader.error('a line number is out of range', DAMAGED);
    row.line = line;
  };
  const special = (opcode: number): bigint => BigInt(Math.floor((opcode - p.opcodeBase) / p.lineRange));
  while (reader.position < reader.end) {
    const opcode = reader.u8('an opcode');
    if (opcode >= p.opcodeBase) {
      advance(special(opcode));
      toLine(row.line + p.lineBase + ((opcode - p.opcodeBase) % p.lineRange));
      emit(false);
      continue;
    }
    switch (opcode) {
      case 0: {
        const size = Number(reader.uleb('the length of an extended opcode'));
        const next = reader.position + size;
        if (size < 1 || next > reader.end) throw reader.error('an extended opcode is longer than its unit', DAMAGED);
        const extended = reader.u8('an extended opcode');
        if (extended === 1) {
          emit(true);
          row = start();
        } else if (extended === 2) {
          row.address = size === 5 ? BigInt(reader.u32('DW_LNE_set_address')) : reader.u64('DW_LNE_set_address');
        }
        reader.position = next;
        break;
      }
      case 1:
        emit(false);
        break;
      case 2:
        advance(reader.uleb('DW_LNS_advance_pc'));
        break;
      case 3:
        toLine(row.line + Number(reader.sleb('DW_LNS_advance_line')));
        break;
      case 4:
        row.file = Number(reader.uleb('DW_LNS_set_file'));
        break;
      case 5:
        row.column = Number(reader.uleb('DW_LNS_set_column'));
        break;
      case 8:
        advance(special(255));
        break;
      case 9:
        row.address = BigInt.asUintN(64, row.address + BigInt(reader.u16('DW_LNS_fixed_advance_pc')));
        break;
      // Statement and block marks, prologue end, ISA, and opcodes of later versions: their operands are passed over.
      default:
        for (let i = 0; i < (p.operandCounts[opcode - 1] ?? 0); i++) reader.uleb('an operand of a standard opcode');
    }
  }
}
