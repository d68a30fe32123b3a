/**
 * What instruction fetch may return: the rules of one policy, as data. `TextVersions` turns them into choices.
 * Behaviours grow from `coherent` over `zen3`, `amd-apm` and `intel-sdm` to `strict`.
 */
export interface FetchPolicy {
  readonly name: FetchPolicyName;
  /** Another core's store may stay unseen by fetch until this core serializes. */
  readonly stale: boolean;
  /** What is fetched at one moment, from one version: the whole instruction, a cache line, an aligned quadword, a byte. */
  readonly atom: 'instruction' | 'line' | 'quadword' | 'byte';
  /** A version that was fetched is never followed by an older one on the same core (no "new then old"). */
  readonly monotone: boolean;
  /** When this core's own store through the executed linear address is certain to be fetched. */
  readonly ownStore: 'now' | 'taken-branch' | 'serialize';
  /** MFENCE is a serializing event. */
  readonly mfenceSerializes: boolean;
  /** What the code-race sanitizer makes of a fetch that could have returned two different instructions. */
  readonly race: 'note' | 'violation-unless-one-quadword-store' | 'violation';
  /** Where the rules come from; "ours" where the manual is silent. */
  readonly source: string;
}

export type FetchPolicyName = 'coherent' | 'zen3' | 'amd-apm' | 'intel-sdm' | 'strict';
