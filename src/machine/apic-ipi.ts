import { Activity, Vector } from '../isa/core-state.ts';
import { apicError, processorPriority, requestInterrupt, resetApic, softwareEnabled } from './apic.ts';
import type { Core } from './core.ts';
import type { MachineParts } from './parts.ts';

/** Delivery modes of the interrupt command register (SDM Vol. 3, "Interrupt Command Register"). SMI does nothing: there is no SMM. */
const MODE = { fixed: 0, lowestPriority: 1, nmi: 4, init: 5, startup: 6 } as const;
const SHORTHAND = { none: 0, self: 1, all: 2, others: 3 } as const;
const BROADCAST = 0xffffffff;
const SEND_ILLEGAL_VECTOR = 5;

/** The logical x2APIC id: cluster in the high half, one bit of 16 in the low half (SDM Vol. 3, "Deriving Logical x2APIC ID"). */
export const logicalId = (id: number): number => ((id >>> 4) << 16) | (1 << (id & 15));

function targetsOf(machine: MachineParts, sender: Core, icr: bigint): readonly Core[] {
  switch (Number((icr >> 18n) & 3n)) {
    case SHORTHAND.self: return [sender];
    case SHORTHAND.all: return machine.cores;
    case SHORTHAND.others: return machine.cores.filter((core) => core !== sender);
    default: break;
  }
  const destination = Number(icr >> 32n);
  if (destination === BROADCAST) return machine.cores;
  if (((icr >> 11n) & 1n) === 0n) return machine.cores.filter((core) => core.index === destination);
  return machine.cores.filter((core) => {
    const logical = logicalId(core.index);
    return logical >>> 16 === destination >>> 16 && (logical & destination & 0xffff) !== 0;
  });
}

/**
 * Sends what a write to the interrupt command register asks for: the targets have it at once, pending; when each takes it is not decided
 * here.
 */
export function sendIpi(machine: MachineParts, sender: Core, icr: bigint): void {
  const vector = Number(icr & 0xffn);
  const mode = Number((icr >> 8n) & 7n);
  let targets = targetsOf(machine, sender, icr);
  switch (mode) {
    case MODE.fixed: case MODE.lowestPriority:
      if (vector < 16) {
        apicError(sender, SEND_ILLEGAL_VECTOR);
        return;
      }
      if (mode === MODE.lowestPriority) targets = lowest(targets);
      for (const target of targets) requestInterrupt(target, vector);
      break;
    case MODE.nmi:
      for (const target of targets) target.setSmall('nmiPending', 1);
      break;
    case MODE.init:
      // Level deassert only synchronises arbitration ids of processors that had them.
      if (((icr >> 15n) & 1n) === 1n && ((icr >> 14n) & 1n) === 0n) return;
      for (const target of targets) init(machine, target);
      break;
    case MODE.startup:
      for (const target of targets) startup(machine, target, vector);
      break;
    default: return;
  }
  machine.emit({ kind: 'ipi', core: sender.index, vector: mode === MODE.nmi ? Vector.NMI : vector, targets: targets.map((core) => core.index) });
}

/** Lowest-priority delivery: of equals the first. */
function lowest(targets: readonly Core[]): readonly Core[] {
  const able = targets.filter(softwareEnabled);
  const first = able.reduce<Core | undefined>((best, core) => (best === undefined || processorPriority(core) < processorPriority(best) ? core : best), undefined);
  return first === undefined ? [] : [first];
}

/** INIT parks the core until a startup IPI; what it was doing is lost. */
function init(machine: MachineParts, core: Core): void {
  core.setSmall('activity', Activity.waitForSipi);
  for (const word of ['nmiPending', 'nmiBlocked', 'interruptShadow', 'singleStepPending'] as const) core.setSmall(word, 0);
  resetApic(core);
  machine.flushTlb(core);
}

/** Only a core that waits for it takes a startup IPI. Where the host has no start-up code for it, it stays parked. */
function startup(machine: MachineParts, core: Core, vector: number): void {
  if (core.small('activity') !== Activity.waitForSipi) return;
  machine.host.startup?.(core, vector);
}
