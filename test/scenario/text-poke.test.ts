import { describe, expect, test } from 'vitest';
import { showRace } from '../../src/debug/show-race.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { expectedOf, variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);

describe('races of the text_poke core', () => {
  test.each([
    ['B01', 'vec-first', 'exception'],
    ['B01', 'sync-between', 'ok'],
    ['B01', 'count-on-stack-reused', 'exception'],
    ['B01', 'count-static', 'ok'],
    ['B02', 'on-stack', 'exception'],
    ['B02', 'no-kprobe', 'ok'],
    ['B02', 'static', 'ok'],
    ['B03', 'out-of-order', 'I1'],
    ['B03', 'full', 'I5'],
    ['B03', 'one-call', 'ok'],
    ['B04', 'complete', 'ok'],
    ['B04', 'refs-after-int3', 'I1'],
    ['B04', 'refs-of-online', 'I1'],
    ['B04', 'test-other-count', 'I13'],
    ['B04', 'use-other-count', 'ok'],
    ['B04', 'no-drain', 'I1'],
    ['B04', 'empty-before-drain', 'ok'],
    ['B05', 'up-serializes', 'ok'],
    ['B05', 'up-serializes-early', 'code-race'],
    ['B05', 'up-under-lock', 'ok'],
    ['B05', 'unless-alone', 'ok'],
    ['B05', 'down', 'ok'],
    ['B05', 'down-runs-on', 'I1'],
  ] as const)('%s %s: %s', (alias, name, outcome) => {
    const scenario = scenarioOf(alias);
    const result = runner.run(scenario, variantOf(scenario, name), { victims: 1, fetch: 'intel-sdm', memory: 'tso' }, { shrink: false });
    if (outcome === 'ok') expect(result).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' }, missingWitnesses: [] });
    else expect(result.counterexample?.violation.check).toBe(outcome);
  });

  test('a SYNC goes to the cores of the mask one by one where some are offline', () => {
    const scenario = scenarioOf('B05');
    const result = runner.run(scenario, variantOf(scenario, 'down'), { victims: 2, fetch: 'coherent', memory: 'tso' });
    expect(result).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' } });
  });

  test('a diagram says which int3 a handler comes from, where it is no site', () => {
    const scenario = scenarioOf('B02');
    const variant = variantOf(scenario, 'on-stack');
    const result = runner.run(scenario, variant, { victims: 1, fetch: 'intel-sdm', memory: 'tso' });
    const race = showRace(runner, result);
    expect(race).toContain('int3 at kprobed_fn_insn -> #BP');
    expect(race).not.toMatch(/fetch site_call_q0: call target_b\s+-> #BP/);
  });

  test('interrupts that come on before the sync run stale NOPs', () => {
    const scenario = scenarioOf('B07');
    const run = (fetch: 'coherent' | 'intel-sdm') =>
      runner.run(scenario, variantOf(scenario, 'sync-after-irqs'), { victims: 0, fetch, memory: 'tso' }, { shrink: false });
    expect(run('intel-sdm').counterexample?.violation.check).toBe('code-race');
    expect(run('coherent')).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' } });
  });

  test('a core that serializes too early is safe where fetch is coherent', () => {
    const scenario = scenarioOf('B05');
    const variant = variantOf(scenario, 'up-serializes-early');
    const result = runner.run(scenario, variant, { victims: 1, fetch: 'coherent', memory: 'tso' });
    expect(result.verdict).toBe(expectedOf(variant.expected, 'coherent'));
    expect(result.verdict).toBe('ok');
  });
});
