import { describe, expect, test } from 'vitest';
import { reproduces } from '../../src/explore/shrink.ts';
import type { CheckId } from '../../src/explore/violation.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { type Cell, variantOf } from '../../src/scenario/scenario.ts';
import { unregister } from '../../src/scenario/unregister/index.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);
const CELL: Cell = { victims: 1, fetch: 'intel-sdm', memory: 'tso' };

function run(name: string, variant: string, cell: Partial<Cell> = {}, shrink = false) {
  const scenario = scenarioOf(name);
  return runner.run(scenario, variantOf(scenario, variant), { ...CELL, ...cell }, { shrink });
}

describe('what is wrong is found, by the check that it is about', () => {
  test.each<[string, string, CheckId, RegExp]>([
    ['U-1', 'data', 'I5', /reads data_b\.owner, which has been freed/],
    ['U-1', 'module-text', 'I5', /executes at probe_module/],
    ['unregister/lost-callbacks', 'null', 'assertion', /did not call a probe that is registered: probe_c/],
    ['unregister/lost-callbacks', 'null-last', 'exception', /#PF at 0x0/],
    ['U-2', 'reload', 'exception', /#PF at 0x1/],
    ['U-2', 'no-test', 'exception', /#PF at 0x1/],
    ['U-3', 'kcfi', 'I9', /__traceiter_kcfi calls tp_stub_func, which has another type/],
    ['U-3', 'fineibt', 'I9', /__traceiter_fineibt calls tp_stub_func_fineibt, which has another type/],
    ['U-4a', 'no-wait', 'I3', /is called with the data of another/],
    ['U-4b', 'atomic', 'I10', /synchronize_rcu\(\) sleeps in atomic context/],
    ['U-4b', 'atomic-unchecked', 'I13', /synchronize_rcu/],
    ['unregister/chain-after-oom', 'stubs-counted', 'assertion', /keeps its array: the first is tp_stub_func/],
    ['unregister/chain-after-oom', 'stubs-copied', 'assertion', /did not call a probe that is registered: probe_c/],
  ])('%s %s: %s', (name, variant, check, message) => {
    const result = run(name, variant);
    expect(result.asRecorded).toBe(true);
    expect(result.counterexample?.violation.check).toBe(check);
    expect(result.counterexample?.violation.message).toMatch(message);
  });
});

describe('what is right is settled', () => {
  const fixed = unregister.flatMap((s) => s.variants.filter((v) => v.expected === 'ok').map((v) => [s.name, v.name] as const));

  test.each(fixed)('%s %s', (name, variant) => {
    expect(run(name, variant)).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' }, missingWitnesses: [], asRecorded: true });
  });

  test('a caller that heeds the error, with two victims', () => {
    expect(run('U-1', 'heeded', { victims: 2, memory: 'sc' })).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' } });
  });
});

test('a counterexample that was shortened holds in a world that begins', () => {
  const scenario = scenarioOf('unregister/chain-after-oom');
  const result = run('unregister/chain-after-oom', 'stubs-copied', {}, true);
  const world = scenario.build(builtFixture('unregister'), 'stubs-copied', CELL);
  world.begin(result.knowledge);
  expect(reproduces(world, result.counterexample!)).toBe(true);
});
