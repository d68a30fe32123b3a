/** As much of vitest's `this` and results as matchers use. */
export interface MatcherState {
  readonly isNot: boolean;
  readonly currentTestName?: string;
}

export interface SyncExpectationResult {
  readonly pass: boolean;
  readonly message: () => string;
}
