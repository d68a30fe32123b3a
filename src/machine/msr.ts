import { type StateWord, Vector } from '../isa/core-state.ts';
import { type ApicMsrEffect, readApicMsr, writeApicMsr, X2APIC_FIRST, X2APIC_LAST } from './apic-registers.ts';
import { readTscDeadline, writeApicBase, writeTscDeadline } from './apic-state.ts';
import { type Core, GuestFault } from './core.ts';
import { isCanonical } from './paging.ts';
import { CR0_PG, EFER_LMA, EFER_LME, EFER_NXE } from './paging-modes.ts';
import type { MachineParts } from './parts.ts';

/** Model-specific registers by number (SDM Vol. 4, "IA-32 Architectural MSRs"). All others are #GP(0). */
export const MSR = {
  tsc: 0x10,
  apicBase: 0x1b,
  sysenterCs: 0x174,
  sysenterEsp: 0x175,
  sysenterEip: 0x176,
  pat: 0x277,
  tscDeadline: 0x6e0,
  /** IA32_XSS: no supervisor state is there to enable. */
  xss: 0xda0,
  efer: 0xc0000080,
  star: 0xc0000081,
  lstar: 0xc0000082,
  cstar: 0xc0000083,
  sfmask: 0xc0000084,
  fsBase: 0xc0000100,
  gsBase: 0xc0000101,
  kernelGsBase: 0xc0000102,
  tscAux: 0xc0000103,
} as const;

/** Registers that are a word of the core's state, and what may be written to them. */
const PLAIN: ReadonlyMap<number, readonly [StateWord, (value: bigint) => boolean]> = new Map([
  [MSR.sysenterCs, ['sysenterCs', fits32]],
  [MSR.sysenterEsp, ['sysenterEsp', isCanonical]],
  [MSR.sysenterEip, ['sysenterEip', isCanonical]],
  [MSR.pat, ['pat', isPat]],
  [MSR.star, ['star', () => true]],
  [MSR.lstar, ['lstar', isCanonical]],
  [MSR.cstar, ['cstar', isCanonical]],
  [MSR.sfmask, ['sfmask', fits32]],
  [MSR.fsBase, ['fsBase', isCanonical]],
  [MSR.gsBase, ['gsBase', isCanonical]],
  [MSR.kernelGsBase, ['kernelGsBase', isCanonical]],
  [MSR.tscAux, ['tscAux', fits32]],
]);

function fits32(value: bigint): boolean {
  return value >> 32n === 0n;
}

/** Every byte is a memory type (SDM Vol. 3, "Page Attribute Table"). */
function isPat(value: bigint): boolean {
  return Array.from({ length: 8 }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn)).every(
    (type) => type <= 1 || (type >= 4 && type <= 7),
  );
}

const EFER_SCE = 1n;
const EFER_DEFINED = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;

const isApic = (msr: number): boolean => msr >= X2APIC_FIRST && msr <= X2APIC_LAST;

/** WRMSR of these orders nothing (SDM Vol. 3, "Serializing Instructions": exceptions for the x2APIC and the TSC deadline). */
export const isNonSerializing = (msr: number): boolean => isApic(msr) || msr === MSR.tscDeadline;

export function readMsr(machine: MachineParts, core: Core, msr: number): bigint {
  const plain = PLAIN.get(msr);
  if (plain !== undefined) return core.get(plain[0]);
  if (isApic(msr)) return readApicMsr(machine, core, msr);
  switch (msr) {
    case MSR.tsc:
      return machine.ticks;
    case MSR.apicBase:
      return core.get('apicBase');
    case MSR.tscDeadline:
      return readTscDeadline(core);
    case MSR.efer:
      return core.get('efer');
    case MSR.xss:
      return 0n;
    default:
      throw new GuestFault(Vector.GP);
  }
}

/** Checks a write, and returns what does it: #GP(0) comes before anything happens. */
export function prepareMsrWrite(machine: MachineParts, core: Core, msr: number, value: bigint): ApicMsrEffect {
  const plain = PLAIN.get(msr);
  if (plain !== undefined) {
    const [word, allowed] = plain;
    if (!allowed(value)) throw new GuestFault(Vector.GP);
    return { visible: false, apply: () => core.set(word, value) };
  }
  if (isApic(msr)) return writeApicMsr(machine, core, msr, value);
  switch (msr) {
    case MSR.apicBase:
      return { visible: false, apply: writeApicBase(core, value) };
    case MSR.tscDeadline:
      return { visible: false, apply: () => writeTscDeadline(core, value) };
    case MSR.efer:
      return { visible: false, apply: prepareEfer(machine, core, value) };
    case MSR.xss:
      if (value !== 0n) throw new GuestFault(Vector.GP);
      return { visible: false, apply: () => {} };
    default:
      throw new GuestFault(Vector.GP);
  }
}

/** LME cannot change while paging is on; LMA is the processor's (SDM Vol. 3, "Extended Feature Enable Register"). */
function prepareEfer(machine: MachineParts, core: Core, value: bigint): () => void {
  const old = core.get('efer');
  const changed = value ^ old;
  if ((value & ~EFER_DEFINED) !== 0n) throw new GuestFault(Vector.GP);
  if ((changed & EFER_LME) !== 0n && (core.get('cr0') & CR0_PG) !== 0n) throw new GuestFault(Vector.GP);
  return () => {
    core.set('efer', (value & ~EFER_LMA) | (old & EFER_LMA));
    if ((changed & EFER_NXE) !== 0n) machine.flushTlb(core, true);
  };
}
