import type { Scenario } from '../scenario.ts';

/** Unregistering a probe under memory failure. */
export const unregister: readonly Scenario[] = [];
