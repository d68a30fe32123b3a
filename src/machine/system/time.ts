import { RAX, RCX, RDX, Vector } from '../../isa/core-state.ts';
import { type Core, GuestFault } from '../core.ts';
import type { SystemHelper } from '../parts.ts';
import { CR4, hasCr4, requireCpl0 } from './checks.ts';
import { writeOperand } from './operands.ts';

/** Virtual time (SDM Vol. 2: RDTSC, RDTSCP, RDPID, RDPMC). The time-stamp counter is the machine's tick count. */

function checkTsd(core: Core): void {
  if (hasCr4(core, CR4.tsd)) requireCpl0(core);
}

function setEdxEax(core: Core, value: bigint): void {
  core.setGpr(RAX, value & 0xffffffffn);
  core.setGpr(RDX, (value >> 32n) & 0xffffffffn);
}

export const rdtsc: SystemHelper = (machine, core) => {
  checkTsd(core);
  setEdxEax(core, machine.ticks);
  return 'next';
};

export const rdtscp: SystemHelper = (machine, core) => {
  checkTsd(core);
  setEdxEax(core, machine.ticks);
  core.setGpr(RCX, core.get('tscAux') & 0xffffffffn);
  return 'next';
};

export const rdpid: SystemHelper = (_machine, core, instruction, fields) => {
  writeOperand(core, instruction, fields, 0, core.get('tscAux') & 0xffffffffn);
  return 'next';
};

/** There are no performance counters: every index is one that does not exist. */
export const rdpmc: SystemHelper = () => {
  throw new GuestFault(Vector.GP);
};
