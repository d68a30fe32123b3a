import { expect, test } from 'vitest';
import type { CheckId } from '../../src/explore/violation.ts';
import type { FetchPolicyName } from '../../src/machine/policy/policy.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);

test.each<readonly [string, string, FetchPolicyName, CheckId | 'ok']>([
  ['B39', 'sync-core', 'intel-sdm', 'ok'],
  ['B39', 'no-sync', 'coherent', 'ok'],
  ['B39', 'no-sync', 'amd-apm', 'I4'],
  ['B39', 'no-sync', 'intel-sdm', 'code-race'],
  ['B39', 'no-sync.iret', 'intel-sdm', 'ok'],
  ['B40', 'nop5', 'coherent', 'assertion'],
  ['B40', 'nop10', 'intel-sdm', 'ok'],
  ['B40', 'nop10.unoptimize', 'intel-sdm', 'ok'],
  ['B40', 'nop10.unoptimize-all', 'coherent', 'I2'],
  ['B40', 'nop10.unoptimize-all', 'intel-sdm', 'code-race'],
  ['B41', 'no-fence', 'coherent', 'ok'],
  ['B41', 'no-fence', 'amd-apm', 'I4'],
  ['B41', 'fence', 'intel-sdm', 'code-race'],
  ['B41', 'slow.fence-if-armed', 'amd-apm', 'I4'],
  ['B41', 'slow.fence', 'amd-apm', 'ok'],
  ['B41', 'safepoint', 'strict', 'ok'],
])('%s %s under %s', (name, variantName, fetch, wanted) => {
  const scenario = scenarioOf(name);
  const result = runner.run(scenario, variantOf(scenario, variantName), { victims: 1, fetch, memory: 'tso' }, { shrink: false });
  expect(result.asRecorded).toBe(true);
  if (wanted === 'ok') expect(result).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' }, missingWitnesses: [] });
  else expect(result).toMatchObject({ verdict: 'violation', counterexample: { violation: { check: wanted } } });
});
