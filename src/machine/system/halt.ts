import { Activity, Vector } from '../../isa/core-state.ts';
import { GuestFault } from '../core.ts';
import type { SystemHelper } from '../parts.ts';
import { requireCpl0 } from './checks.ts';

/** HLT and the lab's hypercall (SDM Vol. 2: HLT, VMCALL). */

/** Only an interrupt, an NMI or INIT moves the core again; RIP is already behind the instruction. */
export const hlt: SystemHelper = (_machine, core) => {
  requireCpl0(core);
  core.setSmall('activity', Activity.halted);
  return 'nextAndLook';
};

export const vmcall: SystemHelper = (machine, core) => {
  const { host } = machine;
  if (host.hypercall === undefined) throw new GuestFault(Vector.UD);
  switch (host.hypercall(core)) {
    case 0:
      return 'nextAndLook';
    case 1:
      return 'wait';
    case 2:
      return 'visible';
  }
};
