import { Activity, Vector } from '../isa/core-state.ts';
import { apicError, processorPriority, requestInterrupt, resetApic, softwareEnabled } from './apic-state.ts';
import type { Core } from './core.ts';
import type { MachineParts } from './parts.ts';

/** Delivery modes of the interrupt command register (SDM Vol. 3, "Interrupt Command Register"). There is no SMM, so SMI is not one. */
const MODES = { 0: 'fixed', 1: 'lowestPriority', 4: 'nmi', 5: 'init', 6: 'startup' } as const;
const SHORTHANDS = ['none', 'self', 'all-including-self', 'all-excluding-self'] as const;

/** An interprocessor interrupt. */
export interface Ipi {
  /** Ignored for NMI and INIT; the page number of the start-up code for a startup IPI. */
  readonly vector: number;
  /** `fixed` unless given. */
  readonly mode?: (typeof MODES)[keyof typeof MODES];
  /** `none` unless given: `destination` says who. */
  readonly shorthand?: (typeof SHORTHANDS)[number];
  /** An x2APIC id, `BROADCAST`, or with `logical` a cluster and a bit set. */
  readonly destination?: number;
  readonly logical?: boolean;
}

const BROADCAST = 0xffffffff;
const SEND_ILLEGAL_VECTOR = 5;

/** The logical x2APIC id: cluster in the high half, one bit of 16 in the low half (SDM Vol. 3, "Deriving Logical x2APIC ID"). */
export const logicalId = (id: number): number => ((id >>> 4) << 16) | (1 << (id & 15));

/** What a value of the interrupt command register asks for; undefined for what has no effect. */
export function decodeIcr(icr: bigint): Ipi | undefined {
  const mode = MODES[Number((icr >> 8n) & 7n) as keyof typeof MODES] as Ipi['mode'] | undefined;
  if (mode === undefined) return undefined;
  // INIT with level deassert only synchronised arbitration ids of processors that had them.
  if (mode === 'init' && ((icr >> 14n) & 3n) === 2n) return undefined;
  const shorthand = SHORTHANDS[Number((icr >> 18n) & 3n)] as (typeof SHORTHANDS)[number];
  return { vector: Number(icr & 0xffn), mode, shorthand, destination: Number(icr >> 32n), logical: ((icr >> 11n) & 1n) === 1n };
}

function targetsOf(
  machine: MachineParts,
  sender: Core,
  { shorthand = 'none', destination = BROADCAST, logical = false }: Ipi,
): readonly Core[] {
  if (shorthand === 'self') return [sender];
  if (shorthand === 'all-excluding-self') return machine.cores.filter((core) => core !== sender);
  if (shorthand === 'all-including-self' || destination === BROADCAST) return machine.cores;
  if (!logical) return machine.cores.filter((core) => core.index === destination);
  return machine.cores.filter((core) => {
    const id = logicalId(core.index);
    return id >>> 16 === destination >>> 16 && (id & destination & 0xffff) !== 0;
  });
}

/** Sends: the targets have it at once, pending; when each takes it is not decided here. A fixed vector below 16 is an error of the sender's APIC. */
export function sendIpi(machine: MachineParts, sender: Core, ipi: Ipi): void {
  const { vector, mode = 'fixed' } = ipi;
  let targets = targetsOf(machine, sender, ipi);
  switch (mode) {
    case 'fixed':
    case 'lowestPriority':
      if (vector < 16) {
        apicError(sender, SEND_ILLEGAL_VECTOR);
        return;
      }
      if (mode === 'lowestPriority') targets = lowest(targets);
      for (const target of targets) requestInterrupt(target, vector);
      break;
    case 'nmi':
      for (const target of targets) target.setSmall('nmiPending', 1);
      break;
    case 'init':
      for (const target of targets) init(machine, target);
      break;
    case 'startup':
      for (const target of targets) startup(machine, target, vector);
  }
  machine.emit({
    kind: 'ipi',
    core: sender.index,
    vector: mode === 'nmi' ? Vector.NMI : vector,
    targets: targets.map((core) => core.index),
  });
}

/** Lowest-priority delivery: of equals the first. */
function lowest(targets: readonly Core[]): readonly Core[] {
  const able = targets.filter(softwareEnabled);
  const first = able.reduce<Core | undefined>(
    (best, core) => (best === undefined || processorPriority(core) < processorPriority(best) ? core : best),
    undefined,
  );
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
