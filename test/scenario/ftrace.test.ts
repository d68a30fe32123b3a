import { describe, expect, test } from 'vitest';
import type { CheckId } from '../../src/explore/violation.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { type Cell, variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);

function run(name: string, variant: string, cell: Partial<Cell> = {}) {
  const scenario = scenarioOf(name);
  return runner.run(scenario, variantOf(scenario, variant), {
    victims: scenario.scope === 'one-core' ? 0 : 1,
    fetch: 'intel-sdm',
    memory: 'tso',
    ...cell,
  });
}

describe('what is wrong is found, by the check that it is about', () => {
  test.each<[string, string, CheckId]>([
    ['F3', 'skip', "I4'"],
    ['F3', 'skip-end', "I4'"],
    ['F5', 'one-set', 'I7'],
    ['F5', 'late-sti', 'I7'],
    ['F6', 'static.direct', 'I3'],
    ['F6', 'static.ipi.preempt-off', 'I3'],
    ['F6', 'static.heavy.preemptible', 'I3'],
    ['F6', 'patched.heavy-first.preempt-off', 'I3'],
    ['F6', 'patched.tasks-first.preemptible', 'I3'],
    ['F7', 'early-exit', 'I5'],
    ['F7', 'rcu.idle', 'I5'],
    ['F7', 'tasks.idle', 'I5'],
    ['F7', 'heavy.preemptible', 'I5'],
    ['B25', 'heavy.preemptible', 'I5'],
    ['B25', 'tasks.idle', 'I5'],
    ['B26', 'modify.in-place', 'assertion'],
    ['B26', 'modify.displacement', 'code-race'],
    ['B26', 'remove.tasks', 'I5'],
    ['B26', 'remove.refs', 'I5'],
    ['B26', 'remove.tasks-refs', 'I5'],
    ['B27', 'free-now', 'I5'],
    ['B27', 'free-drained-no-wait', 'I5'],
    ['B27', 'restore', 'assertion'],
    ['B27', 'nmi.entry-before-index', 'assertion'],
    ['B27', 'nmi.index-before-entry', 'assertion'],
    ['B28', 'late', 'I6'],
    ['B28', 'one-bit.nmi', 'assertion'],
    ['B28', 'no-transition-bit.nmi-entry', 'assertion'],
    ['B28', 'transition-bit.used-up', 'assertion'],
  ])('%s %s: %s', (name, variant, check) => {
    expect(run(name, variant).counterexample?.violation.check).toBe(check);
  });
});

describe('what is right is settled', () => {
  test.each<[string, string]>([
    ['F3', 'emulate-call'],
    ['F3', 'emulate-other-call'],
    ['F5', 'set-per-level'],
    ['F5', 'sti-shadow'],
    ['F6', 'static.tasks.preemptible'],
    ['F6', 'patched.ipi.irqs-off'],
    ['F6', 'patched.tasks.preemptible'],
    ['F7', 'heavy'],
    ['F7', 'both.idle'],
    ['B25', 'both.idle'],
    ['B26', 'modify.list'],
    ['B26', 'remove.tasks-refs-tasks'],
    ['B27', 'keep'],
    ['B27', 'nmi.right-order'],
    ['B28', 'bit'],
    ['B28', 'bit-per-level.nmi'],
    ['B28', 'transition-bit.nmi-entry'],
  ])('%s %s', (name, variant) => {
    expect(run(name, variant)).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' }, missingWitnesses: [] });
  });
});
