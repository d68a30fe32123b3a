import { describe, expect, test } from 'vitest';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { type Cell, variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);
const ALONE: Cell = { victims: 0, fetch: 'intel-sdm', memory: 'tso' };
const ONE: Cell = { victims: 1, fetch: 'intel-sdm', memory: 'tso' };

describe('the kprobes family: bugs are found by the right check, fixes are settled', () => {
  test.each([
    ['K1', 'probed', 'I6', ALONE],
    ['K1', 'probed-to-the-guard-page', 'I6', ALONE],
    ['K1', 'return-when-inside', 'I2', ALONE],
    ['K1', 'noinstr-not-checked', 'I12', ALONE],
    ['K2', 'no-bust', 'I6', ALONE],
    ['K2', 'bust', 'assertion', ALONE],
    ['K3', 'return-at-once', 'I2', ALONE],
    ['K4', 'status-left', 'exception', ALONE],
    ['K5', 'no-sync', 'I1', ONE],
    ['K5', 'unhash-first', 'I1', ONE],
    ['K5', 'neighbour-no-grace-period', 'I5', ONE],
    ['K6', 'if-left', 'assertion', ALONE],
    ['K6', 'if-left-int3', 'assertion', ALONE],
    ['K6', 'fault-at-the-copy', 'exception', ALONE],
    ['K7', 'handlers-run', 'assertion', ALONE],
    ['K7', 'second-probe', 'assertion', ALONE],
    ['K8', 'dr7-left-on', 'I6', ALONE],
    ['K8', 'dr7-left-on-nmi', 'I6', ALONE],
    ['B21', 'flag-first', 'I2', ONE],
    ['B23', 'no-wait', 'I2', ONE],
  ] as const)('%s %s violates %s', (name, variant, check, cell) => {
    const scenario = scenarioOf(name);
    const result = runner.run(scenario, variantOf(scenario, variant), cell);
    expect(result.verdict).toBe('violation');
    expect(result.counterexample?.violation.check).toBe(check);
  });

  test.each([
    ['K1', 'prohibited', ALONE],
    ['K2', 'int3-step', ALONE],
    ['K2', 'noinstr', ALONE],
    ['K3', 'step-a-copy', ALONE],
    ['K4', 'status-updated', ALONE],
    ['K5', 'complete', ONE],
    ['K5', 'recheck', ONE],
    ['K5', 'neighbour', ONE],
    ['K6', 'if-cleared', ALONE],
    ['K6', 'if-cleared-int3', ALONE],
    ['K6', 'fault', ALONE],
    ['K6', 'fault-int3', ALONE],
    ['K7', 'missed', ALONE],
    ['K7', 'missed-int3', ALONE],
    ['K8', 'dr7-off', ALONE],
    ['K8', 'dr7-off-nmi', ALONE],
    ['B21', 'flag-last', ONE],
    ['B23', 'rcu-tasks', ONE],
    ['B23', 'sched-no-preemption', ONE],
  ] as const)('%s %s is ok, exhaustively', (name, variant, cell) => {
    const scenario = scenarioOf(name);
    const result = runner.run(scenario, variantOf(scenario, variant), cell);
    expect(result).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' }, missingWitnesses: [] });
  });
});

test('the recursion of K1 ends in a #DF, because the #PF of the guard page has no stack', () => {
  const scenario = scenarioOf('K1');
  const result = runner.run(scenario, variantOf(scenario, 'probed-to-the-guard-page'), ALONE);
  expect(result.counterexample?.violation.message).toBe('double fault on CPU0');
});
