import type { Scenario } from '../scenario.ts';

/** Static keys: branches that are patched. */
export const jumpLabel: readonly Scenario[] = [];
