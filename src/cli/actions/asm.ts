import { Exit, TextpokeError } from '../../error.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent, hexOf } from '../json.ts';

export interface AsmOptions extends SharedFlags {
  /** Source lines from the command line; empty: read `file`. */
  readonly lines: readonly string[];
  /** Path of a source file; undefined or `-`: standard input. */
  readonly file: string | undefined;
  /** Of the first byte. */
  readonly address: bigint;
  readonly syntax: 'att' | 'intel';
}

interface Source {
  readonly text: string;
  readonly name: string;
}

function readSource(options: AsmOptions, io: Io): Source {
  if (options.lines.length > 0 && options.file !== undefined) {
    throw new TextpokeError('E_USAGE', 'both text and --file were given', { where: options.file, hint: 'give one of them' });
  }
  if (options.lines.length > 0) return { text: options.lines.join('\n'), name: '<arguments>' };
  if (options.file === undefined || options.file === '-') return { text: io.readStdin(), name: '<stdin>' };
  return { text: new TextDecoder().decode(io.readFile(options.file)), name: options.file };
}

/** Prints one line for each source line that made bytes: address, bytes, source. Returns the exit code. */
export async function asmAction(options: AsmOptions, io: Io): Promise<number> {
  const { text, name } = readSource(options, io);
  if (text.trim() === '') {
    throw new TextpokeError('E_USAGE', 'nothing to assemble', { where: name, hint: "for example: textpoke asm 'nopl 8(%rax)'" });
  }
  const { loadAssembler } = await import('../../image/assembler/index.ts');
  const assembler = await loadAssembler();
  const { bytes, lines } = assembler.assemble(text, { address: options.address, syntax: options.syntax, file: name });
  const source = text.split('\n');
  for (const line of lines) {
    const address = BigInt.asUintN(64, options.address + BigInt(line.offset));
    const own = bytes.subarray(line.offset, line.offset + line.length);
    const written = (source[line.line - 1] ?? '').trim();
    if (options.json) emitEvent(io, 'line', { address, bytes: own, line: line.line, source: written });
    else io.stdout(`${address.toString(16).padStart(8)}:  ${hexOf(own).padEnd(30)}  ${written}\n`);
  }
  if (options.json) emitEvent(io, 'assembled', { address: options.address, bytes, by: assembler.description });
  return Exit.ok;
}
