import { Vector } from '../../isa/core-state.ts';
import { type Core, GuestFault } from '../core.ts';
import { DESCRIPTOR_TYPE, isNull, readSystemDescriptor, selectorError, setTypeBits } from '../descriptors.ts';
import { isCanonical } from '../paging.ts';
import type { MachineParts, SystemHelper } from '../parts.ts';
import { requireCpl0, requireUmip, serializing } from './checks.ts';
import { accessKind, addressOf, readOperand, writeOperand } from './operands.ts';

/** Descriptor-table registers (SDM Vol. 2: LGDT, LIDT, SGDT, SIDT, LLDT, SLDT, LTR, STR). */

const loadTable =
  (name: 'gdtr' | 'idtr'): SystemHelper =>
  (machine, core, instruction, fields) => {
    requireCpl0(core);
    const at = addressOf(core, instruction, fields);
    const limit = core.load(at, 2, accessKind(fields));
    const base = core.load(BigInt.asUintN(64, at + 2n), 8, accessKind(fields));
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
    const at = addressOf(core, instruction, fields);
    core.store(at, 2, core.get(`${name}Limit`), accessKind(fields));
    core.store(BigInt.asUintN(64, at + 2n), 8, core.get(`${name}Base`), accessKind(fields));
    return 'next';
  };

export const lgdt = loadTable('gdtr');
export const lidt = loadTable('idtr');
export const sgdt = storeTable('gdtr');
export const sidt = storeTable('idtr');

/** Reads and checks the 16-byte descriptor for LLDT and LTR. */
function systemDescriptor(machine: MachineParts, core: Core, selector: number, type: number) {
  const bad = new GuestFault(Vector.GP, selectorError(selector));
  if ((selector & 4) !== 0) throw bad;
  const descriptor = readSystemDescriptor(machine, core, selector);
  if (descriptor === undefined || !descriptor.system || descriptor.type !== type || ((descriptor.high >> 40n) & 0x1fn) !== 0n) throw bad;
  if (!descriptor.present) throw new GuestFault(Vector.NP, selectorError(selector));
  if (!isCanonical(descriptor.base)) throw bad;
  return descriptor;
}

export const lldt: SystemHelper = (machine, core, instruction, fields) => {
  requireCpl0(core);
  const selector = Number(readOperand(core, instruction, fields, 0, 16));
  const descriptor = isNull(selector) ? undefined : systemDescriptor(machine, core, selector, DESCRIPTOR_TYPE.ldt);
  return serializing(machine, core, 'lldt', () => {
    core.setSmall('ldtr', selector);
    core.set('ldtrBase', descriptor?.base ?? 0n);
    core.set('ldtrLimit', descriptor?.limit ?? 0n);
  });
};

/** The TSS must be available and becomes busy. */
export const ltr: SystemHelper = (machine, core, instruction, fields) => {
  requireCpl0(core);
  const selector = Number(readOperand(core, instruction, fields, 0, 16));
  if (isNull(selector)) throw new GuestFault(Vector.GP);
  const descriptor = systemDescriptor(machine, core, selector, DESCRIPTOR_TYPE.tssAvailable);
  return serializing(machine, core, 'ltr', () => {
    setTypeBits(machine, core, descriptor, DESCRIPTOR_TYPE.tssBusy);
    core.setSmall('tr', selector);
    core.set('trBase', descriptor.base);
    core.set('trLimit', descriptor.limit);
  });
};

const storeSelector =
  (word: 'ldtr' | 'tr'): SystemHelper =>
  (_machine, core, instruction, fields) => {
    requireUmip(core);
    writeOperand(core, instruction, fields, 0, core.get(word) & 0xffffn, 16);
    return 'next';
  };

export const sldt = storeSelector('ldtr');
export const str = storeSelector('tr');
