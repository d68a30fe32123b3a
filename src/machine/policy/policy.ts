/** What instruction fetch may return: rules as data. `TextVersions` turns them into choices, `InstructionCaches` those of a cache. */
export interface FetchRules {
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
  /** What is stale comes from a cache of this size, not from any version since the core serialized. */
  readonly cache?: CacheGeometry;
  /** Where the rules come from; "ours" where the manual is silent. */
  readonly source: string;
}

/**
 * One of the policies that scenarios record verdicts for. Behaviours grow from `coherent` over `zen3`, `amd-apm` and `intel-sdm` to `strict`.
 */
export interface FetchPolicy extends FetchRules {
  readonly name: FetchPolicyName;
}

/** A policy to learn from and to look at: between `coherent` and `intel-sdm`, and no part of the matrix. */
export interface TeachingPolicy extends FetchRules {
  readonly name: TeachingPolicyName;
  readonly cache: CacheGeometry;
}

/** An instruction cache of lines of 64 bytes. */
export interface CacheGeometry {
  /** The line at physical address A is kept in set (A / 64) mod `sets`. */
  readonly sets: number;
  readonly ways: number;
  /** Lines behind that of RIP that may be filled before they are needed, as may that of RIP itself. 0: none of them, nor that of RIP. */
  readonly prefetch: number;
}

export type FetchPolicyName = 'coherent' | 'zen3' | 'amd-apm' | 'intel-sdm' | 'strict';
export type TeachingPolicyName = 'icache';
export type AnyFetchPolicy = FetchPolicy | TeachingPolicy;
export type AnyFetchPolicyName = FetchPolicyName | TeachingPolicyName;

/** Whether stale bytes come from the versions that memory held. */
export const keepsVersions = (rules: FetchRules): boolean => rules.stale && rules.cache === undefined;
