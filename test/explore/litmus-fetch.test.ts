import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { FETCH_POLICY_NAMES } from '../../src/machine/policy/index.ts';
import { aboutOf, loadSuite, runSuiteTest, SUITE_PATH, verdictsOf } from '../../tools/litmus-suite.ts';

const assembler = await loadAssembler();
const suite = loadSuite();

describe('litmus tests of instruction fetch', () => {
  test.each(suite.tests)('$test', (expected) => {
    const { allowed, reported, states } = expected;
    // What a policy allows the later ones allow: a state is recorded with the first one, and nothing is left over.
    expect(runSuiteTest(expected.test, assembler)).toEqual({ allowed, reported, states, notGrowing: [], unsettled: [] });
  });

  test('each file is recorded, says what it is about, and has a rule for each policy', () => {
    const files = readdirSync(SUITE_PATH).filter((file) => file.endsWith('.litmus'));
    expect(suite.tests.map((t) => `${t.test}.litmus`).sort()).toEqual(files.sort());
    for (const { test: name, because } of suite.tests) {
      expect(aboutOf(name), name).not.toBe('');
      expect(
        FETCH_POLICY_NAMES.filter((p) => suite.rules[suite.reasons[because]?.[p] ?? ''] === undefined),
        name,
      ).toEqual([]);
    }
  });

  test('a verdict of the older table that is not ours has its reason, and only such a one', () => {
    const kept = suite.tests.filter((t) => t.family !== undefined);
    expect(kept).toHaveLength(33);
    for (const t of kept.filter((t) => t.catalogue !== undefined && t.test !== 'MP.FR'))
      expect(t.catalogue?.verdicts, t.test).not.toEqual(verdictsOf(t));
  });

  test('every two neighbours among the policies are told apart', () => {
    const firsts = new Set(suite.tests.flatMap((t) => Object.values(t.states)));
    expect([...FETCH_POLICY_NAMES].filter((p) => !firsts.has(p))).toEqual([]);
  });
});
