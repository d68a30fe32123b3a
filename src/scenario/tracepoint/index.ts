import type { Scenario } from '../scenario.ts';
import { higherPriority } from './higher-priority.ts';

/** Tracepoints over static_call. */
export const tracepoint: readonly Scenario[] = [higherPriority];
