import { AC, ARITHMETIC_FLAGS, DF, ID, IF, IOPL, NT, RF, TF, Vector } from '../../isa/core-state.ts';
import { type Core, GuestFault } from '../core.ts';
import { beginShadow, SHADOW_STI } from '../exceptions-step.ts';
import { CR4_SMAP } from '../paging.ts';
import type { MachineParts, SystemHelper } from '../parts.ts';
import { moveStackPointer, onStack } from '../segmentation.ts';
import { ioplOf } from './checks.ts';

/** System flags (SDM Vol. 2: CLI, STI, CLAC, STAC, POPF). */

export const cli: SystemHelper = (machine, core) => {
  if (core.small('cpl') > ioplOf(core)) throw new GuestFault(Vector.GP);
  if (machine.maskingIsVisible(core) && !machine.takeVisible(core)) return 'visible';
  core.setSmall('flagSystem', core.small('flagSystem') & ~IF);
  return 'nextAndLook';
};

/** Interrupts stay off for one more instruction where they were off. */
export const sti: SystemHelper = (_machine, core) => {
  if (core.small('cpl') > ioplOf(core)) throw new GuestFault(Vector.GP);
  const flags = core.small('flagSystem');
  if ((flags & IF) === 0) beginShadow(core, SHADOW_STI);
  core.setSmall('flagSystem', flags | IF);
  return 'nextAndLook';
};

/** Sets system flags; where AC counts for SMAP, translations are forgotten. */
function setSystemFlags(machine: MachineParts, core: Core, flags: number): void {
  const changed = core.small('flagSystem') ^ flags;
  core.setSmall('flagSystem', flags);
  if ((changed & AC) !== 0 && (core.get('cr4') & CR4_SMAP) !== 0n) machine.flushTlb(core);
}

const setAc =
  (value: 0 | typeof AC): SystemHelper =>
  (machine, core) => {
    if (core.small('cpl') !== 0) throw new GuestFault(Vector.UD);
    setSystemFlags(machine, core, (core.small('flagSystem') & ~AC) | value);
    return 'next';
  };

export const clac = setAc(0);
export const stac = setAc(AC);

/** IOPL changes at CPL 0 only, IF only where CPL <= IOPL; VIF, VIP and VM never; RF is cleared. */
export const popf: SystemHelper = (machine, core, instruction) => {
  const bytes = instruction.size / 8;
  const image = Number(core.load(onStack(core, 0, bytes, 'read'), bytes, 'stack') & 0xffffffffn);
  const cpl = core.small('cpl');
  let mask = TF | DF | NT | (instruction.size === 16 ? 0 : AC | ID);
  if (cpl <= ioplOf(core)) mask |= IF;
  if (cpl === 0) mask |= IOPL;
  const old = core.small('flagSystem');
  const kept = old & ~(mask | (instruction.size === 16 ? 0 : RF));
  setSystemFlags(machine, core, kept | (image & mask));
  core.rflags = core.small('flagSystem') | (image & ARITHMETIC_FLAGS);
  moveStackPointer(core, bytes);
  return ((old ^ core.small('flagSystem')) & (IF | TF)) === 0 ? 'next' : 'nextAndLook';
};
