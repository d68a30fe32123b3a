import type { Scenario } from '../scenario.ts';
import { membarrier } from './membarrier.ts';

/** Text of user mode. */
export const user: readonly Scenario[] = [membarrier];
