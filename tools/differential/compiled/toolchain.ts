import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pick, type Random } from '../chance.ts';
import type { Program } from './program.ts';

export interface Compiler {
  /** gcc, clang, or a version of one of them: gcc-11. */
  readonly name: string;
  readonly family: 'gcc' | 'clang';
  /** Has libraries for 32 bits. */
  readonly has32: boolean;
  readonly hasCpp: boolean;
}

/** How one program is compiled. */
export interface Build {
  readonly command: string;
  readonly flags: readonly string[];
  readonly bits: 32 | 64;
}

const LEVELS = ['-O0', '-O1', '-O2', '-O3', '-Os', '-Og'];
const MARCH = {
  64: ['x86-64', 'x86-64-v2', 'x86-64-v3', 'haswell', 'znver1', 'sandybridge', 'bdver1', 'silvermont'],
  32: ['i686', 'pentium4', 'x86-64', 'x86-64-v2', 'x86-64-v3'],
};
/** Beyond what the emulated processor has. */
const WITHOUT: Readonly<Record<string, readonly string[]>> = {
  bdver1: ['-mno-fma4', '-mno-xop', '-mno-lwp', '-mno-sse4a'],
  znver1: ['-mno-sse4a', '-mno-clzero', '-mno-mwaitx'],
};
const TUNES = ['generic', 'haswell', 'znver2', 'bdver2', 'silvermont', 'k8', 'skylake'];
const EITHER = [
  '-fPIC',
  '-fno-inline',
  '-fno-omit-frame-pointer',
  '-fstack-protector-strong',
  '-fno-jump-tables',
  '-funroll-loops',
  '-fwrapv',
];
const ONLY_GCC = [
  '-ftree-vectorize -fvect-cost-model=unlimited',
  '-fcf-protection=full',
  '-mprefer-vector-width=128',
  '-mfpmath=387',
  '-mfpmath=both',
  '-mno-red-zone',
  '-maccumulate-outgoing-args',
  '-mstringop-strategy=rep_4byte',
  '-mstringop-strategy=vector_loop',
  '-mavx256-split-unaligned-load',
  '-fno-tree-ter -fno-tree-sra',
  '-freorder-blocks-and-partition',
];
const ONLY_CLANG = [
  '-mprefer-vector-width=128',
  '-mretpoline',
  '-mstack-alignment=32 -mstackrealign',
  '-fno-vectorize',
  '-fcf-protection=full',
];
/** Without estimates (RCPPS, RSQRTPS): processors differ in their low bits. */
const FAST = { gcc: ['-ffast-math', '-mno-recip'], clang: ['-ffast-math', '-mrecip=none'] };

const works = (command: string, args: readonly string[], input = 'int main(void) { return 0; }'): boolean =>
  spawnSync(command, args, { input, stdio: ['pipe', 'ignore', 'ignore'] }).status === 0;

/** Those of gcc, clang and their versions that are here and link static programs. */
export function compilers(names: readonly string[]): Compiler[] {
  const link = ['-static', '-o', '/dev/null', '-x'];
  return names.flatMap((name) => {
    if (!works(name, [...link, 'c', '-'])) return [];
    const hasCpp = works(cppOf(name), [...link, 'c++', '-'], '#include <string>\nint main() { return std::string().size(); }');
    const has32 = works(name, ['-m32', ...link, 'c', '-'], '#include <stdio.h>\nint main(void) { return 0; }');
    return [{ name, family: name.startsWith('clang') ? 'clang' : 'gcc', has32, hasCpp }];
  });
}

const cppOf = (name: string): string => name.replace('clang', 'clang++').replace('gcc', 'g++');

/** A compiler and options for a program. */
export function chooseBuild(random: Random, from: readonly Compiler[], program: Program): Build | undefined {
  const able = from.filter(({ family, hasCpp }) => (hasCpp || program.language === 'c') && (program.compiler ?? family) === family);
  if (able.length === 0) return undefined;
  const compiler = pick(random, able);
  const bits = compiler.has32 && program.has32 && random(5) === 0 ? 32 : 64;
  const march = pick(random, program.march ?? MARCH[bits]);
  const level = program.optimised === true ? pick(random, LEVELS.slice(1, 4)) : pick(random, LEVELS);
  const flags = [level, `-march=${march}`, ...(WITHOUT[march] ?? [])];
  if (bits === 32) flags.push('-m32');
  if (random(3) === 0) flags.push(`-mtune=${pick(random, TUNES)}`);
  if (random(6) === 0) flags.push(...FAST[compiler.family]);
  const more = [...EITHER, ...(compiler.family === 'gcc' ? ONLY_GCC : ONLY_CLANG)];
  for (let n = random(3); n > 0; n--) flags.push(...pick(random, more).split(' '));
  return { command: program.language === 'c' ? compiler.name : cppOf(compiler.name), flags: [...new Set(flags)], bits };
}

/** The arguments of its command that make a program of a source which runs here and under textpoke. */
export function argumentsOf({ flags, bits }: Build, program: Program, source: string, output: string): string[] {
  const start = fileURLToPath(new URL(`linux-${bits}.S`, import.meta.url));
  // A flat 32-bit program lies where it is linked.
  const link = ['-static', '-no-pie', ...(bits === 32 ? ['-Wl,-Ttext-segment=0x400000'] : [])];
  return ['-w', ...flags, ...program.flags, ...link, '-o', output, source, start, '-lm'];
}
