import { TextpokeError } from '../error.ts';
import { RSP, Vector } from '../isa/core-state.ts';
import { CS, SS } from '../isa/segments.ts';
import { checkOffset, codeEntry } from './code-segment.ts';
import { type Core, GuestFault } from './core.ts';
import {
  DESCRIPTOR_TYPE,
  type Descriptor,
  hasTss16,
  isCode,
  isConforming,
  isNull,
  isWritableData,
  readDescriptor,
  selectorError,
  setTypeBits,
} from './descriptors.ts';
import { type Entered, type EntryEvent, IDT } from './entry-long.ts';
import { asSupervisor } from './paging.ts';
import type { MachineParts } from './parts.ts';
import { boundsOf, moveStackPointer, onStack, setRealSegment, setSegment, setStackPointer, updateMode } from './segmentation.ts';

/** Entry to handlers outside IA-32e mode. */

/** Enters a handler of real mode: a segment and an offset of the interrupt vector table (SDM Vol. 3, "Interrupt and Exception Handling" of real-address mode). No error codes. */
export function enterReal(_machine: MachineParts, core: Core, { vector, external, flags, savedRip }: EntryEvent): Entered {
  if (vector * 4 + 3 > core.small('idtrLimit') >>> 0) throw new GuestFault(Vector.GP, vector * 8 + IDT + external);
  const entry = core.load(core.get('idtrBase') + BigInt(vector * 4), 4);
  const offset = entry & 0xffffn;
  if (offset > core.get('csHigh')) throw new GuestFault(Vector.GP, external);
  const words = [flags & 0xffffn, core.get('cs'), savedRip & 0xffffn];
  words.forEach((word, n) => core.store(onStack(core, -2 * (n + 1), 2, 'write'), 2, word, 'stack'));
  const frameAt = onStack(core, -6, 2, 'write');
  moveStackPointer(core, -6);
  setRealSegment(core, CS, Number(entry >> 16n));
  core.rip = offset;
  return { masksInterrupts: true, frameAt };
}

interface Gate {
  readonly selector: number;
  readonly offset: bigint;
  /** Bytes of what is pushed. */
  readonly bytes: 2 | 4;
  readonly masksInterrupts: boolean;
}

const GATES: ReadonlyMap<number, Pick<Gate, 'bytes' | 'masksInterrupts'>> = new Map([
  [DESCRIPTOR_TYPE.interruptGate, { bytes: 4, masksInterrupts: true }],
  [DESCRIPTOR_TYPE.trapGate, { bytes: 4, masksInterrupts: false }],
  [DESCRIPTOR_TYPE.interruptGate16, { bytes: 2, masksInterrupts: true }],
  [DESCRIPTOR_TYPE.trapGate16, { bytes: 2, masksInterrupts: false }],
]);

/** Reads and checks the 8-byte gate (SDM Vol. 3, "IDT Descriptors"). */
function readGate(machine: MachineParts, core: Core, { vector, external, checksDpl }: EntryEvent): Gate {
  const errorCode = vector * 8 + IDT + external;
  if (vector * 8 + 7 > core.small('idtrLimit') >>> 0) throw new GuestFault(Vector.GP, errorCode);
  const at = core.get('idtrBase') + BigInt(vector * 8);
  const raw = asSupervisor(machine, core, () => core.load(at, 8));
  const type = Number((raw >> 40n) & 0x1fn);
  if (type === DESCRIPTOR_TYPE.taskGate) throw taskGate(core, vector);
  const kind = GATES.get(type);
  if (kind === undefined || (checksDpl && Number((raw >> 45n) & 3n) < core.small('cpl'))) throw new GuestFault(Vector.GP, errorCode);
  if (((raw >> 47n) & 1n) === 0n) throw new GuestFault(Vector.NP, errorCode);
  const selector = Number((raw >> 16n) & 0xffffn);
  if (isNull(selector)) throw new GuestFault(Vector.GP, external);
  const high = kind.bytes === 4 ? (raw >> 32n) & 0xffff0000n : 0n;
  return { ...kind, selector, offset: (raw & 0xffffn) | high };
}

function taskGate(core: Core, vector: number): TextpokeError {
  return new TextpokeError('E_GUEST', `vector ${vector} has a task gate: task switches are not modelled`, {
    where: `core ${core.index} at 0x${core.get('rip').toString(16)}`,
    hint: 'use an interrupt or a trap gate',
  });
}

