import type { Executions } from './dpor/search.ts';
import type { RunLength } from './price.ts';
import type { Sample } from './sample/sample.ts';
import type { Disagreement } from './twin.ts';
import type { Violation } from './violation.ts';

/** How much was looked at. */
export type Coverage =
  /** Every state that the models allow. */
  | { readonly kind: 'exhaustive' }
  /** Every state within named bounds that were reached. */
  | { readonly kind: 'bounded'; readonly bounds: readonly string[] }
  /** The search ended at the first violation. */
  | { readonly kind: 'first-violation' }
  /** The search stopped before it was done. */
  | { readonly kind: 'incomplete' }
  /** Random schedules. */
  | { readonly kind: 'sampled'; readonly schedules: number };

export interface Counts {
  /** Distinct states; 0 when the search remembers none. */
  states: number;
  /** Choices performed. */
  transitions: number;
  /** Longest path, in choices. */
  depth: number;
  /** Memory that the search holds for what it has found, where it says so. */
  bytes?: number;
}

/** A run that violates something: the answers at each step, as indices into the options offered there. */
export interface Counterexample {
  readonly violation: Violation;
  readonly answers: readonly number[];
  /** Of one that was made shorter. */
  readonly length?: CounterexampleLength;
}

/** How long a counterexample is, by `priceOf`. */
export interface CounterexampleLength extends RunLength {
  /** No run to a violation of this check and cause is shorter. */
  readonly shortest: boolean;
}

export type Verdict =
  | 'ok'
  | 'violation'
  /** No violation, but some witness is missing: the scenario did not exercise what it claims to. */
  | 'vacuous'
  /** The search stopped before its coverage was reached. */
  | 'inconclusive';

export interface SearchResult {
  readonly verdict: Verdict;
  readonly coverage: Coverage;
  readonly counts: Counts;
  readonly counterexample: Counterexample | undefined;
  readonly missingWitnesses: readonly string[];
  readonly notes: readonly string[];
  /** Why an inconclusive search stopped. */
  readonly stopped: string | undefined;
  /** Of a search by several workers: the transitions of `counts` depend on chance then, and so does this. */
  readonly cost?: Cost;
  /** Of a search over orders: how many it took. */
  readonly executions?: Executions;
  /** Of twin searches: what only one of them found. Never anything but a defect of one of them. */
  readonly disagreements?: readonly Disagreement[];
  /** Of random schedules: how they were drawn, and what that says. */
  readonly sample?: Sample;
}

/** What a search by several workers took: it depends on how many they are and on who comes first. */
export interface Cost {
  readonly jobs: number;
  /** Choices performed, by all workers in all rounds. */
  readonly transitions: number;
  /** Cases that were run on the machine. */
  readonly runs: number;
  /** Where somebody has looked at a clock. */
  readonly seconds?: number;
}

/** Limits of a search. Steps are transitions; `stop` is asked now and then and ends the search when it gives a reason. */
export interface Budget {
  readonly maxSteps?: number;
  readonly stop?: (counts: Counts) => string | undefined;
}

export const ASK_EVERY = 4096;
