import type { Assembler } from '../../image/assembler/index.ts';
import type { Image } from '../../image/image.ts';
import { FETCH_POLICY_NAMES } from '../../machine/policy/index.ts';
import type { FetchPolicyName } from '../../machine/policy/policy.ts';
import { type LitmusOptions, type LitmusResult, runLitmus } from './run.ts';
import type { LitmusTest, Location } from './syntax.ts';

/** A final state and the policies that allow it. */
export interface AllowedState {
  readonly values: readonly bigint[];
  readonly policies: readonly FetchPolicyName[];
}

/** A test under every fetch policy. */
export interface PolicyComparison {
  readonly test: LitmusTest;
  readonly locations: readonly Location[];
  /** Of all policies, each once; those that the first policies allow first. */
  readonly states: readonly AllowedState[];
  /** From the fewest behaviours to the most. */
  readonly results: ReadonlyMap<FetchPolicyName, LitmusResult>;
}

/** Runs a test under every fetch policy. */
export function runPolicies(
  test: LitmusTest,
  lab: Image,
  assembler: Assembler,
  options: Omit<LitmusOptions, 'fetch'> = {},
): PolicyComparison {
  const results = new Map(FETCH_POLICY_NAMES.map((fetch) => [fetch, runLitmus(test, lab, assembler, { ...options, fetch })] as const));
  const states = new Map<string, { values: readonly bigint[]; policies: FetchPolicyName[] }>();
  let locations: readonly Location[] = [];
  for (const [fetch, result] of results) {
    locations = result.locations;
    for (const values of result.states) {
      const known = states.get(values.join());
      if (known === undefined) states.set(values.join(), { values, policies: [fetch] });
      else known.policies.push(fetch);
    }
  }
  return { test, locations, states: [...states.values()], results };
}
