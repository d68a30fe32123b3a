import type { Scenario } from '../scenario.ts';
import { membarrier } from './membarrier.ts';
import { nmethodBarrier } from './nmethod-barrier.ts';
import { uprobes } from './uprobes.ts';

/** Text of user mode. */
export const user: readonly Scenario[] = [membarrier, uprobes, nmethodBarrier];
