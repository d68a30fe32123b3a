import type { Scenario } from '../scenario.ts';
import { bulk } from './bulk.ts';
import { callEmulation } from './call-emulation.ts';
import { ghostInt3 } from './ghost-int3.ts';
import { lateHandler } from './late-handler.ts';
import { nextModification } from './next-modification.ts';

/** ftrace: call sites and trampolines. */
export const ftrace: readonly Scenario[] = [lateHandler, nextModification, callEmulation, ghostInt3, bulk];
