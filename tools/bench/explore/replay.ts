import { replayToken } from '../../../src/debug/replay.ts';
import { scenarioOf } from '../../../src/scenario/catalogue.ts';
import { CellRunner } from '../../../src/scenario/matrix.ts';
import type { Cell, Scenario, Variant } from '../../../src/scenario/scenario.ts';
import { builtFixture } from '../../built-fixture.ts';
import { cpuSeconds, type Row, say } from '../measure.ts';
import type { Options } from './options.ts';

const TOKENS = { quick: 100, normal: 1000, full: 1000 } as const;
/** Where tokens come from: races (a) and (b) in all their variants that break, sampled at two depths. */
const SCENARIOS = ['F1', 'F2'];
const DEPTHS = [2, 3];
const SCHEDULES = 400;
/** Seeds in a row without a new token, after which there are no more. */
const BARREN_SEEDS = 8;

interface Found {
  readonly token: string;
  readonly message: string;
}

/** Tokens of sampled violations by many seeds, and how many of them reproduce theirs in a runner that has seen none of the searches. */
export function replayRows({ size }: Options): Row[] {
  const wanted = TOKENS[size];
  const sources = SCENARIOS.map((code) => scenarioOf(code)).flatMap((scenario) =>
    scenario.variants
      .filter((v) => v.expected === 'violation')
      .flatMap((variant) => cells().map((cell): [Scenario, Variant, Cell] => [scenario, variant, cell])),
  );
  const tokens = new Map<string, Found>();
  const runner = new CellRunner(builtFixture);
  say(`${wanted} tokens of ${sources.length} cells`);
  const search = cpuSeconds(() => {
    let [missed, barren] = [0, 0];
    for (let seed = 1; tokens.size < wanted; seed++) {
      const before = tokens.size;
      for (const [scenario, variant, cell] of sources) {
        if (tokens.size === wanted) break;
        const depth = DEPTHS[seed % DEPTHS.length] as number;
        // Most as they were found, some shortened.
        const shrink = seed % 4 === 0;
        const result = runner.run(scenario, variant, cell, { search: 'pct', depth, schedules: SCHEDULES, seed, shrink });
        if (result.token === undefined) missed++;
        else tokens.set(result.token, { token: result.token, message: result.counterexample?.violation.message ?? '' });
      }
      // A seed whose runs are all shortened may come to known ones only.
      barren = tokens.size === before ? barren + 1 : 0;
      if (barren === BARREN_SEEDS) throw new Error(`${tokens.size} different tokens and no more; ${missed} searches found nothing`);
    }
  });
  const again = new CellRunner(builtFixture);
  let reproduced = 0;
  const replay = cpuSeconds(() => {
    for (const { token, message } of tokens.values()) {
      const { trace } = replayToken(again, token);
      if (trace.violations.some((v) => v.message === message)) reproduced++;
    }
  });
  return [
    {
      group: 'replay',
      name: `tokens of ${SCENARIOS.join(' and ')}, ${sources.length} cells`,
      values: {
        'different tokens': tokens.size,
        reproduce: reproduced,
        'CPU ms each to find': (search.seconds / tokens.size) * 1000,
        'to replay': (replay.seconds / tokens.size) * 1000,
      },
      goal: { value: 'reproduce', atLeast: wanted },
    },
  ];
}

const cells = (): Cell[] =>
  [1, 2].flatMap((victims) =>
    (['sc', 'tso'] as const).flatMap((memory) => (['coherent', 'intel-sdm'] as const).map((fetch) => ({ victims, fetch, memory }))),
  );
