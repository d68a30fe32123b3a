import { amdApm } from './amd-apm.ts';
import { coherent } from './coherent.ts';
import { icache } from './icache.ts';
import { intelSdm } from './intel-sdm.ts';
import type { AnyFetchPolicy, AnyFetchPolicyName, FetchPolicy, FetchPolicyName, TeachingPolicy } from './policy.ts';
import { strict } from './strict.ts';
import { zen3 } from './zen3.ts';

/** The fetch policies of the matrix, from the fewest behaviours to the most. */
export const FETCH_POLICIES: readonly FetchPolicy[] = [coherent, zen3, amdApm, intelSdm, strict];

export const FETCH_POLICY_NAMES: readonly FetchPolicyName[] = FETCH_POLICIES.map((p) => p.name);

/** Policies that can be chosen besides those of the matrix. */
export const TEACHING_POLICIES: readonly TeachingPolicy[] = [icache];

/** What `--fetch` takes. */
export const ALL_FETCH_POLICY_NAMES: readonly AnyFetchPolicyName[] = [...FETCH_POLICIES, ...TEACHING_POLICIES].map((p) => p.name);

/** The policy of a name, of the matrix or not; undefined when there is none. */
export function fetchPolicy(name: AnyFetchPolicyName): AnyFetchPolicy;
export function fetchPolicy(name: string): AnyFetchPolicy | undefined;
export function fetchPolicy(name: string): AnyFetchPolicy | undefined {
  return [...FETCH_POLICIES, ...TEACHING_POLICIES].find((p) => p.name === name);
}
