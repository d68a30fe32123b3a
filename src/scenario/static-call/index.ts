import type { Scenario } from '../scenario.ts';

/** static_call: direct calls whose target is patched. */
export const staticCall: readonly Scenario[] = [];
