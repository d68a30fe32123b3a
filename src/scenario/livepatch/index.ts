import type { Scenario } from '../scenario.ts';

/** Functions replaced while tasks run them. */
export const livepatch: readonly Scenario[] = [];
