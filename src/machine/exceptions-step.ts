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

/** Whether the next instruction must run alone, between `startStep` and `finishStep`: TF, RF, a shadow or a breakpoint is set. */
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
 * Exception Condition"). `data` are the data breakpoints that the instruction hit, as B0 to B3 of DR6: MOV SS holds their trap back as well, but
 * it is not lost.
 */
export function finishStep(core: Core, start: StepStart, data = 0): void {
  const flags = core.small('flagSystem');
  if (start.shadow !== 0) core.setSmall('interruptShadow', 0);
  if (start.resume) core.setSmall('flagSystem', flags & ~RF);
  const held = start.shadow === 0 && core.small('interruptShadow') === SHADOW_MOV_SS;
  const dropped = core.small('cpl') < start.cpl && (flags & TF) === 0;
  const step = start.trap && !held && !dropped ? SINGLE_STEP : 0;
  if (step !== 0 || data !== 0) core.setSmall('singleStepPending', core.small('singleStepPending') | step | (data << 1));
}

/** In `singleStepPending`: bit 0 is a single step, bits 1 to 4 are B0 to B3 of DR6. */
const SINGLE_STEP = 1;

/** Delivers the #DB that is due, of a single step or of data breakpoints; false when none is. Before any interrupt is taken (SDM Vol. 3, "Priority Among Simultaneous Events"). */
export function deliverPendingDebug(machine: MachineParts, core: Core): boolean {
  const due = core.small('singleStepPending');
  if (due === 0 || core.small('interruptShadow') === SHADOW_MOV_SS) return false;
  const debugStatus = ((due & SINGLE_STEP) !== 0 ? DR6_BS : 0) | (due >> 1);
  deliver(machine, core, { vector: Vector.DB, kind: 'trap', savedRip: core.get('rip'), debugStatus });
  return true;
}
