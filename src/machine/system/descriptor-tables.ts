import { Vector } from '../../isa/core-state.ts';
import type { Instruction } from '../../isa/instruction.ts';
import { type Core, GuestFault } from '../core.ts';
import {
  DESCRIPTOR_TYPE,
  type Descriptor,
  isNull,
  readDescriptor,
  readSystemDescriptor,
  selectorError,
  setTypeBits,
} from '../descriptors.ts';
import { isCanonical } from '../paging.ts';
import type { MachineParts, SystemHelper } from '../parts.ts';
import { isLong } from '../segmentation.ts';
import { requireCpl0, requireProtected, requireUmip, serializing } from './checks.ts';
import { accessKind, addressOf, readOperand, writeOperand } from './operands.ts';

/** Descriptor-table registers (SDM Vol. 2: LGDT, LIDT, SGDT, SIDT, LLDT, SLDT, LTR, STR). */

/** Bytes of the base in memory: as many as 64-bit code has, else four. */
const baseBytes = (instruction: Instruction): 4 | 8 => (instruction.codeSize === 64 ? 8 : 4);

const loadTable =
  (name: 'gdtr' | 'idtr'): SystemHelper =>
  (machine, core, instruction, fields) => {
    requireCpl0(core);
    const bytes = baseBytes(instruction);
    const limit = core.load(addressOf(core, instruction, fields, 2, 'read'), 2, accessKind(fields));
    const loaded = core.load(addressOf(core, instruction, fields, bytes, 'read', 2), bytes, accessKind(fields));
    // With a 16-bit operand size the base has 24 bits, as the 286 had.
    const base = instruction.codeSize !== 64 && instruction.size === 16 ? loaded & 0xffffffn : loaded;
    if (!isCanonical(base)) throw new GuestFault(Vector.GP);
    return serializing(machine, core, name === 'gdtr' ? 'lgdt' : 'lidt', () => {
      core.set(`${name}Limit`, limit);
      core.set(`${name}Base`, base);
    });
  };

const storeTable =
  (name: 'gdtr' | 'idtr'): SystemHelper =>
  (_machine, core, instruction, fields) => {
    requireUmip(core);
    const bytes = baseBytes(instruction);
    core.store(addressOf(core, instruction, fields, 2, 'write'), 2, core.get(`${name}Limit`), accessKind(fields));
    const base = BigInt.asUintN(8 * bytes, core.get(`${name}Base`));
    core.store(addressOf(core, instruction, fields, bytes, 'write', 2), bytes, base, accessKind(fields));
    return 'next';
  };

export const lgdt = loadTable('gdtr');
export const lidt = loadTable('idtr');
export const sgdt = storeTable('gdtr');
export const sidt = storeTable('idtr');

/** Reads and checks the descriptor for LLDT and LTR: of 16 bytes in IA-32e mode, else of 8. */
function systemDescriptor(machine: MachineParts, core: Core, selector: number, types: readonly number[]): Descriptor {
  const bad = new GuestFault(Vector.GP, selectorError(selector));
  if ((selector & 4) !== 0) throw bad;
  let descriptor: Descriptor | undefined;
  if (isLong(core)) {
    const whole = readSystemDescriptor(machine, core, selector);
    if (whole !== undefined && ((whole.high >> 40n) & 0x1fn) !== 0n) throw bad;
    descriptor = whole;
  } else {
    descriptor = readDescriptor(machine, core, selector);
  }
  if (descriptor === undefined || !descriptor.system || !types.includes(descriptor.type)) throw bad;
  if (!descriptor.present) throw new GuestFault(Vector.NP, selectorError(selector));
  if (!isCanonical(descriptor.base)) throw bad;
  return descriptor;
}

export const lldt: SystemHelper = (machine, core, instruction, fields) => {
  requireProtected(core);
  requireCpl0(core);
  const selector = Number(readOperand(core, instruction, fields, 0, 16));
  const descriptor = isNull(selector) ? undefined : systemDescriptor(machine, core, selector, [DESCRIPTOR_TYPE.ldt]);
  return serializing(machine, core, 'lldt', () => {
    core.setSmall('ldtr', selector);
    core.set('ldtrBase', descriptor?.base ?? 0n);
    core.set('ldtrLimit', descriptor?.limit ?? 0n);
  });
};

/** The TSS must be available and becomes busy. */
export const ltr: SystemHelper = (machine, core, instruction, fields) => {
  requireProtected(core);
  requireCpl0(core);
  const selector = Number(readOperand(core, instruction, fields, 0, 16));
  if (isNull(selector)) throw new GuestFault(Vector.GP);
  const available = [DESCRIPTOR_TYPE.tssAvailable, ...(isLong(core) ? [] : [DESCRIPTOR_TYPE.tss16Available])];
  const descriptor = systemDescriptor(machine, core, selector, available);
  return serializing(machine, core, 'ltr', () => {
    setTypeBits(machine, core, descriptor, DESCRIPTOR_TYPE.busy);
    core.setSmall('tr', selector);
    core.set('trBase', descriptor.base);
    core.set('trLimit', descriptor.limit);
  });
};

const storeSelector =
  (word: 'ldtr' | 'tr'): SystemHelper =>
  (_machine, core, instruction, fields) => {
    requireProtected(core);
    requireUmip(core);
    writeOperand(core, instruction, fields, 0, core.get(word) & 0xffffn, 16);
    return 'next';
  };

export const sldt = storeSelector('ldtr');
export const str = storeSelector('tr');
