import { expect, test } from 'vitest';
import type { CheckId } from '../../src/explore/violation.ts';
import type { FetchPolicyName } from '../../src/machine/policy/policy.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);

test.each<readonly [string, string, FetchPolicyName, CheckId | 'ok']>([
  ['B31', 'complete', 'intel-sdm', 'ok'],
  ['B31', 'no-grace-period', 'coherent', 'assertion'],
  ['B31', 'bypass-first', 'coherent', 'assertion'],
  ['B31', 'target-first', 'coherent', 'assertion'],
  ['B31', 'loading.look-up', 'coherent', 'I12'],
  ['B31', 'loading.stable-first', 'coherent', 'I12'],
  ['B32', 'complete', 'intel-sdm', 'ok'],
  ['B32', 'off-by-four', 'intel-sdm', 'ok'],
  ['B32', 'off-by-four.no-compare', 'coherent', 'I12'],
  ['B32', 'two', 'coherent', 'ok'],
  ['B32', 'two.no-compare', 'coherent', 'I12'],
  ['B32', 'two.no-mutex', 'coherent', 'I12'],
])('%s %s under %s', (name, variantName, fetch, wanted) => {
  const scenario = scenarioOf(name);
  const result = runner.run(scenario, variantOf(scenario, variantName), { victims: 1, fetch, memory: 'tso' }, { shrink: false });
  expect(result.asRecorded).toBe(true);
  if (wanted === 'ok') expect(result).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' }, missingWitnesses: [] });
  else expect(result).toMatchObject({ verdict: 'violation', counterexample: { violation: { check: wanted } } });
});
