/**
 * Records what single instructions do on the CPU of this machine, in the format of fixtures/silicon:
 *
 *   npm run record:silicon -- [--out DIR] [--class NAME[:PREFIX]...] [--count N] [--seed N] [--engine NAME...|none]
 *
 * and compares them with the engines (default: reference and interpreter). `npm run conformance:silicon -- DIR` compares again.
 *
 * Each class has up to N records (default 200) of instructions that textpoke decodes, evenly over the encodings: user mode, one instruction at a time, with random registers and memory.
 * What is not the same each time is left out, and so is what this CPU does not have (#UD). The encodings recorded are no privileged ones, no system calls, no I/O, of 64-bit code no far branches but IRET.
 * Needs Linux, x86-64 and gcc. Exit code 0, 1 for a
 * difference, 129 for a wrong command line, 128 when the harness fails.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Code } from 'iced-x86';
import type { Row } from '../../src/isa/encodings.ts';
import { report } from '../silicon/report.ts';
import { runVectors } from '../silicon/run.ts';
import { TARGETS } from '../silicon/targets.ts';
import { VectorDirectory } from '../silicon/vectors.ts';
import { commandLine, wrong } from '../usage.ts';
import { CLASSES as LONG_CLASSES, rowsOf } from './classes.ts';
import { flagsSize, flagsTest } from './flags.ts';
import { type Background, backgrounds, generate, type Test } from './generate.ts';
import { Harness, whyNotHere } from './harness.ts';
import { lineOf, recordOf } from './record.ts';
import { generateSegmented } from './segmented.ts';
import { SEGMENTED_CLASSES, segmentedRowsOf } from './segmented-classes.ts';
import { chance, type Random } from './values.ts';

/** Those of 64-bit code, then those of 32- and 16-bit code. */
const CLASSES = [...LONG_CLASSES, ...SEGMENTED_CLASSES, 'flags', 'flags-32', 'flags-16'];

/** What the records are compared with unless something else is asked for: they share the semantics, but not how those are executed. */
const ENGINES = ['reference', 'interpreter'];
const USAGE = `usage: npm run record:silicon -- [--out DIR] [--class NAME[:PREFIX]...] [--count N] [--seed N] [--engine NAME...|none]
Records single instructions on the CPU of this machine (Linux, gcc) and compares them with the engines. --out keeps the records, for npm run conformance:silicon; without it they
are deleted. --count is of each class (default 200). Exit code 0, 1 for a difference, 128 where nothing can be recorded, 129 for a wrong command line.

classes: ${CLASSES.join(' ')}; PREFIX: only encodings whose name begins so
engines: ${Object.keys(TARGETS).join(' ')}, several with commas; both: ${ENGINES.join(',')}`;
/** Times that each instruction is executed. */
const TIMES = 4;
const BACKGROUNDS = 32;
/** Differences of a class that are shown in full. */
const SHOWN = 5;
/** Choices that are tried for a row until one can be spelt. */
const TRIES = 20;

interface Asked {
  readonly out: string | undefined;
  readonly engines: readonly string[];
  readonly classes: readonly string[];
  readonly count: number;
  readonly seed: number;
}

function asked(): Asked {
  const options = {
    out: { type: 'string' },
    class: { type: 'string', multiple: true },
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    engine: { type: 'string', multiple: true, default: ENGINES },
  } as const;
  const { positionals, ...values } = commandLine(options, USAGE);
  // `--class a b c`: what follows names more classes.
  const named = [...(values.class ?? []), ...positionals].flatMap((name) => name.split(','));
  const classes = named.length === 0 ? CLASSES : named;
  const unknown = classes.find((name) => !CLASSES.includes(name.split(':')[0]!));
  if (unknown !== undefined) wrong(`there is no class '${unknown}'`, USAGE);
  const engines = values.engine.flatMap((name) => (name === 'both' ? ENGINES : name.split(','))).filter((name) => name !== 'none');
  const other = engines.find((name) => !(name in TARGETS));
  if (other !== undefined) wrong(`there is no engine '${other}'`, USAGE);
  const [count, seed] = (['count', 'seed'] as const).map((name) => {
    const n = Number(values[name]);
    if (!Number.isSafeInteger(n) || n < 1) wrong(`--${name} wants a whole number of at least 1, not '${values[name]}'`, USAGE);
    return n;
  }) as [number, number];
  return { out: values.out, classes, count, seed, engines };
}

