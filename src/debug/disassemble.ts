import { Code, Decoder, DecoderError, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86';
import type { CodeSize } from '../isa/mode.ts';

export type AssemblySyntax = 'att' | 'intel' | 'nasm' | 'masm';

/** One line of a disassembly. */
export interface Disassembled {
  /** Linear address of the first byte. */
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** False for bytes that are no instruction. */
  readonly valid: boolean;
}

const SYNTAXES = {
  att: FormatterSyntax.Gas,
  intel: FormatterSyntax.Intel,
  nasm: FormatterSyntax.Nasm,
  masm: FormatterSyntax.Masm,
} as const;

function formatterOf(syntax: AssemblySyntax): Formatter {
  const formatter = new Formatter(SYNTAXES[syntax]);
  formatter.hexPrefix = '0x';
  formatter.hexSuffix = '';
  formatter.uppercaseHex = false;
  formatter.addLeadingZeroToHexNumbers = false;
  formatter.smallHexNumbersInDecimal = false;
  formatter.branchLeadingZeros = false;
  formatter.ripRelativeAddresses = true;
  if (syntax !== 'att') formatter.spaceAfterOperandSeparator = true;
  return formatter;
}

/**
 * Code, 64-bit unless another size is given, as text, an instruction a line. A byte that starts no valid instruction is `(bad)`, as objdump has it, and decoding goes on behind it.
 * `segment` is the base of CS, which the targets of branches are offsets in.
 */
export function disassemble(
  bytes: Uint8Array,
  address: bigint,
  syntax: AssemblySyntax = 'att',
  codeSize: CodeSize = 64,
  segment = 0n,
): Disassembled[] {
  const formatter = formatterOf(syntax);
  const decoder = new Decoder(codeSize, bytes, DecoderOptions.None);
  const lines: Disassembled[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    decoder.position = offset;
    decoder.ip = BigInt.asUintN(64, address - segment + BigInt(offset));
    const instruction = decoder.decode();
    const valid = instruction.code !== Code.INVALID;
    const truncated = !valid && decoder.lastError === DecoderError.NoMoreBytes;
    const length = valid ? instruction.length : truncated ? bytes.length - offset : 1;
    const text = valid ? formatter.format(instruction) : truncated ? '(ends inside an instruction)' : '(bad)';
    lines.push({ address: BigInt.asUintN(64, address + BigInt(offset)), bytes: bytes.subarray(offset, offset + length), text, valid });
    instruction.free();
    offset += length;
  }
  decoder.free();
  formatter.free();
  return lines;
}
