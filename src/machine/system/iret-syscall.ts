import { AC, IF, RCX, RDX, RF, RSP, Vector, VM } from '../../isa/core-state.ts';
import { type Core, GuestFault } from '../core.ts';
import { compatibilityMode, iret as returnFromInterrupt } from '../exceptions-iret.ts';
import { isCanonical } from '../paging.ts';
import type { MachineParts, SystemHelper } from '../parts.ts';
import { requireCpl0 } from './checks.ts';

/** Entry to and return from the kernel (SDM Vol. 2: IRET, SYSCALL, SYSRET, SYSENTER, SYSEXIT, SWAPGS). Only IRET serializes. */

const R11 = 11;
const EFER_SCE = 1n;
/** RFLAGS bits that SYSRET takes from R11. */
const SYSRET_FLAGS = 0x3c7fd7;

export const iret: SystemHelper = (machine, core, instruction) => {
  const { size } = instruction;
  return returnFromInterrupt(machine, core, size === 16 || size === 32 ? size : 64);
};

/** Sets CPL with the flat segments that these instructions load without reading a descriptor. */
function enterLevel(machine: MachineParts, core: Core, cpl: number, cs: number, rflags: number): void {
  const acChanges = ((core.small('flagSystem') ^ rflags) & AC) !== 0;
  const cplChanges = core.small('cpl') !== cpl;
  core.setSmall('cs', cs);
  core.setSmall('ss', (cs & 3) | (((cs & ~3) + 8) & 0xffff));
  core.setSmall('cpl', cpl);
  core.rflags = rflags;
  if (acChanges || cplChanges) machine.flushTlb(core);
}

export const syscall: SystemHelper = (machine, core, _instruction, _fields, next) => {
  if ((core.get('efer') & EFER_SCE) === 0n) throw new GuestFault(Vector.UD);
  const { rflags } = core;
  core.setGpr(RCX, next);
  core.setGpr(R11, BigInt(rflags & ~RF));
  enterLevel(machine, core, 0, Number((core.get('star') >> 32n) & 0xfffcn), rflags & ~Number(core.get('sfmask') & 0xffffffffn) & ~RF);
  core.rip = core.get('lstar');
  return 'jumpedAndLook';
};

export const sysret: SystemHelper = (machine, core, instruction) => {
  if ((core.get('efer') & EFER_SCE) === 0n) throw new GuestFault(Vector.UD);
  requireCpl0(core);
  const base = Number((core.get('star') >> 48n) & 0xffffn);
  if (instruction.size !== 64) throw compatibilityMode(core, base | 3);
  const target = core.gpr(RCX);
  if (!isCanonical(target)) throw new GuestFault(Vector.GP);
  enterLevel(machine, core, 3, ((base + 16) & 0xffff) | 3, Number(core.gpr(R11) & BigInt(SYSRET_FLAGS)) | 2);
  // SS is STAR[63:48] + 8, which lies below CS.
  core.setSmall('ss', ((base + 8) & 0xffff) | 3);
  core.rip = target;
  return 'jumpedAndLook';
};

export const sysenter: SystemHelper = (machine, core) => {
  const cs = Number(core.get('sysenterCs') & 0xfffcn);
  if (cs === 0) throw new GuestFault(Vector.GP);
  enterLevel(machine, core, 0, cs, core.rflags & ~(IF | VM | RF));
  core.setGpr(RSP, core.get('sysenterEsp'));
  core.rip = core.get('sysenterEip');
  return 'jumpedAndLook';
};

export const sysexit: SystemHelper = (machine, core, instruction) => {
  const base = Number(core.get('sysenterCs') & 0xfffcn);
  if (base === 0) throw new GuestFault(Vector.GP);
  requireCpl0(core);
  if (instruction.size !== 64) throw compatibilityMode(core, (base + 16) | 3);
  const [target, stack] = [core.gpr(RDX), core.gpr(RCX)];
  if (!isCanonical(target) || !isCanonical(stack)) throw new GuestFault(Vector.GP);
  enterLevel(machine, core, 3, ((base + 32) & 0xffff) | 3, core.rflags);
  core.setGpr(RSP, stack);
  core.rip = target;
  return 'jumpedAndLook';
};

export const swapgs: SystemHelper = (_machine, core) => {
  requireCpl0(core);
  const gs = core.get('gsBase');
  core.set('gsBase', core.get('kernelGsBase'));
  core.set('kernelGsBase', gs);
  return 'next';
};
