import type { Scenario } from '../scenario.ts';

/** BPF programs and trampolines. */
export const bpf: readonly Scenario[] = [];