const nameOf = (row: Row): string => Code[row.code]!;

/** So many tests of a class, of each row as many as of any other or one less. */
function testsOf(name: string, count: number, random: Random, files: readonly Background[]): Test[] {
  const [kind, prefix = ''] = name.split(':') as [string, string?];
  const flags = flagsSize(kind);
  if (flags !== undefined) return Array.from({ length: count }, (_, n) => flagsTest(flags, n, random, files));
  const segmented = segmentedRowsOf(kind);
  const rows = (segmented ?? rowsOf(kind, nameOf)).filter((row) => nameOf(row).startsWith(prefix));
  if (rows.length === 0) return [];
  const first = random(rows.length);
  const tests: Test[] = [];
  for (let n = 0; n < count; n++) {
    // With fewer tests than rows those taken lie evenly among them.
    const row = rows[(first + (count < rows.length ? Math.floor((n * rows.length) / count) : n)) % rows.length]!;
    for (let tries = 0; tries < TRIES; tries++) {
      const test = (segmented === undefined ? generate : generateSegmented)(row, kind.split('-')[0]!, n, random, files);
      if (test === undefined) continue;
      tests.push(test);
      break;
    }
  }
  return tests;
}

/** Records into `out`; returns the names of the files. */
function record({ classes, count, seed }: Asked, out: string): string[] {
  const random = chance(seed);
  // What is in the folder already has its register files.
  const kept = join(out, 'bg.json');
  const files = existsSync(kept) ? (JSON.parse(readFileSync(kept, 'utf8')) as Background[]) : backgrounds(random, BACKGROUNDS);
  const harness = new Harness();
  try {
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, 'bg.json'), `${JSON.stringify(files)}\n`);
    for (const name of classes) {
      const tests = testsOf(name, count, random, files);
      const lines = harness.run(
        tests.map((test) => lineOf(test, files)),
        TIMES,
      );
      const left = { ended: 0, unstable: 0, missing: 0 };
      const records = tests.flatMap((test, n) => {
        const line = lines[n];
        const made = line === undefined ? undefined : recordOf(test, files, line);
        if (line === undefined) left.ended++;
        else if (made === undefined) left.unstable++;
        else if ('x' in made && (made.x as { v: number }).v === 6 && !test.isUndefined && !test.runs) left.missing++;
        else return [made];
        return [];
      });
      const file = name.split(':')[0]!;
      writeFileSync(join(out, `${file}.jsonl.gz`), gzipSync(records.map((r) => `${JSON.stringify(r)}\n`).join(''), { level: 9 }));
      const notes = Object.entries({ unstable: left.unstable, '#UD here': left.missing, 'ended the process': left.ended })
        .filter(([, n]) => n > 0)
        .map(([what, n]) => `${n} ${what}`);
      console.log(`${name.padEnd(12)} ${records.length} recorded${notes.length === 0 ? '' : `; left out: ${notes.join(', ')}`}`);
    }
    return classes.map((name) => name.split(':')[0]!);
  } finally {
    harness.close();
  }
}

/** Runs what was recorded on one engine; whether all of it is equal. */
function compare(out: string, files: readonly string[], engine: string): boolean {
  const target = TARGETS[engine]!();
  const vectors = new VectorDirectory(out);
  console.log(`${target.name} engine`);
  const equal = files.map((name) => {
    const result = runVectors(target, vectors.read(name));
    console.log(report(name, result, SHOWN));
    return result.passed === result.total;
  });
  const summary = target.summary?.();
  if (summary !== undefined) console.log(summary);
  return !equal.includes(false);
}

function main(asked: Asked): void {
  const out = asked.out ?? mkdtempSync(join(tmpdir(), 'textpoke-record-'));
  try {
    const files = record(asked, out);
    const equal = asked.engines.map((engine) => compare(out, files, engine));
    if (equal.includes(false)) process.exitCode = 1;
  } finally {
    if (asked.out === undefined) rmSync(out, { recursive: true, force: true });
  }
}

const wanted = asked();
const why = whyNotHere();
if (why !== undefined) {
  console.error(`not recorded: ${why}`);
  process.exitCode = 128;
} else main(wanted);
