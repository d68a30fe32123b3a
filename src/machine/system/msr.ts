import { RAX, RCX, RDX } from '../../isa/core-state.ts';
import type { Core } from '../core.ts';
import { isNonSerializing, prepareMsrWrite, readMsr } from '../msr.ts';
import type { SystemHelper } from '../parts.ts';
import { requireCpl0, serializing } from './checks.ts';

/** RDMSR and WRMSR (SDM Vol. 2). */

const numberOf = (core: Core): number => Number(core.gpr(RCX) & 0xffffffffn);

export const rdmsr: SystemHelper = (machine, core) => {
  requireCpl0(core);
  const value = readMsr(machine, core, numberOf(core));
  core.setGpr(RAX, value & 0xffffffffn);
  core.setGpr(RDX, (value >> 32n) & 0xffffffffn);
  return 'next';
};

/**
 * Serializes, except for the x2APIC range and the TSC deadline: an interprocessor interrupt sent that way is visible to others but may overtake
 * the sender's earlier stores, which is why kernels fence before it.
 */
export const wrmsr: SystemHelper = (machine, core) => {
  requireCpl0(core);
  const msr = numberOf(core);
  const value = ((core.gpr(RDX) & 0xffffffffn) << 32n) | (core.gpr(RAX) & 0xffffffffn);
  const write = prepareMsrWrite(machine, core, msr, value);
  if (!isNonSerializing(msr)) return serializing(machine, core, 'wrmsr', write.apply, 'nextAndLook');
  if (write.visible && !machine.takeVisible(core)) return 'visible';
  write.apply();
  return 'nextAndLook';
};
