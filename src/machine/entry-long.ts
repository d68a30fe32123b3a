import { RSP, Vector } from '../isa/core-state.ts';
import { SS } from '../isa/segments.ts';
import { codeEntry } from './code-segment.ts';
import { type Core, GuestFault } from './core.ts';
import { DESCRIPTOR_TYPE, isCode, isConforming, isNull, readDescriptor, selectorError, setTypeBits } from './descriptors.ts';
import { asSupervisor, isCanonical } from './paging.ts';
import type { MachineParts } from './parts.ts';
import { keepsHidden, setSegment, UNUSABLE } from './segmentation.ts';

/** An exception or interrupt on its way to its handler, as all modes see it. */
export interface EntryEvent {
  readonly vector: number;
  /** The EXT bit of the error codes of faults on the way. */
  readonly external: number;
  /** INT n, INT3, INTO: the gate's DPL counts. */
  readonly checksDpl: boolean;
  /** The image of RFLAGS that is pushed. */
  readonly flags: bigint;
  readonly savedRip: bigint;
  /** Pushed where the vector has one; real mode pushes none. */
  readonly errorCode: bigint | undefined;
}

/** What came of it: the core is at the handler. */
export interface Entered {
  /** Through an interrupt gate rather than a trap gate. */
  readonly masksInterrupts: boolean;
  /** Linear address of the saved RIP. */
  readonly frameAt: bigint;
}

/** The bit of an error code that says that it names a gate of the IDT. */
export const IDT = 2;

/** Enters a handler in IA-32e mode (SDM Vol. 3, "Exception and Interrupt Handling in 64-bit Mode"), always in 64-bit code. Throws `GuestFault` and `AccessStopped` before anything has changed. */
export function enterLong(machine: MachineParts, core: Core, event: EntryEvent): Entered {
  const { external, errorCode } = event;
  const cpl = core.small('cpl');
  const gate = readGate(machine, core, event);
  const code = readDescriptor(machine, core, gate.selector);
  if (code === undefined || !isCode(code) || code.dpl > cpl) throw new GuestFault(Vector.GP, selectorError(gate.selector) | external);
  if (!code.present) throw new GuestFault(Vector.NP, selectorError(gate.selector) | external);
  if (!code.long || code.big) throw new GuestFault(Vector.GP, selectorError(gate.selector) | external);
  const newCpl = isConforming(code) ? cpl : code.dpl;

  const stack = newStack(machine, core, gate.ist, newCpl, external);
  if (!isCanonical(gate.offset)) throw new GuestFault(Vector.GP, external);
  setTypeBits(machine, core, code, 1);

  const frame = [core.get('ss'), core.gpr(RSP), event.flags, core.get('cs'), event.savedRip];
  if (errorCode !== undefined) frame.push(errorCode);
  const top =
    cpl === 3 && newCpl !== 3
      ? asSupervisor(machine, core, () => pushAll(machine, core, stack, frame))
      : pushAll(machine, core, stack, frame);

  if (newCpl !== cpl) {
    setSegment(core, SS, newCpl, UNUSABLE);
    core.setSmall('cpl', newCpl);
    machine.flushTlb(core);
  }
  core.setGpr(RSP, top);
  const selector = (gate.selector & ~3) | newCpl;
  if (keepsHidden(core)) codeEntry(machine, core, selector, code.hidden, true)();
  else core.setSmall('cs', selector);
  core.rip = gate.offset;
  return { masksInterrupts: gate.masksInterrupts, frameAt: errorCode === undefined ? top : top + 8n };
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
function readGate(machine: MachineParts, core: Core, { vector, external, checksDpl }: EntryEvent): Gate {
  const errorCode = vector * 8 + IDT + external;
  if (vector * 16 + 15 > core.small('idtrLimit') >>> 0) throw new GuestFault(Vector.GP, errorCode);
  const at = core.get('idtrBase') + BigInt(vector * 16);
  const [low, high] = asSupervisor(machine, core, () => [core.load(at, 8), core.load(at + 8n, 8)] as const);
  const gate = gateOf(vector, low, high);
  if (gate.type !== DESCRIPTOR_TYPE.interruptGate && gate.type !== DESCRIPTOR_TYPE.trapGate) throw new GuestFault(Vector.GP, errorCode);
  if (checksDpl && gate.dpl < core.small('cpl')) throw new GuestFault(Vector.GP, errorCode);
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
