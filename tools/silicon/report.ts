import { Decoder, Formatter, FormatterSyntax } from 'iced-x86';
import { GPR_NAMES } from '../../src/isa/core-state.ts';
import type { ClassResult, Failure } from './run.ts';
import { sizesOf } from './segments.ts';
import type { Vector } from './vectors.ts';

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** One line a class, then the first failures in full. */
export function report(name: string, result: ClassResult, shown = 3): string {
  const missing = [...result.unimplemented.values()].reduce((sum, n) => sum + n, 0);
  const lines = [
    `${name.padEnd(12)} ${result.passed}/${result.total}${missing === 0 ? '' : `  unimplemented ${missing}: ${mostFrequent(result)}`}`,
  ];
  for (const failure of result.failures.slice(0, shown)) lines.push(describeFailure(failure));
  if (result.failures.length > shown) lines.push(`  and ${result.failures.length - shown} more`);
  return lines.join('\n');
}

const mostFrequent = (result: ClassResult): string =>
  [...result.unimplemented]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 6)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ') + (result.unimplemented.size > 6 ? ', ...' : '');

function describeFailure({ vector, differences }: Failure): string {
  const { before } = vector;
  const registers = GPR_NAMES.map((name, n) => `${name}=${before.gpr[n].toString(16)}`);
  const memory = vector.memory.map(([at, bytes]) => `[${at.toString(16)}]=${hex(bytes)}`);
  return [
    `  FAIL ${vector.id}  ${hex(vector.bytes)}  ${disassemble(vector)}`,
    ...(vector.segments === undefined ? [] : [`    selectors ${vector.segments.map((s) => s.toString(16)).join('.')}`]),
    `    in  rip=${before.rip.toString(16)} fl=${before.rflags.toString(16)} ${registers.join(' ')} ${memory.join(' ')}`,
    ...differences.slice(0, 8).map((d) => `    ${d.what}: expected ${d.expected}, got ${d.got}`),
  ].join('\n');
}

function disassemble(vector: Vector): string {
  const decoder = new Decoder(vector.segments === undefined ? 64 : sizesOf(vector.segments).codeSize, vector.bytes, 0);
  const formatter = new Formatter(FormatterSyntax.Gas);
  decoder.ip = vector.before.rip;
  const instruction = decoder.decode();
  const text = formatter.format(instruction);
  instruction.free();
  formatter.free();
  decoder.free();
  return text;
}
