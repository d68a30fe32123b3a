import { amdApm } from './amd-apm.ts';
import { coherent } from './coherent.ts';
import { intelSdm } from './intel-sdm.ts';
import type { FetchPolicy, FetchPolicyName } from './policy.ts';
import { strict } from './strict.ts';
import { zen3 } from './zen3.ts';

/** All fetch policies, from the fewest behaviours to the most. */
export const FETCH_POLICIES: readonly FetchPolicy[] = [coherent, zen3, amdApm, intelSdm, strict];

export const FETCH_POLICY_NAMES: readonly FetchPolicyName[] = FETCH_POLICIES.map((p) => p.name);

/** The policy of a name; undefined when there is none. */
export function fetchPolicy(name: string): FetchPolicy | undefined {
  return FETCH_POLICIES.find((p) => p.name === name);
}
