import type { Scenario } from '../scenario.ts';

/** Text of user mode. */
export const user: readonly Scenario[] = [];
