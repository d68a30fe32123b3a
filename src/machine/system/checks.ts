import { CORE } from '../../engine/layout.ts';
import { IOPL, Vector } from '../../isa/core-state.ts';
import { type Core, GuestFault } from '../core.ts';
import type { MachineParts, SystemHelper, SystemOutcome } from '../parts.ts';
import { isProtected } from '../segmentation.ts';

/** Bits of CR4 (SDM Vol. 3, "Control Registers"). */
export const CR4 = {
  tsd: 1n << 2n,
  de: 1n << 3n,
  pse: 1n << 4n,
  pae: 1n << 5n,
  pge: 1n << 7n,
  pce: 1n << 8n,
  osfxsr: 1n << 9n,
  osxmmexcpt: 1n << 10n,
  umip: 1n << 11n,
  fsgsbase: 1n << 16n,
  osxsave: 1n << 18n,
  smep: 1n << 20n,
  smap: 1n << 21n,
} as const;

export const hasCr4 = (core: Core, bit: bigint): boolean => (core.get('cr4') & bit) !== 0n;

/** #GP(0) outside CPL 0. */
export function requireCpl0(core: Core): void {
  if (core.small('cpl') !== 0) throw new GuestFault(Vector.GP);
}

/** #UD in real mode: instructions about descriptors. */
export function requireProtected(core: Core): void {
  if (!isProtected(core)) throw new GuestFault(Vector.UD);
}

/** #GP(0) outside CPL 0 while CR4.UMIP is set: SGDT, SIDT, SLDT, SMSW, STR. */
export function requireUmip(core: Core): void {
  if (hasCr4(core, CR4.umip)) requireCpl0(core);
}

export const ioplOf = (core: Core): number => (core.small('flagSystem') & IOPL) >> 12;

/** Faults with #UD: an instruction whose feature CPUID does not report. */
export const undefinedOpcode: SystemHelper = () => {
  throw new GuestFault(Vector.UD);
};

/**
 * A serializing instruction (SDM Vol. 3, "Serializing Instructions"): its stores have drained, then it happens, and nothing stale is fetched after
 * it. Call it after every check and load of the instruction: what is visible is asked for last.
 */
export function serializing(
  machine: MachineParts,
  core: Core,
  why: string,
  effect: () => void,
  outcome: SystemOutcome = 'next',
): SystemOutcome {
  if (core.raw(CORE.storeBufferCount) !== 0) return 'drain';
  if (machine.serializeIsVisible(core) && !machine.takeVisible(core)) return 'visible';
  effect();
  machine.serialize(core, why);
  return outcome;
}
