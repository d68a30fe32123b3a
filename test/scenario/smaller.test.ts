import { describe, expect, test } from 'vitest';
import { replayToken } from '../../src/debug/replay.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { findToken } from '../../src/scenario/find-token.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { type Cell, variantOf } from '../../src/scenario/scenario.ts';
import { type Smaller, smaller } from '../../src/scenario/smaller.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);
const MODEL = { fetch: 'intel-sdm', memory: 'tso' } as const;

const found = (name: string, variant: string, size: Pick<Cell, 'victims' | 'sites' | 'calls'>) => {
  const scenario = scenarioOf(name);
  return runner.run(scenario, variantOf(scenario, variant), { ...size, ...MODEL });
};

const FEWER: readonly (readonly [string, string, Pick<Cell, 'victims' | 'sites' | 'calls'>, Smaller['size']])[] = [
  ['F1', 'no-final-sync', { victims: 2 }, { victims: 1, calls: 1 }],
  // The globals are those of the second site: two it takes.
  ['F2', 'unprotected', { victims: 1 }, { victims: 1, sites: 2, calls: 1 }],
  ['ftrace/bulk', 'no-final-sync', { victims: 2 }, { victims: 1, sites: 1, calls: 1 }],
  ['ftrace/bulk', 'guest-no-final-sync', { victims: 1, sites: 1 }, { victims: 1, sites: 1, calls: 1 }],
  ['text-poke/three-phase', 'call-to-call.no-final-sync', { victims: 1, calls: 3 }, { victims: 1, calls: 1 }],
  ['text-poke/per-cpu-refs', 'refs-after-int3', { victims: 1 }, { victims: 1, sites: 1, calls: 1 }],
  ['tracepoint/higher-priority', 't0-fast', { victims: 2 }, { victims: 1, calls: 1 }],
  ['tracepoint/three-two-one', 't0-fast', { victims: 1 }, { victims: 1, calls: 1 }],
  ['livepatch/idle-handler', 'lw0', { victims: 1 }, { victims: 1, calls: 1 }],
  ['jump-label/forms', 'short.emulates-old', { victims: 2, calls: 2 }, { victims: 1, calls: 1 }],
];

describe('what is enough for a violation', () => {
  test.each(FEWER)('%s %s %o: %o', (name, variant, from, to) => {
    const whole = found(name, variant, from);
    const { check, cause } = whole.counterexample!.violation;
    const less = smaller(runner, whole)!;
    expect(less.size).toEqual(to);
    // The token says which cell it is of, and its run ends in the same violation.
    const { found: at, trace } = replayToken(runner, less.token);
    expect([at.scenario.name, at.variant.name, at.cell.victims]).toEqual([whole.scenario.name, variant, to.victims]);
    expect(trace.violations.map((v) => [v.check, v.cause])).toContainEqual([check, cause]);
    // Nothing is smaller than it.
    expect(smaller(runner, { ...whole, cell: at.cell })).toBeUndefined();
  });

  const WHOLE: readonly (readonly [string, string, Pick<Cell, 'victims' | 'sites' | 'calls'>])[] = [
    // What is taken back without waiting is set again by the next batch, under a handler that the last call is too late for.
    ['text-poke/per-cpu-refs', 'no-drain', { victims: 1 }],
    // One call goes over to the new version, and the next one is wrong.
    ['livepatch/reverse', 'no-wait', { victims: 1, calls: 2 }],
    ['text-poke/dead-descriptor', 'on-stack', { victims: 1 }],
    ['F1', 'no-final-sync', { victims: 1, calls: 1 }],
  ];
  test.each(WHOLE)('%s %s takes all of %o', (name, variant, size) => {
    const whole = found(name, variant, size);
    expect(whole.verdict).toBe('violation');
    expect(smaller(runner, whole)).toBeUndefined();
  });

  test('what holds has nothing smaller', () => {
    expect(smaller(runner, found('F1', 'final-sync', { victims: 2 }))).toBeUndefined();
  });

  test('nor is anything found without a budget', () => {
    expect(smaller(runner, found('F1', 'no-final-sync', { victims: 2 }), { maxSteps: 5 })).toBeUndefined();
  });
});

test('a cell of usual size is one cell, whether the size is said or not', () => {
  const plain = found('F1', 'no-final-sync', { victims: 1 });
  expect(found('F1', 'no-final-sync', { victims: 1, calls: 2 }).token).toBe(plain.token);
  expect(findToken(plain.token as string, builtFixture).cell).toEqual({ victims: 1, ...MODEL });
  expect(plain.expected).toBe('violation');
  expect(found('F1', 'no-final-sync', { victims: 1, calls: 1 }).expected).toBeUndefined();
});
