import { type SampleSettings, sampleSchedules } from '../../src/explore/sample/sample.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import type { Cell } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../built-fixture.ts';
import { cpuSeconds, type Row, say } from './measure.ts';

/** A way to draw schedules, by the name of its row. */
const SAMPLERS: readonly (Pick<SampleSettings, 'strategy' | 'depth'> & { readonly name: string })[] = [
  { name: 'portfolio', strategy: 'portfolio' },
  { name: 'pct d=2', strategy: 'pct', depth: 2 },
  { name: 'pct d=3', strategy: 'pct', depth: 3 },
  { name: 'pos', strategy: 'pos' },
  { name: 'window', strategy: 'window' },
];

/** How many schedules a sampler draws until it finds something, over many seeds. Infinite where the limit did not do. */
export interface FirstFound {
  readonly median: number;
  readonly p95: number;
  readonly most: number;
  /** Seeds for which the limit did not do. */
  readonly missed: number;
  /** Per CPU second, over all seeds. */
  readonly schedulesPerSecond: number;
  readonly transitionsPerSecond: number;
}

/** Two victims, stale fetches, store buffers. */
const CELL: Cell = { victims: 2, fetch: 'intel-sdm', memory: 'tso' };
const LIMIT = 10_000;
/** Goal of the default for race (a): schedules, 95th percentile. */
const P95 = 250;

/** Schedules until a variant breaks: seeds 1 to `seeds`, each with a limit of schedules. What is shared is learned before. */
function firstFound(
  code: string,
  variant: string,
  sampler: Pick<SampleSettings, 'strategy' | 'depth'>,
  seeds: number,
  { cell = CELL, limit = LIMIT }: { readonly cell?: Cell; readonly limit?: number } = {},
): FirstFound {
  const runner = new CellRunner(builtFixture);
  const scenario = scenarioOf(code);
  const world = runner.maker(scenario, variant, cell)();
  world.begin(runner.learned(scenario, variant, cell));
  const draws: number[] = [];
  let [schedules, transitions] = [0, 0];
  const { seconds } = cpuSeconds(() => {
    for (let seed = 1; seed <= seeds; seed++) {
      const { sample, counts } = sampleSchedules(world, { ...sampler, seed, schedules: limit });
      draws.push(sample.first ?? Number.POSITIVE_INFINITY);
      schedules += sample.schedules;
      transitions += counts.transitions;
    }
  });
  draws.sort((a, b) => a - b);
  const at = (share: number): number => draws[Math.ceil(seeds * share) - 1] as number;
  return {
    median: at(0.5),
    p95: at(0.95),
    most: at(1),
    missed: draws.filter((d) => d === Number.POSITIVE_INFINITY).length,
    schedulesPerSecond: schedules / seconds,
    transitionsPerSecond: transitions / seconds,
  };
}

/** Schedules to a race by each sampler; race (a) by the default has a goal. */
export function samplerRows(seeds = 200, code = 'F1', variant = 'no-final-sync', cell = CELL): Row[] {
  return SAMPLERS.map(({ name, ...sampler }): Row => {
    const title = `${code} ${variant}, ${cell.victims} victims, ${cell.memory}, ${name}, ${seeds} seeds`;
    say(title);
    const { median, p95, most, missed, schedulesPerSecond } = firstFound(code, variant, sampler, seeds, { cell });
    const isDefault = sampler.strategy === 'portfolio' && code === 'F1';
    return {
      group: 'sampling',
      name: title,
      values: { median, p95, most, missed, 'schedules/s': schedulesPerSecond },
      ...(isDefault ? { goal: { value: 'p95', atMost: P95 } } : {}),
    };
  });
}
