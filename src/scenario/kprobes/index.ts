import type { Scenario } from '../scenario.ts';
import { entryRecursion } from './entry-recursion.ts';
import { ghostProbe } from './ghost-probe.ts';
import { interruptInStep } from './interrupt-in-step.ts';
import { iretInTheMiddle } from './iret-in-the-middle.ts';
import { nmiHit } from './nmi.ts';
import { optprobePreemption } from './optprobe-preemption.ts';
import { reenterBug } from './reenter-bug.ts';
import { unoptimize } from './unoptimize.ts';
import { watchpointInEntry } from './watchpoint-in-entry.ts';
import { wrongAttribution } from './wrong-attribution.ts';

/** Probes on any instruction. */
export const kprobes: readonly Scenario[] = [
  entryRecursion,
  reenterBug,
  iretInTheMiddle,
  wrongAttribution,
  ghostProbe,
  interruptInStep,
  nmiHit,
  watchpointInEntry,
  unoptimize,
  optprobePreemption,
];
