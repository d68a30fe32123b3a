import type { Scenario } from '../scenario.ts';

/** Tracepoints over static_call. */
export const tracepoint: readonly Scenario[] = [];
