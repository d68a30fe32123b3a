import { readFileSync } from 'node:fs';
import { type SampleSettings, sampleSchedules } from '../../src/explore/sample/sample.ts';
import type { StrategyName } from '../../src/explore/sample/strategy.ts';
import { imageFromElf } from '../../src/image/image.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import type { Cell } from '../../src/scenario/scenario.ts';
import { cpuSeconds } from './measure.ts';

/** How often a sampler had to draw until it found a race, over many seeds. */
export interface FirstFound {
  readonly seeds: number;
  readonly median: number;
  readonly p95: number;
  readonly most: number;
  /** Seeds for which the limit of schedules did not do. */
  readonly missed: number;
  /** Per CPU second, over all seeds. */
  readonly schedulesPerSecond: number;
  readonly transitionsPerSecond: number;
}

/** A way to draw schedules, by the name of its row. */
export const SAMPLERS: readonly { readonly name: string; readonly strategy: StrategyName; readonly depth?: number }[] = [
  { name: 'portfolio', strategy: 'portfolio' },
  { name: 'pct d=2', strategy: 'pct', depth: 2 },
  { name: 'pct d=3', strategy: 'pct', depth: 3 },
  { name: 'pos', strategy: 'pos' },
  { name: 'window', strategy: 'window' },
];

const CELL: Cell = { victims: 2, fetch: 'intel-sdm', memory: 'tso' };

/** Schedules until a variant with two victims breaks under intel-sdm and tso: seeds 1 to `seeds`, at most `limit` schedules each. */
export function firstFound(
  code: string,
  variant: string,
  sampler: Pick<SampleSettings, 'strategy' | 'depth'>,
  seeds: number,
  limit = 5000,
  cell: Cell = CELL,
): FirstFound {
  const runner = new CellRunner((name) => imageFromElf(readFileSync(new URL(`../../fixtures/${name}/${name}.elf`, import.meta.url))));
  const scenario = scenarioOf(code);
  const world = runner.maker(scenario, variant, cell)();
  world.begin(runner.learned(scenario, variant, cell.victims));
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
    seeds,
    median: at(0.5),
    p95: at(0.95),
    most: at(1),
    missed: draws.filter((d) => d === Number.POSITIVE_INFINITY).length,
    schedulesPerSecond: schedules / seconds,
    transitionsPerSecond: transitions / seconds,
  };
}
