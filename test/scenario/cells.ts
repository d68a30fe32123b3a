import { expect, test } from 'vitest';
import type { CheckId } from '../../src/explore/violation.ts';
import type { FetchPolicyName } from '../../src/machine/policy/policy.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

/** Scenario, variant, fetch policy, and what a search with one victim says: settled, or which check breaks. */
export type CellTest = readonly [scenario: string, variant: string, fetch: FetchPolicyName, wanted: CheckId | 'ok'];

/** A test for each cell. */
export function testCells(cells: readonly CellTest[]): void {
  const runner = new CellRunner(builtFixture);
  test.each(cells)('%s %s under %s', (name, variantName, fetch, wanted) => {
    const scenario = scenarioOf(name);
    const result = runner.run(scenario, variantOf(scenario, variantName), { victims: 1, fetch, memory: 'tso' }, { shrink: false });
    expect(result.asRecorded).toBe(true);
    if (wanted === 'ok') expect(result).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' }, missingWitnesses: [] });
    else expect(result).toMatchObject({ verdict: 'violation', counterexample: { violation: { check: wanted } } });
  });
}
