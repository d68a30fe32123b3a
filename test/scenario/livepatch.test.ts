import { describe, expect, test } from 'vitest';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../src/scenario/matrix.ts';
import { variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);

function run(name: string, variant: string, countShare = false) {
  const scenario = scenarioOf(name);
  return runner.run(scenario, variantOf(scenario, variant), smokeCell(scenario), { shrink: false, countShare });
}

describe('the livepatch family: bugs are found by the right check, fixes are settled', () => {
  test.each([
    ['L1', 'lw0', 'I4'],
    ['L1', 'lw0-unload', 'I5'],
    ['L1', 'lw0-prove-rcu', 'I10'],
    ['L1', 'lw4-no-wait', 'I4'],
    ['L1b', 'lw0', "I4'"],
    ['L1b', 'lw4-no-wait', "I4'"],
    ['L1b', 'lw4-transition-late', "I4'"],
    ['L2', 'lw1', 'I4'],
    ['L2', 'lw1-prove-rcu', 'I10'],
    ['L2', 'lw1-recursion', "I4'"],
    ['L3', 'lw1', 'I10'],
    ['L5', 'no-wait', "I4'"],
    ['L5', 'flip-first-no-wait', "I4'"],
    ['L5', 'target-read-first', "I4'"],
    ['L6', 'early-copy', "I4'"],
    ['L6', 'early-copy-enable', "I4'"],
    ['B33', 'coming-visible', 'I4'],
    ['B33', 'going-visible', 'I5'],
    ['B34', 'unload', 'I5'],
    ['B35', 'no-check', 'I13'],
    ['B36', 'no-lock', "I4'"],
    ['B36', 'running', "I4'"],
  ] as const)('%s %s violates %s', (name, variant, check) => {
    expect(run(name, variant)).toMatchObject({ verdict: 'violation', counterexample: { violation: { check } } });
  });

  test.each([
    ['L1', 'lw1'],
    ['L1', 'lw4'],
    ['L1b', 'lw1'],
    ['L1b', 'lw4'],
    ['L2', 'lw0'],
    ['L2', 'lw1-irq-is-nmi'],
    ['L2', 'lw4'],
    ['L3', 'lw0'],
    ['L3', 'lw1-irq-is-nmi'],
    ['L3', 'lw4'],
    ['L5', 'wait'],
    ['L5', 'wait-rcu'],
    ['L5', 'flip-first'],
    ['L6', 'locked'],
    ['L6', 'locked-enable'],
    ['B33', 'coming-alive'],
    ['B33', 'going-alive'],
    ['B34', 'never-unloaded'],
    ['B34', 'not-forced'],
    ['B35', 'nop-check'],
    ['B36', 'locked'],
  ] as const)('%s %s is ok, exhaustively', (name, variant) => {
    expect(run(name, variant)).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' }, missingWitnesses: [] });
  });
});

describe('the warning of L4', () => {
  const share = (variant: string) => {
    const result = run('L4', variant, true);
    if (result.share?.kind !== 'counted') throw new Error(`L4 ${variant} is not counted: ${result.share?.why}`);
    return { check: result.counterexample?.violation.check, ...result.share };
  };

  test('who gives up breaks the consistency in every run through the WINDOW', () => {
    const { check, through, violating } = share('lw3');
    expect(check).toBe("I4'");
    expect(through).toBeGreaterThan(0n);
    expect(violating).toBe(through);
  });

  test('who goes on breaks it in some', () => {
    const { check, through, violating } = share('lw2');
    expect(check).toBe('I4');
    expect(violating).toBeGreaterThan(0n);
    expect(violating).toBeLessThan(through);
  });

  test('who needs no RCU, never', () => {
    expect(share('lw4')).toMatchObject({ check: undefined, violating: 0n });
  });
});
