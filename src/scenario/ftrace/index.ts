import type { Scenario } from '../scenario.ts';
import { bulk } from './bulk.ts';
import { callEmulation } from './call-emulation.ts';
import { directCalls } from './direct-calls.ts';
import { functionGraph } from './function-graph.ts';
import { ghostInt3 } from './ghost-int3.ts';
import { lateHandler } from './late-handler.ts';
import { nextModification } from './next-modification.ts';
import { opsFuncMismatch } from './ops-func-mismatch.ts';
import { perCpuScratch } from './per-cpu-scratch.ts';
import { recursion } from './recursion.ts';
import { trampolineLifetime } from './trampoline-lifetime.ts';
import { treatAsNop } from './treat-as-nop.ts';
import { unregisterDynamicOps } from './unregister-dynamic-ops.ts';

/** ftrace: call sites, trampolines, and their clients. */
export const ftrace: readonly Scenario[] = [
  lateHandler,
  nextModification,
  treatAsNop,
  callEmulation,
  perCpuScratch,
  opsFuncMismatch,
  unregisterDynamicOps,
  ghostInt3,
  bulk,
  trampolineLifetime,
  directCalls,
  functionGraph,
  recursion,
];
