import { expect, test } from 'vitest';
import type { CheckId } from '../../src/explore/violation.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);

test.each<readonly [string, string, number, CheckId | 'ok']>([
  ['B11', 'ist.handler', 0, 'I6b'],
  ['B11', 'ist.nmi', 0, 'I6b'],
  ['B11', 'shift-ist.handler', 0, 'ok'],
  ['B11', 'shift-ist.nmi', 0, 'I6b'],
  ['B11', 'no-ist.handler', 0, 'ok'],
  ['B11', 'no-ist.nmi', 0, 'ok'],
  ['B12', 'no-iret', 1, 'ok'],
  ['B12', 'int3', 1, 'I6b'],
  ['B12', 'sync-core', 1, 'I6b'],
  ['B12', 'sync-core-serialize', 1, 'ok'],
  ['B12', 'repeat.blind-to-rsp', 1, 'I6b'],
  ['B12', 'repeat.blind-to-rip', 1, 'exception'],
])('%s %s', (name, variantName, victims, wanted) => {
  const scenario = scenarioOf(name);
  const result = runner.run(scenario, variantOf(scenario, variantName), { victims, fetch: 'intel-sdm', memory: 'sc' }, { shrink: false });
  expect(result.asRecorded).toBe(true);
  if (wanted === 'ok') expect(result).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' }, missingWitnesses: [] });
  else expect(result).toMatchObject({ verdict: 'violation', counterexample: { violation: { check: wanted } } });
});
