import type { Scenario } from '../scenario.ts';

/** Probes on any instruction. */
export const kprobes: readonly Scenario[] = [];
