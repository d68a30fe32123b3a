import { Activity, IF, Vector } from '../isa/core-state.ts';
import { highestVector, IN_SERVICE, processorPriority, REQUESTED, setVector, softwareEnabled } from './apic-state.ts';
import type { Core } from './core.ts';
import { deliver } from './exceptions.ts';
import { SHADOW_MOV_SS } from './exceptions-step.ts';
import type { MachineParts } from './parts.ts';

/** What the core would take now if it were interrupted: NMI before maskable interrupts (SDM Vol. 3, "Priority Among Simultaneous Events"). */
export function deliverable(_machine: MachineParts, core: Core): 'nmi' | number | undefined {
  if (!core.interruptWaits) return undefined;
  const activity = core.activity;
  if (activity !== Activity.running && activity !== Activity.halted) return undefined;
  const shadow = core.small('interruptShadow');
  if (core.small('nmiPending') !== 0 && core.small('nmiBlocked') === 0 && shadow !== SHADOW_MOV_SS) return 'nmi';
  if ((core.small('flagSystem') & IF) === 0 || shadow !== 0 || !softwareEnabled(core)) return undefined;
  const vector = highestVector(core, REQUESTED);
  return vector >= 0 && vector >>> 4 > processorPriority(core) >>> 4 ? vector : undefined;
}

/**
 * Takes what is deliverable: acknowledges it at the APIC and enters its handler. Wakes a halted core. False when there is nothing. Throws
 * `AccessStopped`, with nothing changed, when a memory access of the delivery has to wait.
 */
export function accept(machine: MachineParts, core: Core): boolean {
  const taken = deliverable(machine, core);
  if (taken === undefined) return false;
  const savedRip = core.get('rip');
  if (taken === 'nmi') {
    deliver(machine, core, { vector: Vector.NMI, kind: 'nmi', savedRip });
    core.setSmall('nmiPending', 0);
  } else {
    deliver(machine, core, { vector: taken, kind: 'interrupt', savedRip });
    setVector(core, REQUESTED, taken, false);
    setVector(core, IN_SERVICE, taken, true);
  }
  return true;
}
