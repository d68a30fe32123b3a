import { CORE, Stop } from '../engine/layout.ts';
import { Activity, IF, NT, RF, RSP, TF, Vector, VM } from '../isa/core-state.ts';
import { AccessStopped, type Core, GuestFault } from './core.ts';
import { DESCRIPTOR_TYPE, isCode, isConforming, isNull, readDescriptor, selectorError, setTypeBits } from './descriptors.ts';
import { asSupervisor, isCanonical } from './paging.ts';
import type { MachineParts } from './parts.ts';

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
const IDT = 2;
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
 * Delivers an exception or interrupt through the IDT (SDM Vol. 3, "Exception and Interrupt Handling in 64-bit Mode"), with the faults that
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
export function shutDown(machine: MachineParts, core: Core, why: string): void {
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
  const external = isExternal(d) ? EXTERNAL : 0;
  const cpl = core.small('cpl');
  const gate = readGate(machine, core, d, external);
  const code = readDescriptor(machine, core, gate.selector);
  if (code === undefined || !isCode(code) || code.dpl > cpl) throw new GuestFault(Vector.GP, selectorError(gate.selector) | external);
  if (!code.present) throw new GuestFault(Vector.NP, selectorError(gate.selector) | external);
  if (!code.long || code.big) throw new GuestFault(Vector.GP, selectorError(gate.selector) | external);
  const newCpl = isConforming(code) ? cpl : code.dpl;

  const stack = newStack(machine, core, gate.ist, newCpl, external);
  if (!isCanonical(gate.offset)) throw new GuestFault(Vector.GP, external);
  setTypeBits(machine, core, code, 1);

  const rflags = core.rflags;
  const isFault = d.kind === 'fault';
  const image = isFault && d.vector !== Vector.DF && !(d.vector === Vector.DB) ? rflags | RF : rflags;
  const frame = [core.get('ss'), core.gpr(RSP), BigInt(image >>> 0), core.get('cs'), d.savedRip];
  const errorCode = isFault && WITH_ERROR_CODE.has(d.vector) ? (d.errorCode ?? 0n) : undefined;
  if (errorCode !== undefined) frame.push(errorCode);
  const top =
    cpl === 3 && newCpl !== 3
      ? asSupervisor(machine, core, () => pushAll(machine, core, stack, frame))
      : pushAll(machine, core, stack, frame);

  if (newCpl !== cpl) {
    core.setSmall('ss', newCpl);
    core.setSmall('cpl', newCpl);
    machine.flushTlb(core);
  }
  core.setGpr(RSP, top);
  core.setSmall('cs', (gate.selector & ~3) | newCpl);
  core.rip = gate.offset;
  core.setSmall('flagSystem', core.small('flagSystem') & ~(TF | NT | RF | VM | (gate.masksInterrupts ? IF : 0)));
  core.setSmall('interruptShadow', 0);
  core.setSmall('singleStepPending', 0);
  core.setSmall('activity', Activity.running);
  if (d.kind === 'nmi') core.setSmall('nmiBlocked', 1);
  if (isFault && (d.vector === Vector.PF || d.pageFault === true)) core.set('cr2', core.rawLong(CORE.stopCr2));
  if (d.vector === Vector.DB && d.kind !== 'software') {
    core.set('dr6', core.get('dr6') | BigInt(d.debugStatus ?? 0));
    core.set('dr7', core.get('dr7') & ~DR7_GD);
  }
  const frameAt = errorCode === undefined ? top : top + 8n;
  if (d.kind === 'interrupt' || d.kind === 'nmi') {
    machine.emit({ kind: 'interrupt', core: core.index, vector: d.vector, rip: d.savedRip, frame: frameAt });
  } else {
    machine.emit({ kind: 'exception', core: core.index, vector: d.vector, errorCode, rip: d.savedRip, frame: frameAt });
  }
}

/**
 * Pushes words below `stack` and gives the address of the last. Words that others can see are one visible operation: those behind the first need no more
 * of the budget, so that without store buffers a frame comes into memory at once.
 */
