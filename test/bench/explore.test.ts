import { afterAll, describe, expect, test } from 'vitest';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { schedulesToBug } from '../../tools/bench/explore/schedules.ts';
import { Spin } from '../../tools/bench/explore/spin.ts';
import type { Row } from '../../tools/bench/measure.ts';
import { sct } from '../../tools/bench/sct/index.ts';
import { table } from '../../tools/bench/table.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

describe.skipIf(Spin.missing() !== undefined)('the model of the window for SPIN', () => {
  const spin = new Spin();
  afterAll(() => spin.close());

  test.each([
    [1, 1, 2],
    [2, 2, 1],
  ])('%i victims, %i sites, %i calls: breaks without the last SYNC and holds with it', (victims, sites, calls) => {
    const broken = spin.run({ victims, sites, calls, finalSync: false }, 60);
    expect(broken).toMatchObject({ found: true, stopped: undefined });
    const held = spin.run({ victims, sites, calls, finalSync: true }, 60);
    expect(held).toMatchObject({ found: false, stopped: undefined });
    expect(held.states).toBeGreaterThan(broken.states);
  });
});

test('schedules are counted until the one that breaks something, and not for one that holds', () => {
  const runner = new CellRunner(builtFixture);
  const scenario = sct.find((s) => s.name === 'sct/twostage')!;
  const cell = { victims: 1, fetch: 'coherent', memory: 'sc' } as const;
  const found = schedulesToBug(runner, scenario, 'bug', cell, { depth: 2, schedules: 1000, seed: 1 })!;
  expect(found).toBeGreaterThan(1);
  expect(schedulesToBug(runner, scenario, 'bug', cell, { depth: 2, schedules: found, seed: 1 })).toBe(found);
  expect(schedulesToBug(runner, scenario, 'bug', cell, { depth: 2, schedules: found - 1, seed: 1 })).toBeUndefined();
  expect(schedulesToBug(runner, scenario, 'fixed', cell, { depth: 2, schedules: 50, seed: 1 })).toBeUndefined();
});

test('a table has one column for each number, and says what to know of a row', () => {
  const row = (name: string, values: Row['values'], more: Partial<Row> = {}): Row => ({ group: 'x', name, values, ...more });
  expect(
    table([
      row('one', { a: 1, b: 12_345 }, { goal: { value: 'a', atMost: 2 } }),
      row('two', { b: 0.5 }, { goal: { value: 'b', atLeast: 1 }, stopped: 'not finished', note: 'a note' }),
    ]),
  ).toBe(
    ['       a       b', '  one  1  12.3 k   reached: a at most 2', '  two      0.500   MISSED: b at least 1; not finished; a note'].join(
      '\n',
    ),
  );
});
