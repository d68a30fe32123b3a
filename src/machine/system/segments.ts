import { Vector, ZF } from '../../isa/core-state.ts';
import { CS, SS } from '../../isa/segments.ts';
import { type Core, GuestFault } from '../core.ts';
import {
  type Descriptor,
  isCode,
  isConforming,
  isNull,
  isReadable,
  isWritableData,
  readDescriptor,
  selectorError,
  setTypeBits,
} from '../descriptors.ts';
import { beginShadow, SHADOW_MOV_SS } from '../exceptions-step.ts';
import type { MachineParts, SystemHelper, SystemOutcome } from '../parts.ts';
import { isLong, isProtected, moveStackPointer, onStack, setRealSegment, setSegment, UNUSABLE, updateMode } from '../segmentation.ts';
import { requireProtected } from './checks.ts';
import { accessKind, addressOf, readOperand, writeOperand } from './operands.ts';

/** Segment registers and descriptor queries (SDM Vol. 2: MOV, POP, LSS/LFS/LGS, LAR, LSL, VERR, VERW). */

/** Checks a selector for segment register `number`, and returns what loads it. Every check and load is done before. */
function segmentLoad(machine: MachineParts, core: Core, number: number, selector: number): () => void {
  if (!isProtected(core)) return () => setRealSegment(core, number, selector);
  const cpl = core.small('cpl');
  const rpl = selector & 3;
  if (isNull(selector)) {
    if (number === SS && (core.mode !== 0 || cpl === 3 || rpl !== cpl)) throw new GuestFault(Vector.GP);
    // Intel parts clear the base with the selector.
    return () => setSegment(core, number, selector, UNUSABLE);
  }
  const bad = new GuestFault(Vector.GP, selectorError(selector));
  const descriptor = readDescriptor(machine, core, selector);
  if (descriptor === undefined) throw bad;
  if (number === SS) {
    if (rpl !== cpl || descriptor.dpl !== cpl || !isWritableData(descriptor)) throw bad;
  } else if (!isReadable(descriptor) || (!isConforming(descriptor) && (rpl > descriptor.dpl || cpl > descriptor.dpl))) {
    throw bad;
  }
  if (!descriptor.present) throw new GuestFault(number === SS ? Vector.SS : Vector.NP, selectorError(selector));
  setTypeBits(machine, core, descriptor, 1);
  return () => setSegment(core, number, selector, descriptor.hidden);
}

const loaded = (machine: MachineParts, core: Core, number: number): SystemOutcome => {
  if (number !== SS) return 'next';
  updateMode(machine, core);
  beginShadow(core, SHADOW_MOV_SS);
  return 'nextAndLook';
};

export const movToSreg: SystemHelper = (machine, core, instruction, fields) => {
  const number = Number(fields.immediate);
  if (number === CS) throw new GuestFault(Vector.UD);
  segmentLoad(machine, core, number, Number(readOperand(core, instruction, fields, 1, 16)))();
  return loaded(machine, core, number);
};

export const popSreg: SystemHelper = (machine, core, instruction, fields) => {
  const number = Number(fields.immediate);
  const bytes = instruction.size / 8;
  const selector = Number(core.load(onStack(core, 0, bytes, 'read'), bytes, 'stack') & 0xffffn);
  const load = segmentLoad(machine, core, number, selector);
  // By the size of the stack that it was on.
  moveStackPointer(core, bytes);
  load();
  return loaded(machine, core, number);
};

/** LSS, LDS, LES, LFS, LGS: an offset of the operand size, then the selector. */
export const loadFarPointer =
  (number: number): SystemHelper =>
  (machine, core, instruction, fields) => {
    const bytes = instruction.operands[0]!.size / 8;
    const offset = core.load(addressOf(core, instruction, fields, bytes, 'read'), bytes, accessKind(fields));
    const selector = Number(core.load(addressOf(core, instruction, fields, 2, 'read', bytes), 2, accessKind(fields)));
    segmentLoad(machine, core, number, selector)();
    writeOperand(core, instruction, fields, 0, offset);
    return loaded(machine, core, number);
  };

/** The descriptor that a query may see; undefined clears ZF. */
function visibleDescriptor(machine: MachineParts, core: Core, selector: number, systemTypes: ReadonlySet<number>): Descriptor | undefined {
  const descriptor = isNull(selector) ? undefined : readDescriptor(machine, core, selector);
  if (descriptor === undefined) return undefined;
  if (descriptor.system && !systemTypes.has(descriptor.type)) return undefined;
  if (!isConforming(descriptor) && (core.small('cpl') > descriptor.dpl || (selector & 3) > descriptor.dpl)) return undefined;
  return descriptor;
}

function setZf(core: Core, on: boolean): void {
  core.rflags = on ? core.rflags | ZF : core.rflags & ~ZF;
}

/** LDT, TSS and call gate have access rights; LDT and TSS have a limit (SDM Vol. 2, "LAR" and "LSL"). IA-32e mode has none of 16 bits and no task gates. */
const LAR_TYPES = { long: new Set([2, 9, 11, 12]), legacy: new Set([1, 2, 3, 4, 5, 9, 11, 12]) };
const LSL_TYPES = { long: new Set([2, 9, 11]), legacy: new Set([1, 2, 3, 9, 11]) };

const query =
  (types: typeof LAR_TYPES, value: (d: Descriptor) => bigint): SystemHelper =>
  (machine, core, instruction, fields) => {
    requireProtected(core);
    const selector = Number(readOperand(core, instruction, fields, 1, 16));
    const descriptor = visibleDescriptor(machine, core, selector, isLong(core) ? types.long : types.legacy);
    if (descriptor !== undefined) writeOperand(core, instruction, fields, 0, value(descriptor));
    setZf(core, descriptor !== undefined);
    return 'next';
  };

export const lar = query(LAR_TYPES, (d) => (d.raw >> 32n) & 0xf0ff00n);
export const lsl = query(LSL_TYPES, (d) => d.limit);

const verify =
  (allows: (d: Descriptor) => boolean): SystemHelper =>
  (machine, core, instruction, fields) => {
    requireProtected(core);
    const selector = Number(readOperand(core, instruction, fields, 0, 16));
    const descriptor = visibleDescriptor(machine, core, selector, new Set());
    setZf(core, descriptor !== undefined && allows(descriptor));
    return 'next';
  };

export const verr = verify(isReadable);
export const verw = verify((d) => !isCode(d) && isWritableData(d));
