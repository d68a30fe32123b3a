import type { LookObserver } from '../engine/look-observer.ts';
import { Activity, IF, Vector } from '../isa/core-state.ts';
import { highestVector, IN_SERVICE, processorPriority, REQUESTED, setVector, softwareEnabled } from './apic-state.ts';
import type { Core } from './core.ts';
import { deliver } from './exceptions.ts';
import { SHADOW_MOV_SS } from './exceptions-step.ts';
import type { MachineParts } from './parts.ts';

/** What the core would take now if it were interrupted: NMI before maskable interrupts (SDM Vol. 3, "Priority Among Simultaneous Events"). */
export function deliverable(machine: MachineParts, core: Core): 'nmi' | number | undefined {
  const external = externalDeliverable(machine, core);
  if (!canBeInterrupted(core, external !== undefined)) return undefined;
  return nmiDeliverable(core) ? 'nmi' : (external ?? maskableDeliverable(core));
}

/** What an interrupt controller outside the cores asks for: it comes by the pin of the processor, past the task priority. */
function externalDeliverable({ host }: MachineParts, core: Core): number | undefined {
  if (host.ports === undefined || (core.small('flagSystem') & IF) === 0 || core.small('interruptShadow') !== 0) return undefined;
  return host.ports.pending(core);
}

/** Everything that it may take where what is pending need not have arrived yet: the NMI may still be on its way when the maskable one comes. */
export function deliverables(_machine: MachineParts, core: Core): readonly ('nmi' | number)[] {
  if (!canBeInterrupted(core)) return NONE;
  const maskable = maskableDeliverable(core);
  if (!nmiDeliverable(core)) return maskable === undefined ? NONE : [maskable];
  return maskable === undefined ? ['nmi'] : ['nmi', maskable];
}

const NONE: readonly never[] = [];

function canBeInterrupted(core: Core, waits = core.interruptWaits): boolean {
  if (core.looks !== undefined) tellPending(core, core.looks);
  // A trap that is due comes first.
  if (!(waits || core.interruptWaits) || core.small('singleStepPending') !== 0) return false;
  const activity = core.activity;
  return activity === Activity.running || activity === Activity.halted;
}

/** With interrupts off it does not matter which are pending; whether an NMI is always does. */
function tellPending(core: Core, looks: LookObserver): void {
  looks.pending(core.index, true);
  if ((core.small('flagSystem') & IF) !== 0) looks.pending(core.index, false);
}

const nmiDeliverable = (core: Core): boolean =>
  core.small('nmiPending') !== 0 && core.small('nmiBlocked') === 0 && core.small('interruptShadow') !== SHADOW_MOV_SS;

function maskableDeliverable(core: Core): number | undefined {
  if ((core.small('flagSystem') & IF) === 0 || core.small('interruptShadow') !== 0 || !softwareEnabled(core)) return undefined;
  const vector = highestVector(core, REQUESTED);
  return vector >= 0 && vector >>> 4 > processorPriority(core) >>> 4 ? vector : undefined;
}

/**
 * Takes an interrupt, the one with the highest priority unless given: acknowledges it at the APIC and enters its handler. Wakes a halted core. False
 * when there is nothing. Throws `AccessStopped`, with nothing changed, when a memory access of the delivery has to wait.
 */
export function accept(machine: MachineParts, core: Core, taken = deliverable(machine, core)): boolean {
  if (taken === undefined) return false;
  const savedRip = core.get('rip');
  if (taken === 'nmi') {
    deliver(machine, core, { vector: Vector.NMI, kind: 'nmi', savedRip });
    core.setSmall('nmiPending', 0);
  } else {
    const external = externalDeliverable(machine, core) === taken;
    deliver(machine, core, { vector: taken, kind: 'interrupt', savedRip });
    if (external) {
      machine.host.ports?.acknowledge();
      return true;
    }
    setVector(core, REQUESTED, taken, false);
    setVector(core, IN_SERVICE, taken, true);
  }
  return true;
}
