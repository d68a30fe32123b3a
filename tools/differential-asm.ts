import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Decoder, DecoderOptions, FastFormatter } from 'iced-x86';
import { TextpokeError } from '../src/error.ts';
import type { Backend } from '../src/image/assembler/encode.ts';
import { BackendRefusal } from '../src/image/assembler/failure.ts';
import { ASSEMBLER_NAMES, type Assembler, loadAssembler, makeAssembler, type Syntax } from '../src/image/assembler/index.ts';
import { ATT_LINES, INTEL_LINES } from './differential-asm/lines.ts';

/** Compares an assembler with GNU as, line by line. `npx tsx tools/differential-asm.ts` prints the tally and every line that is not equal. */

/** Where GNU ld puts the text, and the address of `far_away`: kernel addresses, in reach of a 32-bit displacement. */
const BASE = 0xffffffff81000000n;
const FAR_AWAY = 0xffffffff81234560n;

/** A backend that can do nothing: what comes out is our own encoder's. */
export const noBackend: Backend = {
  name: 'own',
  description: 'our own encoder alone',
  encode: () => {
    throw new BackendRefusal('it can do nothing');
  },
};

export interface SourceLine {
  readonly text: string;
  readonly syntax: Syntax;
}

export interface GnuLine extends SourceLine {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

export interface Comparison {
  readonly line: GnuLine;
  readonly outcome: 'equal' | 'same instruction' | 'rejected' | 'wrong';
  readonly bytes: Uint8Array | undefined;
  /** Of a rejection: what the assembler said. */
  readonly message: string;
  /** Bytes of instructions that the backend made itself, and that our own encoder made. */
  readonly by: ReadonlySet<string>;
}

/** The lines of the comparison, each with its syntax. */
export const differentialLines = (): SourceLine[] => [
  ...ATT_LINES.map((text) => ({ text, syntax: 'att' as const })),
  ...INTEL_LINES.map((text) => ({ text, syntax: 'intel' as const })),
];

/**
 * `lines` assembled and linked by GNU as and ld, each with the address that it got. With `dropRefused`, lines that GNU as does not take are
 * left out; else they are an error.
 */
export function assembleWithGnu(lines: readonly SourceLine[], dropRefused = false): GnuLine[] {
  const directory = mkdtempSync(join(tmpdir(), 'textpoke-'));
  try {
    const accepted = dropRefused ? withoutRefused(lines, directory) : lines;
    run(directory, 'as', '--64', '-o', 'lines.o', writeLines(accepted, directory));
    const far = `--defsym=far_away=0x${FAR_AWAY.toString(16)}`;
    run(directory, 'ld', `-Ttext=0x${BASE.toString(16)}`, far, '-o', 'lines.elf', 'lines.o');
    run(directory, 'objcopy', '-O', 'binary', '-j', '.text', 'lines.elf', 'lines.bin');
    const bytes = new Uint8Array(readFileSync(join(directory, 'lines.bin')));
    const symbols = run(directory, 'nm', 'lines.elf')
      .split('\n')
      .map((l) => l.split(' '));
    const places = new Map(symbols.map(([at, , name]) => [name ?? '', BigInt(`0x${at || '0'}`)]));
    return accepted.map((line, i) => {
      const address = places.get(`line${i}`) ?? 0n;
      const end = places.get(`end${i}`) ?? 0n;
      return { ...line, address, bytes: bytes.slice(Number(address - BASE), Number(end - BASE)) };
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const run = (cwd: string, tool: string, ...parameters: string[]): string =>
  execFileSync(tool, parameters, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Source lines that one line takes up in the file, so that a message's line number names it. */
const ROWS = 5;

/** Writes the lines, each at a multiple of 64, so that alignment and distance within it do not depend on its neighbours; returns the file's name. */
function writeLines(lines: readonly SourceLine[], directory: string): string {
  const rows = lines.map(({ text, syntax }, i) => {
    const directive = `.${syntax}_syntax ${syntax === 'intel' ? 'noprefix' : 'prefix'}`;
    return `${directive}\n.balign 64\nline${i}:\n${text}\nend${i}:\n`;
  });
  writeFileSync(join(directory, 'lines.s'), `.globl _start; _start:\n${rows.join('')}`);
  return 'lines.s';
}

function withoutRefused(lines: readonly SourceLine[], directory: string): SourceLine[] {
  const { stderr } = spawnSync('as', ['--64', '-o', 'lines.o', writeLines(lines, directory)], { cwd: directory, encoding: 'utf8' });
  const refused = new Set([...stderr.matchAll(/^lines\.s:(\d+): Error/gm)].map((m) => Math.floor((Number(m[1]) - 2) / ROWS)));
  return lines.filter((_, i) => !refused.has(i));
}

/** Compares one line. `wrong` is what must never be: bytes of another meaning or length than those of GNU as. */
export function compareLine(assembler: Assembler, line: GnuLine): Comparison {
  try {
    const { bytes, lines } = assembler.assemble(line.text, { address: line.address, syntax: line.syntax, symbols: { far_away: FAR_AWAY } });
    const by = new Set(lines.map((l) => l.by));
    if (hex(bytes) === hex(line.bytes)) return { line, outcome: 'equal', bytes, message: '', by };
    const same = bytes.length === line.bytes.length && disassemble(bytes, line.address) === disassemble(line.bytes, line.address);
    return { line, outcome: same ? 'same instruction' : 'wrong', bytes, message: '', by };
  } catch (error) {
    if (!(error instanceof TextpokeError)) throw error;
    return { line, outcome: 'rejected', bytes: undefined, message: `${error.message} (${error.code} at ${error.where})`, by: new Set() };
  }
}

/** Every instruction with its address, one a line. */
export function disassemble(bytes: Uint8Array, address: bigint): string {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const formatter = new FastFormatter();
  decoder.ip = address;
  const lines: string[] = [];
  while (decoder.canDecode) {
    const instruction = decoder.decode();
    lines.push(`${instruction.ip.toString(16)} ${formatter.format(instruction)}`);
    instruction.free();
  }
  formatter.free();
  decoder.free();
  return lines.join('\n');
}

export const hex = (bytes: Uint8Array): string => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join(' ');

/** Counts by outcome, and by who made the bytes of the lines that have some. */
export function tally(name: string, results: readonly Comparison[]): string {
  const count = (outcome: Comparison['outcome']): number => results.filter((r) => r.outcome === outcome).length;
  const backend = results.filter((r) => r.by.has('backend') && !r.by.has('own')).length;
  const own = results.filter((r) => r.by.has('own')).length;
  return (
    `${name}: ${results.length} lines, ${count('equal')} equal to GNU as, ${count('same instruction')} the same instruction in other bytes, ` +
    `${count('rejected')} rejected, ${count('wrong')} wrong; instructions by the backend in ${backend} lines, by our own encoder in ${own}`
  );
}

async function main(): Promise<void> {
  const lines = assembleWithGnu(differentialLines());
  const assemblers = await Promise.all(ASSEMBLER_NAMES.map((name) => loadAssembler(name)));
  for (const assembler of [...assemblers, makeAssembler(noBackend)]) {
    const results = lines.map((l) => compareLine(assembler, l));
    process.stdout.write(`${tally(assembler.name, results)}\n`);
    for (const { line, outcome, bytes, message } of results) {
      if (outcome !== 'equal')
        process.stdout.write(`  ${outcome}: ${line.text}\n    as   ${hex(line.bytes)}\n    ours ${bytes ? hex(bytes) : message}\n`);
    }
    if (results.some((r) => r.outcome === 'wrong')) process.exitCode = 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
