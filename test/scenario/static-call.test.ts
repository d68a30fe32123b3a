import { describe, expect, test } from 'vitest';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);
const CELL = { victims: 1, fetch: 'intel-sdm', memory: 'tso' } as const;

describe('what a static call site becomes', () => {
  const scenario = scenarioOf('B19');
  test.each(scenario.variants.map((v) => [v.name, v.expected] as const))('%s: %s', (name, expected) => {
    const result = runner.run(scenario, variantOf(scenario, name), CELL, { shrink: false });
    expect(result.verdict).toBe(expected);
    if (expected === 'ok') expect(result).toMatchObject({ coverage: { kind: 'exhaustive' }, missingWitnesses: [] });
  });

  test('"return 0" that is stepped over leaves RAX, and foreign text is torn', () => {
    const check = (name: string) => runner.run(scenario, variantOf(scenario, name), CELL).counterexample?.violation.check;
    expect(check('return0-as-nop')).toBe('I11');
    expect(check('foreign-text')).toBe('I2');
    expect(check('warn-gone')).toBe('exception');
  });
});

describe('an update of two sites', () => {
  const scenario = scenarioOf('static-call/update');
  test.each([
    ['one-by-one', 'ok'],
    ['missed-site', 'I4'],
    ['no-final-sync', 'I1'],
    ['two-updaters', 'ok'],
    ['checked-outside', 'I4'],
  ] as const)('%s: %s', (name, outcome) => {
    const result = runner.run(scenario, variantOf(scenario, name), CELL, { shrink: false });
    if (outcome === 'ok') expect(result).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' }, missingWitnesses: [] });
    else expect(result.counterexample?.violation.check).toBe(outcome);
  });
});

describe('a trampoline that is fixed up', () => {
  const scenario = scenarioOf('static-call/fixup');
  test('without text_mutex an int3 goes unclaimed, with it nothing does', () => {
    const run = (name: string) => runner.run(scenario, variantOf(scenario, name), CELL, { shrink: false });
    expect(run('unlocked').counterexample?.violation.check).toBe('I1');
    expect(run('text-mutex')).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' }, missingWitnesses: [] });
  });
});