/** Enters a handler of protected mode (SDM Vol. 3, "Exception- or Interrupt-Handler Procedures"). Throws `GuestFault` and `AccessStopped` before anything but the stack's memory has changed. */
export function enterProtected(machine: MachineParts, core: Core, event: EntryEvent): Entered {
  const { external } = event;
  const cpl = core.small('cpl');
  const gate = readGate(machine, core, event);
  const code = readDescriptor(machine, core, gate.selector);
  if (code === undefined || !isCode(code) || code.dpl > cpl) throw new GuestFault(Vector.GP, selectorError(gate.selector) | external);
  if (!code.present) throw new GuestFault(Vector.NP, selectorError(gate.selector) | external);
  const newCpl = isConforming(code) ? cpl : code.dpl;
  checkOffset(core, code, gate.offset, external);
  const enter = codeEntry(machine, core, (gate.selector & ~3) | newCpl, code.hidden, false);
  const words = [event.flags, core.get('cs'), event.savedRip, ...(event.errorCode === undefined ? [] : [event.errorCode])];
  const errorBytes = event.errorCode === undefined ? 0 : gate.bytes;

  if (newCpl === cpl) {
    setTypeBits(machine, core, code, 1);
    const at = words.map((_, n) => orStackFault(() => onStack(core, -(n + 1) * gate.bytes, gate.bytes, 'write'), external));
    words.forEach((word, n) => core.store(at[n]!, gate.bytes, word, 'stack'));
    moveStackPointer(core, -words.length * gate.bytes);
    enter();
    core.rip = gate.offset;
    return { masksInterrupts: gate.masksInterrupts, frameAt: at.at(-1)! + BigInt(errorBytes) };
  }

  const inner = innerStack(machine, core, newCpl, external);
  const frame = [core.get('ss'), core.gpr(RSP), ...words];
  const at = frame.map((_, n) => inner.place((n + 1) * gate.bytes, gate.bytes));
  setTypeBits(machine, core, code, 1);
  setTypeBits(machine, core, inner.segment, 1);
  asSupervisor(machine, core, () => frame.forEach((word, n) => core.store(at[n]!, gate.bytes, word, 'stack')));
  core.setSmall('cpl', newCpl);
  enter();
  setSegment(core, SS, inner.selector, inner.segment.hidden);
  updateMode(machine, core);
  setStackPointer(core, inner.top - BigInt(frame.length * gate.bytes));
  machine.flushTlb(core);
  core.rip = gate.offset;
  return { masksInterrupts: gate.masksInterrupts, frameAt: at.at(-1)! + BigInt(errorBytes) };
}

/** #SS(EXT) where the stack has no room. */
function orStackFault<T>(body: () => T, external: number): T {
  try {
    return body();
  } catch (error) {
    throw error instanceof GuestFault ? new GuestFault(error.vector, error.errorCode | BigInt(external)) : error;
  }
}

interface InnerStack {
  readonly selector: number;
  readonly segment: Descriptor;
  /** The stack pointer that the TSS gives. */
  readonly top: bigint;
  /** Linear address of bytes so far below the top. */
  place(below: number, bytes: number): bigint;
}

/** The stack of an inner level, from a 32-bit or a 16-bit TSS (SDM Vol. 3, "Task-State Segment (TSS)", "16-Bit Task-State Segment (TSS)"). */
function innerStack(machine: MachineParts, core: Core, cpl: number, external: number): InnerStack {
  const tr = core.small('tr');
  const [at, bytes] = hasTss16(machine, core) ? [2 + 4 * cpl, 2] : [4 + 8 * cpl, 4];
  if (isNull(tr) || at + bytes + 1 > core.small('trLimit') >>> 0) throw new GuestFault(Vector.TS, selectorError(tr) | external);
  const base = core.get('trBase') + BigInt(at);
  const top = asSupervisor(machine, core, () => core.load(base, bytes));
  const selector = Number(asSupervisor(machine, core, () => core.load(base + BigInt(bytes), 2)));
  if (isNull(selector)) throw new GuestFault(Vector.TS, external);
  const refused = new GuestFault(Vector.TS, selectorError(selector) | external);
  const segment = readDescriptor(machine, core, selector);
  if (segment === undefined || (selector & 3) !== cpl || segment.dpl !== cpl || !isWritableData(segment)) throw refused;
  if (!segment.present) throw new GuestFault(Vector.SS, selectorError(selector) | external);
  const { low, high } = boundsOf(segment.hidden);
  const place = (below: number, size: number): bigint => {
    const offset = BigInt.asUintN(segment.big ? 32 : 16, top - BigInt(below));
    if (offset < low || offset + BigInt(size - 1) > high) throw new GuestFault(Vector.SS, selectorError(selector) | external);
    return BigInt.asUintN(32, segment.base + offset);
  };
  return { selector, segment, top, place };
}
