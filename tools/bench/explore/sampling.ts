import { scenarioOf } from '../../../src/scenario/catalogue.ts';
import { CellRunner, type RunOptions } from '../../../src/scenario/matrix.ts';
import { type Cell, type Scenario, variantOf } from '../../../src/scenario/scenario.ts';
import { builtFixture } from '../../built-fixture.ts';
import { cpuSeconds, type Row, say } from '../measure.ts';
import type { Options } from './options.ts';

const SEEDS = { quick: 20, normal: 200, full: 200 } as const;
const LIMIT = 5000;
const P95 = 250;

/** How many schedules a sampled search draws until it finds something; undefined when it finds nothing. A search asks its budget before each. */
export function schedulesToBug(
  runner: CellRunner,
  scenario: Scenario,
  variant: string,
  cell: Cell,
  options: RunOptions,
): number | undefined {
  let drawn = 0;
  const stop = (): undefined => {
    drawn++;
  };
  const result = runner.run(scenario, variantOf(scenario, variant), cell, { ...options, search: 'pct', shrink: false, budget: { stop } });
  return result.verdict === 'violation' ? drawn : undefined;
}

/** Schedules of depth 2 to race (a), over many seeds. */
export function samplingRows({ size }: Options): Row[] {
  const seeds = SEEDS[size];
  return [1, 2, 3].map((victims): Row => {
    const name = `F1 no-final-sync, ${victims} victim${victims > 1 ? 's' : ''}, pct depth 2, tso, ${seeds} seeds`;
    say(name);
    const runner = new CellRunner(builtFixture);
    const cell = { victims, fetch: 'intel-sdm', memory: 'tso' } as const;
    const { seconds, value } = cpuSeconds(() =>
      Array.from({ length: seeds }, (_, n) =>
        schedulesToBug(runner, scenarioOf('F1'), 'no-final-sync', cell, { depth: 2, schedules: LIMIT, seed: n + 1 }),
      ),
    );
    const draws = value.map((n) => n ?? Infinity).sort((a, b) => a - b);
    const at = (share: number): number => draws[Math.ceil(seeds * share) - 1] as number;
    const missed = value.filter((n) => n === undefined).length;
    return {
      group: 'sampling',
      name,
      values: { median: at(0.5), p95: at(0.95), most: at(1), missed, 'CPU ms a seed': (seconds / seeds) * 1000 },
      goal: { value: 'p95', atMost: P95 },
    };
  });
}
