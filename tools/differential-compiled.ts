/**
 * Programs that compilers make, here and under textpoke:
 *
 *   npm run fuzz:compiled -- [--count N] [--seed N] [--kind NAME]... [--compiler NAME]... [--engine NAME]... [--max-steps N] [--keep DIR]
 *
 * Each program is random C or C++, compiled once by gcc or clang with random options for a random processor, 64 or 32 bits, and linked with the C library to one static file. That file
 * runs on the CPU of this machine and under textpoke, and must write the same bytes and end the same way. It has two entries: `_start` of the C library, and one that stands
 * for the kernel below it (compiled/linux-64.S, compiled/linux-32.S).
 *
 * Left out: RCPPS and RSQRTPS, transcendental instructions of the x87 (processors differ in their low bits), and what takes more than --max-steps instructions.
 * Needs Linux, gcc or clang with a static C library, and csmith for programs of that kind; 32-bit programs and C++ where their libraries are (Debian: gcc-multilib, g++-multilib).
 * Exit code 0 when all agree, 1 when one differs, 128 when a tool is missing, 129 for a wrong command line.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import type { EngineName } from '../src/machine/machine.ts';
import { chance, pick, type Random } from './differential/chance.ts';
import { csmithProgram, hasCsmith } from './differential/compiled/csmith.ts';
import { intrinsicsProgram } from './differential/compiled/intrinsics.ts';
import { languageProgram } from './differential/compiled/language.ts';
import { libraryProgram } from './differential/compiled/library.ts';
import { loopProgram } from './differential/compiled/loops.ts';
import type { Program } from './differential/compiled/program.ts';
import { type Outcome, runEmulated, runHere } from './differential/compiled/run.ts';
import { argumentsOf, type Build, type Compiler, chooseBuild, compilers } from './differential/compiled/toolchain.ts';

const KINDS: Readonly<Record<string, (random: Random, folder: string) => Program | undefined>> = {
  csmith: csmithProgram,
  loops: loopProgram,
  intrinsics: intrinsicsProgram,
  library: libraryProgram,
  language: languageProgram,
};
const ENGINES: readonly EngineName[] = ['interpreter', 'region', 'reference'];
const USAGE = `usage: npm run fuzz:compiled -- [--count N] [--seed N] [--kind NAME]... [--compiler NAME]... [--engine NAME]... [--max-steps N] [--keep DIR]
kinds: ${Object.keys(KINDS).join(' ')}; engines: ${ENGINES.join(' ')} (default: the first two); compilers: gcc, clang, gcc-11 and their like`;
/** Programs after which something is said. */
const PROGRESS = 20;
const PROBLEM = { usage: 129, harness: 128 };

interface Asked {
  readonly count: number;
  readonly seed: number;
  readonly maxSteps: number;
  readonly kinds: readonly string[];
  readonly engines: readonly EngineName[];
  readonly compilers: readonly string[];
  readonly keep: string | undefined;
}

function parse(args: string[]): Asked | undefined {
  try {
    const { values } = parseArgs({
      args,
      options: {
        count: { type: 'string', default: '20' },
        seed: { type: 'string', default: '1' },
        'max-steps': { type: 'string', default: '30000000' },
        kind: { type: 'string', multiple: true, default: Object.keys(KINDS) },
        engine: { type: 'string', multiple: true, default: ['interpreter', 'region'] },
        compiler: { type: 'string', multiple: true, default: ['gcc', 'clang'] },
        keep: { type: 'string' },
      },
    });
    const [count, seed, maxSteps] = [values.count, values.seed, values['max-steps']].map(Number) as [number, number, number];
    if (![count, seed, maxSteps].every((n) => Number.isSafeInteger(n) && n > 0)) return undefined;
    if (!values.kind.every((name) => name in KINDS)) return undefined;
    const engines = values.engine.map((name) => ENGINES.find((engine) => engine === name));
    if (engines.includes(undefined)) return undefined;
    return { count, seed, maxSteps, kinds: values.kind, engines: engines as EngineName[], compilers: values.compiler, keep: values.keep };
  } catch {
    return undefined;
  }
}

const counts = { equal: 0, different: 0, long: 0, unbuilt: 0, unsteady: 0, instructions: 0 };
/** How many agree by kind, compiler and bits. */
const programs = new Map<string, number>();

/** An exception has an address under textpoke, and nobody who takes it in 32-bit mode. */
const endsAlike = (here: string, there: string): boolean =>
  there === here || there.startsWith(`${here} at `) || (here.startsWith('#') && there.startsWith('triple fault'));

