import { expect, test } from 'vitest';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { variantOf } from '../../src/scenario/scenario.ts';
import { smaller } from '../../src/scenario/smaller.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);
const MODEL = { fetch: 'intel-sdm', memory: 'tso' } as const;

const found = (name: string, variant: string, victims: number) => {
  const scenario = scenarioOf(name);
  return runner.run(scenario, variantOf(scenario, variant), { victims, ...MODEL });
};

test('one victim is enough for the late handler, and its token is that of the smaller cell', () => {
  const less = smaller(runner, found('F1', 'no-final-sync', 2));
  expect(less).toEqual({ victims: 1, token: found('F1', 'no-final-sync', 1).token });
});

test('nothing is smaller than the smallest, or than what holds', () => {
  expect(smaller(runner, found('F1', 'no-final-sync', 1))).toBeUndefined();
  expect(smaller(runner, found('F1', 'final-sync', 2))).toBeUndefined();
});
