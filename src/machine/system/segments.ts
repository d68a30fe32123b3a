import { RSP, type StateWord, Vector, ZF } from '../../isa/core-state.ts';
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
import { accessKind, addressOf, readOperand, writeOperand } from './operands.ts';

/** Segment registers and descriptor queries (SDM Vol. 2: MOV, POP, LSS/LFS/LGS, LAR, LSL, VERR, VERW). */

const REGISTERS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;
const SS = 2;

/** Checks a selector for segment register `number`, and returns what loads it. Every check and load is done before. */
function segmentLoad(machine: MachineParts, core: Core, number: number, selector: number): () => void {
  const register = REGISTERS[number]!;
  const cpl = core.small('cpl');
  const rpl = selector & 3;
  if (isNull(selector)) {
    if (register === 'ss' && (cpl === 3 || rpl !== cpl)) throw new GuestFault(Vector.GP);
    // Intel parts clear the base with the selector.
    return () => setSegment(core, register, selector, 0n);
  }
  const bad = new GuestFault(Vector.GP, selectorError(selector));
  const descriptor = readDescriptor(machine, core, selector);
  if (descriptor === undefined) throw bad;
  if (register === 'ss') {
    if (rpl !== cpl || descriptor.dpl !== cpl || !isWritableData(descriptor)) throw bad;
  } else if (!isReadable(descriptor) || (!isConforming(descriptor) && (rpl > descriptor.dpl || cpl > descriptor.dpl))) {
    throw bad;
  }
  if (!descriptor.present) throw new GuestFault(register === 'ss' ? Vector.SS : Vector.NP, selectorError(selector));
  setTypeBits(machine, core, descriptor, 1);
  return () => setSegment(core, register, selector, descriptor.base);
}

/** In 64-bit mode only FS and GS have a base. */
function setSegment(core: Core, register: StateWord, selector: number, base: bigint): void {
  core.setSmall(register, selector);
  if (register === 'fs') core.set('fsBase', base);
  if (register === 'gs') core.set('gsBase', base);
}

const loaded = (core: Core, number: number): SystemOutcome => {
  if (number !== SS) return 'next';
  beginShadow(core, SHADOW_MOV_SS);
  return 'nextAndLook';
};

export const movToSreg: SystemHelper = (machine, core, instruction, fields) => {
  const number = Number(fields.immediate);
  if (REGISTERS[number] === 'cs') throw new GuestFault(Vector.UD);
  segmentLoad(machine, core, number, Number(readOperand(core, instruction, fields, 1, 16)))();
  return loaded(core, number);
};

export const popSreg: SystemHelper = (machine, core, instruction, fields) => {
  const number = Number(fields.immediate);
  const top = core.gpr(RSP);
  const selector = Number(core.load(top, instruction.size / 8, 'stack') & 0xffffn);
  segmentLoad(machine, core, number, selector)();
  core.setGpr(RSP, top + BigInt(instruction.size / 8));
  return loaded(core, number);
};

/** LSS, LFS, LGS: an offset of the operand size, then the selector. */
export const loadFarPointer =
  (number: number): SystemHelper =>
  (machine, core, instruction, fields) => {
    const bytes = instruction.operands[0]!.size / 8;
    const at = addressOf(core, instruction, fields);
    const offset = core.load(at, bytes, accessKind(fields));
    const selector = Number(core.load(BigInt.asUintN(64, at + BigInt(bytes)), 2, accessKind(fields)));
    segmentLoad(machine, core, number, selector)();
    writeOperand(core, instruction, fields, 0, offset);
    return loaded(core, number);
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

/** LDT, TSS and call gate have access rights; LDT and TSS have a limit (SDM Vol. 2, "LAR" and "LSL"). */
const LAR_TYPES = new Set([2, 9, 11, 12]);
const LSL_TYPES = new Set([2, 9, 11]);

const query =
  (types: ReadonlySet<number>, value: (d: Descriptor) => bigint): SystemHelper =>
  (machine, core, instruction, fields) => {
    const selector = Number(readOperand(core, instruction, fields, 1, 16));
    const descriptor = visibleDescriptor(machine, core, selector, types);
    if (descriptor !== undefined) writeOperand(core, instruction, fields, 0, value(descriptor));
    setZf(core, descriptor !== undefined);
    return 'next';
  };

export const lar = query(LAR_TYPES, (d) => (d.raw >> 32n) & 0xf0ff00n);
export const lsl = query(LSL_TYPES, (d) => d.limit);

const verify =
  (allows: (d: Descriptor) => boolean): SystemHelper =>
  (machine, core, instruction, fields) => {
    const selector = Number(readOperand(core, instruction, fields, 0, 16));
    const descriptor = visibleDescriptor(machine, core, selector, new Set());
    setZf(core, descriptor !== undefined && allows(descriptor));
    return 'next';
  };

export const verr = verify(isReadable);
export const verw = verify((d) => !isCode(d) && isWritableData(d));