function pushAll(machine: MachineParts, core: Core, stack: bigint, words: readonly bigint[]): bigint {
  const { visible } = machine.engine.globals;
  const budget = visible.value;
  let seen = false;
  let top = stack;
  try {
    for (const word of words) {
      top = BigInt.asUintN(64, top - 8n);
      core.store(top, 8, word, 'stack');
      if (!seen && visible.value === budget) continue;
      seen = true;
      visible.value = words.length;
    }
  } finally {
    visible.value = seen ? budget - 1 : budget;
  }
  return top;
}

interface Gate {
  /** Five bits: the S bit and the type. */
  readonly type: number;
  readonly dpl: number;
  readonly present: boolean;
  readonly selector: number;
  readonly offset: bigint;
  readonly ist: number;
  /** An interrupt gate rather than a trap gate. */
  readonly masksInterrupts: boolean;
}

/** Reads and checks the 16-byte IDT gate (SDM Vol. 3, "64-Bit Mode IDT"). */
function readGate(machine: MachineParts, core: Core, d: Delivery, external: number): Gate {
  const errorCode = d.vector * 8 + IDT + external;
  if (d.vector * 16 + 15 > core.small('idtrLimit') >>> 0) throw new GuestFault(Vector.GP, errorCode);
  const at = core.get('idtrBase') + BigInt(d.vector * 16);
  const [low, high] = asSupervisor(machine, core, () => [core.load(at, 8), core.load(at + 8n, 8)] as const);
  const gate = gateOf(d.vector, low, high);
  if (gate.type !== DESCRIPTOR_TYPE.interruptGate && gate.type !== DESCRIPTOR_TYPE.trapGate) throw new GuestFault(Vector.GP, errorCode);
  if (fromInstruction(d) && gate.dpl < core.small('cpl')) throw new GuestFault(Vector.GP, errorCode);
  if (!gate.present) throw new GuestFault(Vector.NP, errorCode);
  if (isNull(gate.selector)) throw new GuestFault(Vector.GP, external);
  return gate;
}

/** The gate that was read last at each vector: the same words mean the same. */
const GATES: { readonly low: bigint; readonly high: bigint; readonly gate: Gate }[] = [];

function gateOf(vector: number, low: bigint, high: bigint): Gate {
  const known = GATES[vector];
  if (known !== undefined && known.low === low && known.high === high) return known.gate;
  const type = Number((low >> 40n) & 0x1fn);
  const gate = {
    type,
    dpl: Number((low >> 45n) & 3n),
    present: ((low >> 47n) & 1n) === 1n,
    selector: Number((low >> 16n) & 0xffffn),
    offset: (low & 0xffffn) | ((low >> 32n) & 0xffff0000n) | ((high & 0xffffffffn) << 32n),
    ist: Number((low >> 32n) & 7n),
    masksInterrupts: type === DESCRIPTOR_TYPE.interruptGate,
  };
  GATES[vector] = { low, high, gate };
  return gate;
}

/** First address above the frame: the stack in use, the privilege level's, or that of the gate's IST entry; aligned down to 16 bytes. */
function newStack(machine: MachineParts, core: Core, ist: number, newCpl: number, external: number): bigint {
  if (ist === 0 && newCpl === core.small('cpl')) return core.gpr(RSP) & ~15n;
  // SDM Vol. 3, "64-Bit TSS Format": RSP0 to RSP2 from offset 4, IST1 to IST7 from offset 0x24.
  const offset = ist === 0 ? 4 + 8 * newCpl : 0x24 + 8 * (ist - 1);
  if (isNull(core.small('tr')) || offset + 7 > core.small('trLimit') >>> 0) {
    throw new GuestFault(Vector.TS, selectorError(core.small('tr')) | external);
  }
  const pointer = asSupervisor(machine, core, () => core.load(core.get('trBase') + BigInt(offset), 8));
  return pointer & ~15n;
}
