import { describe, expect, test } from 'vitest';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);

describe('races of static keys', () => {
  test.each([
    ['B15', 'count-first', 'I4'],
    ['B15', 'in-progress', 'ok'],
    ['B15', 'inc-and-dec-count-first', 'I4'],
    ['B15', 'inc-and-dec', 'ok'],
    ['B15', 'enable-counts', 'I4'],
    ['B15', 'enable-counts-twice', 'I4'],
    ['B15', 'enable-locked', 'ok'],
    ['B18', 'long.enable', 'ok'],
    ['B18', 'short.disable', 'ok'],
    ['B18', 'split.enable', 'ok'],
    ['B18', 'both.enable', 'ok'],
    ['B18', 'short.emulates-old', 'I11'],
    ['B18', 'branch-in-handler', 'I6'],
  ] as const)('%s %s: %s', (alias, name, outcome) => {
    const scenario = scenarioOf(alias);
    const cell = { victims: 1, fetch: 'intel-sdm', memory: 'tso' } as const;
    const result = runner.run(scenario, variantOf(scenario, name), cell, { shrink: false });
    if (outcome === 'ok') expect(result).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' }, missingWitnesses: [] });
    else expect(result.counterexample?.violation.check).toBe(outcome);
  });
});
