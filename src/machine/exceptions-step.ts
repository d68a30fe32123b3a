import { RF, TF, Vector } from '../isa/core-state.ts';
import type { Core } from './core.ts';
import { DR6_BS, deliver } from './exceptions.ts';
import type { MachineParts } from './parts.ts';

/** `interruptShadow`: after STI maskable interrupts wait for one instruction; after MOV SS and POP SS also NMIs and debug traps. */
export const SHADOW_STI = 1;
export const SHADOW_MOV_SS = 2;

/** A shadow begins, unless the instruction stands in one itself (SDM Vol. 3, "Masking Exceptions and Interrupts When Switching Stacks"). */
export function beginShadow(core: Core, shadow: number): void {
  if (core.small('interruptShadow') === 0) core.setSmall('interruptShadow', shadow);
}

/** What must be known of the core before an instruction to finish it. */
export interface StepStart {
  readonly trap: boolean;
  readonly shadow: number;
  readonly resume: boolean;
  readonly cpl: number;
}

/** Whether the next instruction must run alone, between `startStep` and `finishStep`: TF, RF or a shadow is set. */
export const mustStep = (core: Core): boolean => core.special;

export const startStep = (core: Core): StepStart => ({
  trap: (core.small('flagSystem') & TF) !== 0,
  resume: (core.small('flagSystem') & RF) !== 0,
  shadow: core.small('interruptShadow'),
  cpl: core.small('cpl'),
});

/**
 * After an instruction that retired (not one that raised an exception): the shadow that it stood in ends, RF is cleared, and a single-step
 * trap becomes due where TF was set when it began. MOV SS holds the trap back; SYSCALL that clears TF drops it (SDM Vol. 3, "Single-Step
 * Exception Condition").
 */
export function finishStep(core: Core, start: StepStart): void {
  const flags = core.small('flagSystem');
  if (start.shadow !== 0) core.setSmall('interruptShadow', 0);
  if (start.resume) core.setSmall('flagSystem', flags & ~RF);
  const held = start.shadow === 0 && core.small('interruptShadow') === SHADOW_MOV_SS;
  const dropped = core.small('cpl') < start.cpl && (flags & TF) === 0;
  if (start.trap && !held && !dropped) core.setSmall('singleStepPending', 1);
}

/** Delivers the single-step #DB that is due; false when none is. Before any interrupt is taken (SDM Vol. 3, "Priority Among Simultaneous Events"). */
export function deliverPendingDebug(machine: MachineParts, core: Core): boolean {
  if (core.small('singleStepPending') === 0) return false;
  deliver(machine, core, { vector: Vector.DB, kind: 'trap', savedRip: core.get('rip'), debugStatus: DR6_BS });
  return true;
}
