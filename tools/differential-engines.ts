import { spawnSync } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { Coverage, type Totals } from './differential/coverage.ts';
import { heldInRegions } from './differential/held.ts';
import { loopOn } from './differential/loops.ts';
import { minimise } from './differential/minimise.ts';
import { BUILD } from './differential/programs.ts';
import { differOnSchedule } from './differential/schedules.ts';
import { segmentedDifference } from './differential/segmented.ts';
import { differOn } from './differential/visits.ts';
import { commandLine, wrong } from './usage.ts';

const USAGE = `usage: npm run fuzz:engines -- [--count N] [--seed N] [--programs N] [--minimise SEED]
Runs random machine code under the reference, the interpreter and the region compiler in lockstep and compares them. Exit code 0 when all agree, 1 with the seed of the first
program that does not, what differs, and what is left of it when all is left out that does not matter.

A sequence is a straight run of 3 to 7 random instructions (branches over and loops around some of them, what has to stand around a string instruction or a gather, and
functions that it calls come on top), made once and never again. It is visited at least twice by each engine, from other registers: the first time nothing of it is compiled; for
the second one the region compiler compiles it. Half are visited a third time: in slices, with interrupts, NMIs, single steps, through another linear address. Behind every visit
all registers of all cores are compared (general, flags, system, APIC, x87, SSE, AVX), the number of instructions, and memory: by the state hash, or in machines without one by its
bytes. At the end of each program, some 250 sequences on one machine, all of its memory is. A sequence counts when all this agreed. Every 16th seed also runs one long loop until it
is hot by itself, another one takes two cores of an explorer's machine along a random schedule, forth and back, and another one runs 60 sequences of 16- and 32-bit code in segments of all
kinds under reference and interpreter.

  --count N      at least so many sequences (default 1000)
  --seed N       from the program of this seed on (default 1): a run goes on where another ended
  --programs N   so many programs instead
  --minimise N   only the program of seed N, minimised`;

const values = commandLine(
  {
    count: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    programs: { type: 'string' },
    minimise: { type: 'string' },
    totals: { type: 'boolean', default: false },
  },
  USAGE,
);
const [surplus] = values.positionals;
if (surplus !== undefined) wrong(`'${surplus}' is one too many`, USAGE);
const [count, first, programs] = (['count', 'seed', 'programs', 'minimise'] as const).map((name) => {
  const n = Number(values[name] ?? 1);
  if (!Number.isSafeInteger(n) || n < 0) wrong(`--${name} wants a whole number, not '${values[name]}'`, USAGE);
  return n;
}) as [number, number, number];
// Most code runs a few times: better code of it is dearer than it saves. And a stack trace of what is thrown for every fault.
setFlagsFromString('--liftoff-only');
Error.stackTraceLimit = 0;

/** Of so many programs one comes with a loop, another with a schedule, another with 16- and 32-bit code, of eight times its seed: then the reference runs them too. */
const LOOPS = 16;
function loopDiffers(seed: number, coverage: Coverage): boolean {
  coverage.loops++;
  const { difference } = loopOn(seed);
  if (difference === undefined) return false;
  const { engine, instructions, what, program } = difference;
  console.log(`loop of seed ${seed}: ${engine} differs from the interpreter after ${instructions} instructions: ${what}\n${program}`);
  return true;
}

function scheduleDiffers(seed: number, coverage: Coverage): boolean {
  coverage.schedules++;
  const { difference } = differOnSchedule(seed);
  if (difference === undefined) return false;
  const { engine, steps, what, program } = difference;
  console.log(`schedule of seed ${seed}: ${engine} differs after ${steps} steps: ${what}\n${program}`);
  return true;
}

function segmentedDiffers(seed: number, coverage: Coverage): boolean {
  coverage.segmented++;
  const difference = segmentedDifference(seed);
  if (difference !== undefined) console.log(`16- and 32-bit code of seed ${seed}: ${difference}`);
  return difference !== undefined;
}

/** What else comes with a program. */
const OTHERS = [undefined, loopDiffers, scheduleDiffers, segmentedDiffers];

/** In so many sequences each mnemonic comes. */
const MANY = 20_000;
/** More than that is for a process of its own, which starts with nothing compiled. */
const TOLD = 32;

function differs(seed: number): boolean {
  const found = minimise(seed);
  if (found === undefined) return false;
  const { engine, where, what } = found.difference;
  console.log(`seed ${seed}: ${engine} differs from the interpreter, ${where}: ${what}`);
  console.log(found.left.join('\n'));
  process.exitCode = 1;
  return true;
}

/** Programs of one process, up to the end of their build. Gives the first seed that is left. */
function inThisProcess(from: number, coverage: Coverage, enough: () => boolean): number {
  let seed = from;
  for (; !enough() && (seed === from || seed % BUILD !== 0); seed++) {
    if (OTHERS[seed % LOOPS]?.(8 * seed, coverage) === true) {
      process.exitCode = 1;
      return seed;
    }
    if (differOn(seed, coverage).difference === undefined) continue;
    if (!differs(seed)) console.log(`seed ${seed}: engines differ in the midst of others, and not alone`);
    process.exitCode = 1;
    return seed;
  }
  return seed;
}

function inAnother(from: number, programs: number, coverage: Coverage): number {
  const child = spawnSync(
    process.execPath,
    [...process.execArgv, '--max-semi-space-size=64', process.argv[1]!, '--seed', `${from}`, '--programs', `${programs}`, '--totals'],
    { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' },
  );
  const lines = child.stdout.trimEnd().split('\n');
  const last = lines.pop() ?? '';
  if (child.status !== 0 || !last.startsWith('{')) {
    console.log([...lines, last].join('\n'));
    process.exitCode = 1;
    return from;
  }
  const { next, totals } = JSON.parse(last) as { next: number; totals: Totals };
  coverage.add(totals);
  return next;
}

const started = process.cpuUsage();
const coverage = new Coverage();
if (values.minimise !== undefined) {
  if (!differs(Number(values.minimise))) console.log(`seed ${values.minimise}: all agree`);
} else if (values.totals) {
  let left = programs;
  const next = inThisProcess(first, coverage, () => left-- === 0);
  console.log(JSON.stringify({ next, totals: coverage }));
} else {
  const enough = (seed: number): boolean => (values.programs === undefined ? coverage.sequences >= count : seed >= first + programs);
  let seed = first;
  const small = values.programs === undefined ? count <= 4000 : programs <= TOLD;
  while (!enough(seed) && process.exitCode === undefined) {
    if (small) {
      let at = seed;
      seed = inThisProcess(seed, coverage, () => enough(at++));
      continue;
    }
    const from = seed;
    // Some 250 sequences a program.
    const most = values.programs === undefined ? Math.ceil((count - coverage.sequences) / 250) : first + programs - seed;
    seed = inAnother(seed, Math.min(most, BUILD - (seed % BUILD)), coverage);
    if (process.exitCode === undefined) console.log(`programs ${from} to ${seed - 1} agree: ${coverage.sequences} sequences so far`);
  }
  const { user, system } = process.cpuUsage(started);
  console.log(`programs from seed ${first} to ${seed - 1}${small ? `, ${((user + system) / 1e6).toFixed(1)} s of CPU` : ''}`);
  for (const line of coverage.lines()) console.log(line);
  if (coverage.sequences >= MANY) {
    const missing = [...heldInRegions()].filter((name) => !coverage.compiled.has(name));
    console.log(`mnemonics that regions may hold and none held: ${missing.join(' ') || 'none'}`);
  }
  if (process.exitCode === undefined) console.log('reference, interpreter and region compiler agree');
}
