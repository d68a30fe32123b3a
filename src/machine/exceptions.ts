import { CORE, Stop } from '../engine/layout.ts';
import { Activity, IF, NT, RF, TF, Vector, VM } from '../isa/core-state.ts';
import { AccessStopped, type Core, GuestFault } from './core.ts';
import { enterProtected, enterReal } from './entry-legacy.ts';
import { type EntryEvent, enterLong } from './entry-long.ts';
import type { MachineParts } from './parts.ts';
import { isLong, isProtected } from './segmentation.ts';

/** An exception or interrupt that is due. */
export interface Delivery {
  readonly vector: number;
  /** Pushed for the vectors that have one, when `kind` is `fault`. */
  readonly errorCode?: bigint;
  /**
   * `software` is INT n; INT3 is a `trap` of vector 3. Of these two kinds #GP(vector * 8 + 2) comes when the gate's DPL does not allow the CPL.
   */
  readonly kind: 'fault' | 'trap' | 'software' | 'interrupt' | 'nmi';
  readonly savedRip: bigint;
  /** Bits to set in DR6 when a #DB is delivered, such as `DR6_BS`. */
  readonly debugStatus?: number;
  /** A double fault that a #PF led to: CR2 is that of the last #PF. */
  readonly pageFault?: boolean;
}

/** DR6.BS: a single-step trap. */
export const DR6_BS = 1 << 14;
const DR7_GD = 1n << 13n;

const EXTERNAL = 1;
const CONTROL_PROTECTION = 21;

const WITH_ERROR_CODE: ReadonlySet<number> = new Set([
  Vector.DF,
  Vector.TS,
  Vector.NP,
  Vector.SS,
  Vector.GP,
  Vector.PF,
  Vector.AC,
  CONTROL_PROTECTION,
]);
const CONTRIBUTORY: ReadonlySet<number> = new Set([Vector.DE, Vector.TS, Vector.NP, Vector.SS, Vector.GP, CONTROL_PROTECTION]);

/**
 * Delivers an exception or interrupt through the IDT, as the core's mode does (SDM Vol. 3, "Interrupt and Exception Handling"), with the faults that
 * the delivery itself raises: serially, as a double fault, or as shutdown. A #PF takes its address from `CORE.stopCr2`.
 *
 * Throws `AccessStopped` when a memory access of the delivery has to wait; the core is then as it was and the call can be made again.
 */
export function deliver(machine: MachineParts, core: Core, delivery: Delivery): 'delivered' | 'shutdown' {
  const noted = [CORE.stopVector, CORE.stopError, CORE.stopKind, CORE.stopCr2].map((at) => [at, core.rawLong(at)] as const);
  let due = delivery;
  for (;;) {
    try {
      deliverOnce(machine, core, due);
      return 'delivered';
    } catch (error) {
      const fault = nestedFault(machine, core, error, isExternal(due));
      if (fault === undefined) {
        for (const [at, value] of noted) core.setRawLong(at, value);
        throw error;
      }
      const next = combine(due, fault, core.get('rip'));
      if (next === 'shutdown') {
        shutDown(machine, core, `fault ${fault.vector} during the delivery of a double fault`);
        return 'shutdown';
      }
      due = next;
    }
  }
}

/** The core stops until it is reset (SDM Vol. 3, "Double Fault Exception": shutdown mode). */
function shutDown(machine: MachineParts, core: Core, why: string): void {
  core.setSmall('activity', Activity.shutdown);
  machine.emit({ kind: 'shutdown', core: core.index, rip: core.get('rip'), why });
}

/** The EXT bit of error codes: the event came from outside the program, or is an exception rather than INT n, INT3 or INTO. */
const isExternal = (d: Delivery): boolean => !fromInstruction(d);
const fromInstruction = (d: Delivery): boolean =>
  d.kind === 'software' || (d.kind === 'trap' && (d.vector === Vector.BP || d.vector === Vector.OF));

interface NestedFault {
  readonly vector: number;
  readonly errorCode: bigint;
}

/** The guest fault behind an error that a delivery threw; undefined when it is not one. */
function nestedFault(machine: MachineParts, core: Core, error: unknown, external: boolean): NestedFault | undefined {
  if (error instanceof GuestFault) return error;
  const { stop } = machine.engine.globals;
  if (!(error instanceof AccessStopped) || stop.value !== Stop.exception + 1) return undefined;
  stop.value = 0;
  const vector = Number(core.rawLong(CORE.stopVector));
  const errorCode = core.rawLong(CORE.stopError);
  return { vector, errorCode: vector === Vector.PF || !external ? errorCode : errorCode | BigInt(EXTERNAL) };
}

/** SDM Vol. 3, "Conditions for Generating a Double Fault". */
function combine(first: Delivery, second: NestedFault, rip: bigint): Delivery | 'shutdown' {
  const grave = second.vector === Vector.PF || CONTRIBUTORY.has(second.vector);
  const serial: Delivery = { vector: second.vector, errorCode: second.errorCode, kind: 'fault', savedRip: rip };
  if (first.kind !== 'fault' || !grave) return serial;
  if (first.vector === Vector.DF) return 'shutdown';
  const anyPageFault = first.vector === Vector.PF || second.vector === Vector.PF;
  const both = first.vector === Vector.PF || (CONTRIBUTORY.has(first.vector) && second.vector !== Vector.PF);
  return both ? { vector: Vector.DF, errorCode: 0n, kind: 'fault', savedRip: rip, pageFault: anyPageFault } : serial;
}

function deliverOnce(machine: MachineParts, core: Core, d: Delivery): void {
  const isFault = d.kind === 'fault';
  const { rflags } = core;
  const event: EntryEvent = {
    vector: d.vector,
    external: isExternal(d) ? EXTERNAL : 0,
    checksDpl: fromInstruction(d),
    flags: BigInt((isFault && d.vector !== Vector.DF && d.vector !== Vector.DB ? rflags | RF : rflags) >>> 0),
    savedRip: d.savedRip,
    errorCode: isFault && WITH_ERROR_CODE.has(d.vector) ? (d.errorCode ?? 0n) : undefined,
  };
  const entered = isLong(core)
    ? enterLong(machine, core, event)
    : isProtected(core)
      ? enterProtected(machine, core, event)
      : enterReal(machine, core, event);
  const { errorCode } = event;
  core.setSmall('flagSystem', core.small('flagSystem') & ~(TF | NT | RF | VM | (entered.masksInterrupts ? IF : 0)));
  core.setSmall('interruptShadow', 0);
  core.setSmall('singleStepPending', 0);
  core.setSmall('activity', Activity.running);
  if (d.kind === 'nmi') core.setSmall('nmiBlocked', 1);
  if (isFault && (d.vector === Vector.PF || d.pageFault === true)) core.set('cr2', core.rawLong(CORE.stopCr2));
  if (d.vector === Vector.DB && d.kind !== 'software') {
    core.set('dr6', core.get('dr6') | BigInt(d.debugStatus ?? 0));
    core.set('dr7', core.get('dr7') & ~DR7_GD);
  }
  const frameAt = entered.frameAt;
  if (d.kind === 'interrupt' || d.kind === 'nmi') {
    machine.emit({ kind: 'interrupt', core: core.index, vector: d.vector, rip: d.savedRip, frame: frameAt });
  } else {
    machine.emit({ kind: 'exception', core: core.index, vector: d.vector, errorCode, rip: d.savedRip, frame: frameAt });
  }
}
