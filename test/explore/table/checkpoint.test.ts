import { describe, expect, test } from 'vitest';
import { type Exploration, type ExploreOptions, explore } from '../../../src/explore/explore.ts';
import { Knowledge } from '../../../src/explore/knowledge.ts';
import { exploreInParallel } from '../../../src/explore/parallel/explore-parallel.ts';
import { Random } from '../../../src/explore/random.ts';
import { decodeAlone } from '../../../src/explore/table/checkpoint.ts';
import type { World } from '../../../src/explore/world.ts';
import { scenarioOf } from '../../../src/scenario/catalogue.ts';
import { imageOf } from '../../../src/scenario/scenario.ts';
import { builtFixture } from '../../../tools/built-fixture.ts';
import { guestImage, guestWorld } from '../../machine/guest.ts';
import { teamInOneThread } from '../parallel/one-thread.ts';
import { told } from '../parallel/told.ts';

function maker(name: string, variant: string, victims = 1): () => World {
  const scenario = scenarioOf(name);
  return () => scenario.build(imageOf(scenario, builtFixture), variant, { victims, fetch: 'intel-sdm', memory: 'tso' });
}

/** Cores that run `source`: core 0 from the label c0, all others from c1. */
function program(source: string, cores: number, variables: Readonly<Record<string, number>>): () => World {
  const image = guestImage(source, variables);
  return () => {
    const world = guestWorld(image, cores, { memory: 'tso', fetch: 'coherent' });
    for (let core = 0; core < cores; core++) world.add({ core, entry: core === 0 ? 'c0' : 'c1' });
    return world;
  };
}

/** Two that ask each other again and again, and one whose store they wait for: they go in circles, and are interchangeable. */
const circles = program(
  'c0:\nmovq $1, z(%rip)\njmp cpu_idle\nc1:\nlock incq x(%rip)\nlock decq x(%rip)\ncmpq $0, z(%rip)\nje c1\njmp cpu_idle\n',
  3,
  { x: 0, z: 0 },
);

const all = (result: Exploration): string => `${told(result)} ${result.counts.transitions} ${result.counts.depth}`;

interface Pieces {
  readonly result: Exploration;
  readonly pieces: number;
  /** Where it was stopped. */
  readonly stages: ReadonlySet<string>;
}

/** A search that is stopped behind so many steps as `next` says, and then resumed, again and again. */
function inPieces(make: () => World, settings: ExploreOptions, next: () => number): Pieces {
  let resume: Uint8Array | undefined;
  const stages = new Set<string>();
  for (let pieces = 1; ; pieces++) {
    const kept: Uint8Array[] = [];
    const keeper = { name: 'mine', isDue: () => false, keep: (bytes: Uint8Array) => void kept.push(bytes), ...(resume && { resume }) };
    const maxSteps = next();
    const result = explore(make, { ...settings, keeper, budget: { maxSteps } });
    if (result.stopped === undefined) return { result, pieces, stages };
    expect(result.stopped).toBe(`step budget of ${maxSteps} spent`);
    expect(result.verdict).not.toBe('ok');
    expect(kept.length).toBe(1);
    resume = kept[0]!;
    for (const stage of stagesOf(resume)) stages.add(stage);
  }
}

function stagesOf(bytes: Uint8Array): string[] {
  const { round, cells, symmetry, reduce, pause } = decodeAlone(bytes, 'mine');
  return [
    `round ${round}`,
    `${cells.length} contested words`,
    `${symmetry ? 'with' : 'without'} symmetry, ${reduce ? 'reduced' : 'all runs'}`,
    pause.futures?.outdated === true ? 'an early decision' : [],
    pause.counterexample === undefined ? [] : 'a violation that is not wanted',
  ].flat();
}

const PREFERRED: ExploreOptions = { prefer: { check: 'I1', cause: 'another-modification' } };

/** And where the stops come at least once. */
const WORLDS: readonly (readonly [string, () => World, ExploreOptions, number, readonly string[]])[] = [
  ['a violation', maker('F1', 'no-final-sync'), {}, 30, ['with symmetry, all runs']],
  ['none', maker('F1', 'final-sync'), {}, 200, []],
  ['victims that trade places, and runs left out', maker('F1', 'final-sync', 2), {}, 700, ['with symmetry, reduced', 'an early decision']],
  ['a violation among victims that trade places', maker('F1', 'no-final-sync', 2), {}, 40, []],
  ['a violation that is preferred', maker('F2', 'unprotected', 2), PREFERRED, 60, ['a violation that is not wanted']],
  ['nothing learned before', maker('F1', 'final-sync', 2), { learned: new Knowledge() }, 700, ['round 1']],
  ['more is learned on the way', maker('unregister/double-fetch', 'reload', 2), {}, 5000, ['round 0', 'round 1', 'round 2']],
  [
    'a word is found to be contested on the way',
    maker('bpf/tail-call-poke', 'complete'),
    {},
    1500,
    ['0 contested words', '1 contested words'],
  ],
  ['cores that go in circles', circles, {}, 40, ['with symmetry, reduced', 'with symmetry, all runs', 'without symmetry, all runs']],
];

