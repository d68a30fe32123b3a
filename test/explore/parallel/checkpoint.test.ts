import { describe, expect, test } from 'vitest';
import { type Exploration, type ExploreOptions, explore } from '../../../src/explore/explore.ts';
import { exploreInParallel } from '../../../src/explore/parallel/explore-parallel.ts';
import { Random } from '../../../src/explore/random.ts';
import type { World } from '../../../src/explore/world.ts';
import { scenarioOf } from '../../../src/scenario/catalogue.ts';
import { lab } from '../../fixtures/lab.ts';
import { teamInOneThread } from './one-thread.ts';
import { told } from './told.ts';

const maker =
  (name: string, variant: string, victims = 1) =>
  (): World =>
    scenarioOf(name).build(lab, variant, { victims, fetch: 'intel-sdm', memory: 'tso' });

/** A search that is interrupted after some looks at its budget, and then resumed, again and again; each time by another number of workers. */
async function inPieces(
  make: () => World,
  settings: ExploreOptions,
  seed: number,
  most: number,
): Promise<{ readonly result: Exploration; readonly pieces: number }> {
  const random = new Random(seed);
  let resume: Uint8Array | undefined;
  for (let pieces = 1; ; pieces++) {
    let looks = 1 + random.below(most);
    const kept: Uint8Array[] = [];
    const keeper = { name: 'mine', isDue: () => false, keep: (bytes: Uint8Array) => void kept.push(bytes), ...(resume && { resume }) };
    const budget = { stop: () => (--looks === 0 ? 'enough' : undefined) };
    const team = teamInOneThread(make, 1 + random.below(3), pieces);
    const result = await exploreInParallel(make, team, pieces > 60 ? settings : { ...settings, budget }, keeper);
    if (result.stopped === undefined) return { result, pieces };
    expect(result.stopped).toBe('enough');
    resume = kept[0] ?? resume;
  }
}

describe.each<[string, () => World, ExploreOptions, number]>([
  ['a violation', maker('F1', 'no-final-sync'), { shrink: false }, 10],
  ['none', maker('F1', 'final-sync'), {}, 10],
  ['victims that trade places', maker('F1', 'final-sync', 2), {}, 60],
])('%s: interrupted anywhere and resumed', (_title, make, settings, most) => {
  test.each([1, 2])('it ends as if nothing had happened (%i)', async (seed) => {
    const whole = await exploreInParallel(make, teamInOneThread(make, 1, 1), settings);
    const { result, pieces } = await inPieces(make, settings, seed, most);
    expect(pieces).toBeGreaterThan(2);
    expect(told(result)).toBe(told(whole));
    expect(result.counts.transitions).toBe(whole.counts.transitions);
    expect(whole.verdict).toBe(explore(make, settings).verdict);
  });
});

test('a checkpoint on the way changes nothing', async () => {
  const make = maker('F1', 'final-sync');
  const whole = await exploreInParallel(make, teamInOneThread(make, 2, 1));
  let looks = 0;
  const kept: (string | undefined)[] = [];
  const keeper = {
    name: 'mine',
    isDue: () => ++looks % 5 === 0,
    keep: (_: Uint8Array, stopped: string | undefined) => void kept.push(stopped),
  };
  expect(told(await exploreInParallel(make, teamInOneThread(make, 2, 1), {}, keeper))).toBe(told(whole));
  expect(kept.length).toBeGreaterThan(3);
  expect(kept.every((stopped) => stopped === undefined)).toBe(true);
});

describe('a file that is not the checkpoint of this search is refused', () => {
  const make = maker('F1', 'final-sync');
  const kept = async (): Promise<Uint8Array> => {
    const bytes: Uint8Array[] = [];
    const keeper = { name: 'mine', isDue: () => false, keep: (b: Uint8Array) => void bytes.push(b) };
    await exploreInParallel(make, teamInOneThread(make, 2, 1), { budget: { maxSteps: 200 } }, keeper);
    return bytes[0]!;
  };
  const resume = (bytes: Uint8Array, name = 'mine') =>
    exploreInParallel(make, teamInOneThread(make, 1, 1), {}, { name, resume: bytes, isDue: () => false, keep: () => {} });

  test('damaged, cut off, something else, of something else, of another version', async () => {
    const good = await kept();
    expect((await resume(good)).verdict).toBe('ok');
    for (const at of [30, 100, good.length >> 1, good.length - 1]) {
      const bad = good.slice();
      bad[at]! ^= 1;
      await expect(resume(bad)).rejects.toMatchObject({ code: 'E_FILE', exitCode: 128 });
    }
    for (const length of [0, 7, 20, good.length >> 1, good.length - 4]) {
      await expect(resume(good.slice(0, length))).rejects.toMatchObject({ code: 'E_FILE' });
    }
    await expect(
      resume(new TextEncoder().encode('{"not": "a checkpoint at all, but long enough for one to be there"}')),
    ).rejects.toMatchObject({ code: 'E_FILE' });
    await expect(resume(good, 'another')).rejects.toMatchObject({ code: 'E_USAGE', exitCode: 129, where: 'mine, not another' });
    const other = good.slice();
    other[4]! += 1;
    await expect(resume(other)).rejects.toMatchObject({ code: 'E_USAGE', message: 'the checkpoint is of another version of textpoke' });
  });
});
