import { AC, IF, RCX, RDX, RF, RSP, Vector, VM } from '../../isa/core-state.ts';
import { SS } from '../../isa/segments.ts';
import { codeEntry } from '../code-segment.ts';
import { type Core, GuestFault } from '../core.ts';
import { iret as returnFromInterrupt } from '../exceptions-iret.ts';
import { isCanonical } from '../paging.ts';
import type { MachineParts, SystemHelper } from '../parts.ts';
import { flatSegment, isLong, isProtected, setSegment, updateMode } from '../segmentation.ts';
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

/** Where these instructions go: selectors with the level in their low bits, and whether it is 64-bit code. */
interface Level {
  readonly cs: number;
  readonly ss: number;
  readonly to64: boolean;
}

/** A selector of an MSR's field, some descriptors on, at a level. */
const selectorAt = (field: bigint, beyond: number, cpl: number): number => ((Number(field & 0xffffn) + beyond) & 0xffff & ~3) | cpl;

/** Sets CPL with the flat segments that these instructions load without reading a descriptor. */
function enterLevel(machine: MachineParts, core: Core, { cs, ss, to64 }: Level, rflags: number): void {
  const cpl = cs & 3;
  const acChanges = ((core.small('flagSystem') ^ rflags) & AC) !== 0;
  const cplChanges = core.small('cpl') !== cpl;
  codeEntry(machine, core, cs, flatSegment(to64 ? 'code64' : 'code32', cpl), to64)();
  setSegment(core, SS, ss, flatSegment('data', cpl));
  updateMode(machine, core);
  core.setSmall('cpl', cpl);
  core.rflags = rflags;
  if (acChanges || cplChanges) machine.flushTlb(core);
}

/** Only from 64-bit code, as on Intel parts. */
export const syscall: SystemHelper = (machine, core, _instruction, _fields, next) => {
  if (core.mode !== 0 || (core.get('efer') & EFER_SCE) === 0n) throw new GuestFault(Vector.UD);
  const { rflags } = core;
  core.setGpr(RCX, next);
  core.setGpr(R11, BigInt(rflags & ~RF));
  const selectors = core.get('star') >> 32n;
  const level = { cs: selectorAt(selectors, 0, 0), ss: selectorAt(selectors, 8, 0), to64: true };
  enterLevel(machine, core, level, rflags & ~Number(core.get('sfmask') & 0xffffffffn) & ~RF);
  core.rip = core.get('lstar');
  return 'jumpedAndLook';
};

/** To 64-bit code with REX.W, else to compatibility mode. */
export const sysret: SystemHelper = (machine, core, instruction) => {
  if (core.mode !== 0 || (core.get('efer') & EFER_SCE) === 0n) throw new GuestFault(Vector.UD);
  requireCpl0(core);
  const to64 = instruction.size === 64;
  const selectors = core.get('star') >> 48n;
  const target = to64 ? core.gpr(RCX) : core.gpr(RCX) & 0xffffffffn;
  if (!isCanonical(target)) throw new GuestFault(Vector.GP);
  const level = { cs: selectorAt(selectors, to64 ? 16 : 0, 3), ss: selectorAt(selectors, 8, 3), to64 };
  enterLevel(machine, core, level, Number(core.gpr(R11) & BigInt(SYSRET_FLAGS)) | 2);
  core.rip = target;
  return 'jumpedAndLook';
};

/** In IA-32e mode it always goes to 64-bit code. */
export const sysenter: SystemHelper = (machine, core) => {
  const selectors = core.get('sysenterCs');
  if (!isProtected(core) || (selectors & 0xfffcn) === 0n) throw new GuestFault(Vector.GP);
  const to64 = isLong(core);
  const wide = (value: bigint): bigint => (to64 ? value : value & 0xffffffffn);
  const level = { cs: selectorAt(selectors, 0, 0), ss: selectorAt(selectors, 8, 0), to64 };
  enterLevel(machine, core, level, core.rflags & ~(IF | VM | RF));
  core.setGpr(RSP, wide(core.get('sysenterEsp')));
  core.rip = wide(core.get('sysenterEip'));
  return 'jumpedAndLook';
};

/** To 64-bit code with REX.W, else to 32-bit code. */
export const sysexit: SystemHelper = (machine, core, instruction) => {
  const selectors = core.get('sysenterCs');
  if (!isProtected(core) || (selectors & 0xfffcn) === 0n) throw new GuestFault(Vector.GP);
  requireCpl0(core);
  const to64 = instruction.size === 64;
  const narrow = (value: bigint): bigint => (to64 ? value : value & 0xffffffffn);
  const [target, stack] = [narrow(core.gpr(RDX)), narrow(core.gpr(RCX))];
  if (!isCanonical(target) || !isCanonical(stack)) throw new GuestFault(Vector.GP);
  const level = { cs: selectorAt(selectors, to64 ? 32 : 16, 3), ss: selectorAt(selectors, to64 ? 40 : 24, 3), to64 };
  enterLevel(machine, core, level, core.rflags);
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