describe.each(WORLDS)('%s: stopped anywhere and resumed', (_title, make, settings, most, wanted) => {
  test('once, twice, often: it ends as if nothing had happened', () => {
    const whole = explore(make, settings);
    const random = new Random(1);
    const found = new Set<string>();
    for (let n = 0; n < 5; n++) {
      let stops = [1, 1, 2][n] ?? Number.POSITIVE_INFINITY;
      const { result, pieces, stages } = inPieces(make, settings, () => {
        if (stops-- === 0) return Number.MAX_SAFE_INTEGER;
        // At the very beginning once.
        return n === 0 ? 2 : 2 + random.below(n < 3 ? 3 * most : most);
      });
      if (n >= 3) expect(pieces).toBeGreaterThan(3);
      expect(all(result)).toBe(all(whole));
      for (const stage of stages) found.add(stage);
    }
    expect([...found]).toEqual(expect.arrayContaining([...wanted]));
  });
});

test('a checkpoint on the way changes nothing, and is as good as one at the end', () => {
  const make = maker('F1', 'final-sync', 3);
  const settings = { learned: explore(make).learned };
  const whole = explore(make, settings);
  const kept: Uint8Array[] = [];
  const keeper = { name: 'mine', isDue: () => true, keep: (bytes: Uint8Array) => void kept.push(bytes) };
  expect(all(explore(make, { ...settings, keeper }))).toBe(all(whole));
  expect(kept.length).toBeGreaterThan(4);
  for (const resume of [kept[1]!, kept.at(-1)!])
    expect(all(explore(make, { ...settings, keeper: { ...keeper, isDue: () => false, resume } }))).toBe(all(whole));
});

describe('a file that is not the checkpoint of this search is refused', () => {
  const make = maker('F1', 'final-sync', 2);
  const kept: Uint8Array[] = [];
  const keeper = { name: 'mine', isDue: () => false, keep: (bytes: Uint8Array) => void kept.push(bytes) };
  explore(make, { keeper, budget: { maxSteps: 900 } });
  const good = kept[0]!;
  const resume = (bytes: Uint8Array, { name = 'mine', of = make } = {}) => explore(of, { keeper: { ...keeper, name, resume: bytes } });

  test('damaged, cut off, of something else', () => {
    expect(resume(good).verdict).toBe('ok');
    for (const at of [30, 100, good.length >> 1, good.length - 1]) {
      const bad = good.slice();
      bad[at]! ^= 1;
      expect(() => resume(bad)).toThrow(expect.objectContaining({ code: 'E_FILE', exitCode: 128 }));
    }
    for (const length of [0, 7, 20, good.length >> 1, good.length - 4])
      expect(() => resume(good.slice(0, length))).toThrow(expect.objectContaining({ code: 'E_FILE' }));
    expect(() => resume(good, { name: 'another' })).toThrow(expect.objectContaining({ code: 'E_USAGE', where: 'mine, not another' }));
  });

  test('of the other search', async () => {
    expect((await shared(good).catch((error: unknown) => error)) as object).toMatchObject({
      code: 'E_USAGE',
      message: 'the checkpoint is of a search without --jobs',
    });
    const theirs: Uint8Array[] = [];
    const team = teamInOneThread(make, 2, 1);
    await exploreInParallel(make, team, { budget: { maxSteps: 200 } }, { ...keeper, keep: (bytes) => void theirs.push(bytes) });
    expect(() => resume(theirs[0]!)).toThrow(expect.objectContaining({ message: 'the checkpoint is of a search with --jobs' }));
  });

  test('of a program that does something else now', () => {
    expect(() => resume(good, { of: maker('F1', 'error-path-sync', 2) })).toThrow(
      expect.objectContaining({ code: 'E_FILE', message: expect.stringMatching(/^the checkpoint does not fit: /) }),
    );
  });

  const shared = (bytes: Uint8Array) => exploreInParallel(make, teamInOneThread(make, 1, 1), {}, { ...keeper, resume: bytes });
});
