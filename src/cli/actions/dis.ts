import { Exit, TextpokeError } from '../../error.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent, hexOf } from '../json.ts';

export interface DisOptions extends SharedFlags {
  /** Hex digits; blanks, commas and 0x between bytes are ignored. */
  readonly hex: string;
  /** Of the first byte. */
  readonly address: bigint;
  readonly syntax: 'att' | 'intel' | 'nasm' | 'masm';
  readonly bits: 16 | 32 | 64;
}

/** The bytes that hex digits stand for. Throws E_USAGE with the first character that is none. */
function parseHex(text: string): Uint8Array {
  const digits = text.replace(/0x|\\x|[\s,;_]/gi, '');
  const wrong = /[^0-9a-f]/i.exec(digits);
  const hint = 'for example: textpoke dis 0f 1f 44 00 00';
  if (wrong !== null) throw new TextpokeError('E_USAGE', `'${wrong[0]}' is not a hex digit`, { where: text.trim().slice(0, 60), hint });
  if (digits.length === 0) throw new TextpokeError('E_USAGE', 'no bytes to disassemble', { hint });
  if (digits.length % 2 === 1) {
    throw new TextpokeError('E_USAGE', `${digits.length} hex digits are not a whole number of bytes`, {
      where: text.trim().slice(0, 60),
      hint,
    });
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/**
 * Prints one line for each instruction: address, bytes, text. A byte that starts no valid instruction is `(bad)`, as
 * objdump has it, and decoding goes on behind it. Returns the exit code.
 */
export async function disAction(options: DisOptions, io: Io): Promise<number> {
  const { disassemble } = await import('../../debug/disassemble.ts');
  for (const { address, bytes, text, valid } of disassemble(parseHex(options.hex), options.address, options.syntax, options.bits)) {
    if (options.json) emitEvent(io, 'instruction', { address, bytes, text, valid });
    else io.stdout(`${address.toString(16).padStart(8)}:  ${hexOf(bytes).padEnd(30)}  ${text}\n`);
  }
  return Exit.ok;
}