/** What is not the same, in words. */
function difference(here: Outcome, there: Outcome): string | undefined {
  if (!endsAlike(here.end, there.end)) return `ends with ${there.end}, not ${here.end}`;
  if (here.output === there.output) return undefined;
  const [a, b] = [here.output.split('\n'), there.output.split('\n')];
  const line = a.findIndex((text, n) => text !== b[n]);
  return `line ${line + 1}: ${b[line]}, not ${a[line]}`;
}

/** What a compiler has to say, or nothing when it has built the program. */
function buildProgram(program: Program, build: Build, source: string, path: string): string | undefined {
  writeFileSync(source, program.text);
  const { status, stderr } = spawnSync(build.command, argumentsOf(build, program, source, path), { encoding: 'utf8', timeout: 120_000 });
  if (status === 0) return undefined;
  return stderr.split('\n').find((line) => /error/i.test(line)) ?? `status ${status}`;
}

function runSeed(seed: number, asked: Asked, from: readonly Compiler[], folder: string): void {
  const random = chance(seed);
  // Small seeds begin alike.
  for (let n = 0; n < 8; n++) random(2);
  const program = KINDS[pick(random, asked.kinds)]!(random, folder);
  const build = program && chooseBuild(random, from, program);
  if (program === undefined || build === undefined) {
    counts.unbuilt++;
    return;
  }
  const soon = random(2) === 0;
  const source = join(folder, program.language === 'c' ? 'program.c' : 'program.cc');
  const path = join(folder, 'program');
  const shown = `seed ${seed}, ${program.kind}: ${build.command} ${build.flags.join(' ')}`;
  const why = buildProgram(program, build, source, path);
  if (why !== undefined) {
    counts.unbuilt++;
    console.log(`${shown}\n  not built: ${why}`);
    return;
  }
  const here = runHere(path);
  // What looks at its addresses, or at memory that nobody has written, is not the same each time.
  if (!here.spent && runHere(path).output !== here.output) {
    counts.unsteady++;
    return;
  }
  const bytes = readFileSync(path);
  let isLong = here.spent;
  for (const engine of isLong ? [] : asked.engines) {
    const there = runEmulated(bytes, engine, asked.maxSteps, soon);
    isLong ||= there.spent;
    if (isLong) break;
    counts.instructions += there.instructions;
    const what = difference(here, there);
    if (what === undefined) continue;
    counts.different++;
    console.log(`${shown}\n  ${engine}: ${what}`);
    if (asked.keep !== undefined) keep(asked.keep, seed, source, path, build);
    return;
  }
  if (isLong) counts.long++;
  else {
    const name = `${program.kind}, ${build.command}, ${build.bits} bits`;
    counts.equal++;
    programs.set(name, (programs.get(name) ?? 0) + 1);
  }
}

function keep(into: string, seed: number, source: string, path: string, { command, flags }: Build): void {
  mkdirSync(into, { recursive: true });
  copyFileSync(source, join(into, `${seed}${source.slice(source.lastIndexOf('.'))}`));
  copyFileSync(path, join(into, `${seed}.elf`));
  writeFileSync(join(into, `${seed}.txt`), `${command} ${flags.join(' ')}\n`);
}

function main(asked: Asked): number {
  const from = compilers(asked.compilers);
  if (from.length === 0) {
    console.error(
      `${asked.compilers.join(', ')}: none links static programs here: install gcc and the static C library (Debian: gcc libc6-dev)`,
    );
    return PROBLEM.harness;
  }
  const folder = mkdtempSync(join(tmpdir(), 'textpoke-compiled-'));
  try {
    if (asked.kinds.includes('csmith') && !hasCsmith(folder)) {
      console.error('csmith is not installed (Debian: csmith libcsmith-dev): leave it out with --kind loops');
      return PROBLEM.harness;
    }
    for (let seed = asked.seed; seed < asked.seed + asked.count; seed++) {
      runSeed(seed, asked, from, folder);
      if ((seed - asked.seed + 1) % PROGRESS === 0) console.log(`up to seed ${seed}: ${counts.equal} equal`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const [name, n] of [...programs].sort()) console.log(`${name}: ${n}`);
  const { equal, different, long, unbuilt, unsteady, instructions } = counts;
  const { user, system } = process.cpuUsage();
  console.log(
    `${equal + different} programs, ${instructions} instructions, ${((user + system) / 1e6).toFixed(1)} s of CPU without compilers: ${equal} equal, ${different} different; ${long} too long, ${unbuilt} not built, ${unsteady} not the same each time`,
  );
  return counts.different > 0 ? 1 : 0;
}

// Most code runs a few times: better code of it is dearer than it saves.
setFlagsFromString('--liftoff-only');
const asked = parse(process.argv.slice(2));
if (asked === undefined) console.error(USAGE);
process.exitCode = asked === undefined ? PROBLEM.usage : main(asked);
