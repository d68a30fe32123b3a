import { GPR_NAMES } from '../../src/isa/core-state.ts';
import { type Background, backgrounds, type Test } from '../record-silicon/generate.ts';
import { before } from '../record-silicon/record.ts';
import { generateSegmented } from '../record-silicon/segmented.ts';
import { SEGMENTED_CLASSES, segmentedRowsOf } from '../record-silicon/segmented-classes.ts';
import { chance, pick, type Random } from '../record-silicon/values.ts';
import { MachineTarget } from '../silicon/machine-target.ts';
import type { Outcome } from '../silicon/target.ts';
import { type Vector, vectorOf } from '../silicon/vectors.ts';

/**
 * 16- and 32-bit code under the reference and the interpreter: sequences of the instructions that the recorder makes, with their segments, in compatibility mode. What the first
 * instruction needs is given; the others find what the ones before them left.
 */

/** Sequences of one seed. */
const SEQUENCES = 60;
const MOST = 10;
const FAR = /^far-/;

let machines: readonly [MachineTarget, MachineTarget] | undefined;

/** How the machines differ behind a sequence of this seed; undefined where they agree. */
export function segmentedDifference(seed: number): string | undefined {
  machines ??= [new MachineTarget('reference'), new MachineTarget('interpreter')];
  const random = chance(seed);
  const files = backgrounds(random, 4);
  for (let n = 0; n < SEQUENCES; n++) {
    const size = pick(random, ['16', '32']);
    const tests = sequence(random, size, files);
    if (tests.length === 0) continue;
    const vector = joined(tests, files);
    const what = difference(vector, tests.length);
    if (what === undefined) continue;
    let fewest = 1;
    while (fewest < tests.length && difference(vector, fewest) === undefined) fewest++;
    return `${size}-bit code, selectors ${tests[0]!.segments!.map((x) => x.toString(16)).join('.')}, instruction ${fewest} of ${tests.map(({ id, code }) => `${id} ${Buffer.from(code).toString('hex')}`).join('; ')}: ${difference(vector, fewest)}`;
  }
  return undefined;
}

function sequence(random: Random, size: string, files: readonly Background[]): Test[] {
  const classes = SEGMENTED_CLASSES.filter((name) => name.endsWith(size) && !FAR.test(name));
  return Array.from({ length: 1 + random(MOST) }, (_, n) => {
    const name = pick(random, classes);
    return generateSegmented(pick(random, segmentedRowsOf(name)!), name.split('-')[0]!, n, random, files);
  }).filter((test) => test !== undefined);
}

/** One vector with the code of all: segments of the first, registers and memory of each, the first winning. */
function joined(tests: readonly Test[], files: readonly Background[]): Vector {
  const [first] = tests as [Test, ...Test[]];
  const test = {
    ...first,
    code: Uint8Array.from(tests.flatMap(({ code }) => [...code])),
    overrides: new Map([...tests].reverse().flatMap(({ overrides }) => [...overrides])),
    memory: [...tests].reverse().flatMap(({ memory }) => memory),
  };
  const all = before(test, files);
  return vectorOf(
    {
      id: first.id,
      b: Buffer.from(test.code).toString('hex'),
      ip: first.rip.toString(16),
      s: first.segments!.map((s) => s.toString(16)).join('.'),
      g: 0,
      in: Object.fromEntries(all),
      m: test.memory.map(([at, bytes]) => [at.toString(16), bytes] as [string, string]),
      out: {},
    },
    files[0]!,
  );
}

function difference(vector: Vector, instructions: number): string | undefined {
  const [a, b] = machines!.map((machine) => plain(machine.run(vector, instructions))) as [Plain, Plain];
  const wrong = [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name));
  return wrong.length === 0 ? undefined : wrong.map((name) => `${name} ${a.get(name)} and ${b.get(name)}`).join(', ');
}

type Plain = ReadonlyMap<string, string>;

/** All that an outcome says, as text. */
function plain(outcome: Outcome): Plain {
  if (outcome.kind !== 'ran') return new Map([['unimplemented', outcome.name]]);
  const { extended, changed, exception, gpr, segments, ...words } = outcome;
  const { ymm, st, ...control } = extended;
  const memory = [...changed].map(([at, byte]): [string, number] => [`[${at.toString(16)}]`, byte]);
  const all: (readonly [string, unknown])[] = [
    ...[...Object.entries(words), ...Object.entries(control), ...Object.entries(exception ?? {}), ...memory],
    ...gpr.map((value, n) => [GPR_NAMES[n]!, value] as const),
    ...ymm.map((value, n) => [`ymm${n}`, value] as const),
    ...st.map((value, n) => [`st${n}`, value] as const),
    ['segments', segments?.join('.')],
  ];
  return new Map(all.map(([name, value]) => [name, typeof value === 'bigint' ? value.toString(16) : String(value)]));
}
