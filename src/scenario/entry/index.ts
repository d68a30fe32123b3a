import type { Scenario } from '../scenario.ts';

/** Exceptions, their stacks and NMIs. */
export const entry: readonly Scenario[] = [];
