import { describe, expect, test } from 'vitest';
import { TextpokeError } from '../../src/error.ts';
import { FETCH_POLICY_NAMES } from '../../src/machine/policy/index.ts';
import { CATALOGUE, FAMILIES, scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner, cellName, cellsOf } from '../../src/scenario/matrix.ts';
import { defineScenario, expectedOf, familyOf, variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';
import { lab } from '../fixtures/lab.ts';

const runner = new CellRunner(builtFixture);

describe('ftrace on the bare lab with one victim, under every policy and both memory models', () => {
  const rows = CATALOGUE.filter((s) => familyOf(s) === 'ftrace' && s.image === undefined).flatMap((scenario) =>
    scenario.variants.map((variant) => ({ scenario, variant, title: `${scenario.name} ${variant.name}` })),
  );

  test.each(rows)('$title', ({ scenario, variant }) => {
    for (const cell of cellsOf(scenario, variant).filter((c) => c.victims === 1)) {
      const result = runner.run(scenario, variant, cell, { shrink: false });
      expect(result.verdict, cellName(scenario, variant.name, cell)).toBe(expectedOf(variant.expected, cell.fetch));
      expect(result.asRecorded).toBe(true);
      if (result.verdict === 'ok') expect(result.coverage.kind).toBe('exhaustive');
    }
  });
});

describe('rows of text-poke', () => {
  test.each([
    ['text-poke/three-phase', 'call-to-call.complete'],
    ['text-poke/three-phase', 'call-to-call.tail-first'],
    ['text-poke/three-phase', 'nop-to-call.no-sync2'],
    ['text-poke/three-phase', 'call-to-nop.emulate-old'],
    ['text-poke/three-phase', 'nop-to-call.drain-before-head'],
    ['text-poke/straddling', 'q7.no-sync1'],
    ['text-poke/straddling', 'l60.complete'],
    ['text-poke/straddling', 'l61.no-sync1'],
    ['text-poke/straddling', 'l63.head-before-tail'],
    ['text-poke/straddling', 'p4092.complete'],
    ['text-poke/straddling', 'p4095.no-sync2'],
    ['B07', 'irqs-off'],
    ['B07', 'irqs-on'],
    ['B09', 'complete'],
    ['B09', 'descriptor-after-int3'],
    ['B20', 'unlocked'],
    ['B20', 'locked'],
    ['B20', 'generation'],
  ])('%s %s', (name, variantName) => {
    const scenario = scenarioOf(name);
    const variant = variantOf(scenario, variantName);
    for (const cell of cellsOf(scenario, variant).filter((c) => c.victims < 2 && c.memory === 'tso')) {
      expect(runner.run(scenario, variant, cell, { shrink: false }).verdict, cellName(scenario, variantName, cell)).toBe(
        expectedOf(variant.expected, cell.fetch),
      );
    }
  });
});

describe('the proofs of race (a) and race (b) with three victims', () => {
  test.each(['F1', 'F2'])('%s final-sync is ok, exhaustively', (name) => {
    const scenario = scenarioOf(name);
    const variant = variantOf(scenario, 'final-sync');
    const cells = cellsOf(scenario, variant).filter((c) => c.victims === 3);
    expect(cells).toEqual([{ victims: 3, fetch: 'intel-sdm', memory: 'tso' }]);
    for (const cell of cells)
      expect(runner.run(scenario, variant, cell)).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' }, missingWitnesses: [] });
  });
});

describe('the catalogue', () => {
  test('every scenario has a bug that is found and a fix that is settled', () => {
    for (const scenario of CATALOGUE) {
      const verdicts = scenario.variants.flatMap((v) => FETCH_POLICY_NAMES.map((fetch) => expectedOf(v.expected, fetch)));
      expect(verdicts, scenario.name).toContain('violation');
      expect(
        scenario.variants.some((v) => FETCH_POLICY_NAMES.every((fetch) => expectedOf(v.expected, fetch) === 'ok')),
        scenario.name,
      ).toBe(true);
    }
  });

  test('names and aliases are unique, and either finds the scenario', () => {
    const names = CATALOGUE.flatMap((s) => (s.alias === undefined ? [s.name] : [s.name, s.alias])).map((n) => n.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
    for (const scenario of CATALOGUE) {
      expect(scenarioOf(scenario.name)).toBe(scenario);
      if (scenario.alias !== undefined)
        for (const alias of [scenario.alias, scenario.alias.toLowerCase()]) expect(scenarioOf(alias)).toBe(scenario);
      expect(new Set(scenario.variants.map((v) => v.name)).size).toBe(scenario.variants.length);
    }
    expect(FAMILIES).toEqual([...new Set(CATALOGUE.map(familyOf))]);
  });

  test('a difference from the catalogue of races comes with its reason, and is one', () => {
    for (const scenario of CATALOGUE) {
      for (const variant of scenario.variants) {
        if (variant.catalogue === undefined) continue;
        expect(variant.catalogue.reason.length).toBeGreaterThan(10);
        const differs = FETCH_POLICY_NAMES.some(
          (fetch) => expectedOf(variant.expected, fetch) !== expectedOf(variant.catalogue!.expected, fetch),
        );
        expect(differs, `${scenario.name} ${variant.name}`).toBe(true);
      }
    }
  });

  test('cells have names of their own', () => {
    const names = CATALOGUE.flatMap((s) => s.variants.flatMap((v) => cellsOf(s, v).map((c) => cellName(s, v.name, c))));
    expect(new Set(names).size).toBe(names.length);
  });

  test.each([
    [() => scenarioOf('ftrace/late-handlr'), 'ftrace/late-handler'],
    [() => scenarioOf('F1').build(lab, 'final-snc', { victims: 1, fetch: 'coherent', memory: 'sc' }), 'final-sync'],
  ])('a name that is nearly right is answered with the right one', (run, right) => {
    expect.assertions(3);
    try {
      run();
    } catch (error) {
      expect(error).toBeInstanceOf(TextpokeError);
      expect(error).toMatchObject({ code: 'E_SCENARIO', exitCode: 129 });
      expect((error as TextpokeError).hint).toContain(right);
    }
  });

  test('a definition with a bad name or two variants of one name is refused at once', () => {
    const variants = [
      { name: 'a', title: '', expected: 'ok' },
      { name: 'a', title: '', expected: 'ok' },
    ] as const;
    const rest = {
      title: '',
      story: '',
      scope: 'one-victim',
      build: () => {
        throw new Error('not built');
      },
    } as const;
    expect(() => defineScenario({ ...rest, name: 'x/y', variants })).toThrow(TextpokeError);
    expect(() => defineScenario({ ...rest, name: 'X', variants: [variants[0]] })).toThrow(TextpokeError);
    expect(defineScenario({ ...rest, name: 'x/y', variants: [variants[0]] }).name).toBe('x/y');
  });
});
