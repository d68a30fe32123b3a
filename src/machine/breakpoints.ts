import { RF } from '../isa/core-state.ts';
import type { Core } from './core.ts';

/**
 * Hardware breakpoints (SDM Vol. 3, "Debug Registers", "Debug Exceptions"): DR0 to DR3 hold linear addresses, DR7 says which are on and for what. I/O
 * breakpoints are not modelled, nor are the accesses by which an exception or interrupt is delivered.
 */
const BREAKPOINTS = [0, 1, 2, 3] as const;
const ENABLED = 0xff;
const REGISTERS = ['dr0', 'dr1', 'dr2', 'dr3'] as const;

/** R/Wn of DR7. */
const EXECUTE = 0;
const WRITE = 1;
const READ_WRITE = 3;
/** Bytes that LENn of DR7 stands for. */
const LENGTHS = [1, 2, 8, 4] as const;

/** Whether any breakpoint is on: then instructions run one by one. */
export const breakpointsOn = (core: Core): boolean => (core.small('dr7') & ENABLED) !== 0;

const isOn = (dr7: number, n: number): boolean => ((dr7 >>> (2 * n)) & 3) !== 0;
const kindOf = (dr7: number, n: number): number => (dr7 >>> (16 + 4 * n)) & 3;
const lengthOf = (dr7: number, n: number): bigint => BigInt(LENGTHS[(dr7 >>> (18 + 4 * n)) & 3] as number);
/** Where the range begins: low bits of the address that the length covers do not count. */
const startOf = (core: Core, n: 0 | 1 | 2 | 3, length: bigint): bigint => core.get(REGISTERS[n]) & ~(length - 1n);

/** The instruction breakpoints at RIP, as B0 to B3 of DR6; none while RF is set. They come before the instruction, as a fault. */
export function instructionBreakpoints(core: Core): number {
  if (!breakpointsOn(core) || (core.small('flagSystem') & RF) !== 0) return 0;
  const dr7 = core.small('dr7');
  let hit = 0;
  for (const n of BREAKPOINTS) if (isOn(dr7, n) && kindOf(dr7, n) === EXECUTE && core.get(REGISTERS[n]) === core.linearRip) hit |= 1 << n;
  return hit;
}

/** The data breakpoints that an access touches, as B0 to B3 of DR6. They come behind the instruction, as a trap. */
export function dataBreakpoints(core: Core, address: bigint, bytes: number, write: boolean): number {
  const dr7 = core.small('dr7');
  let hit = 0;
  for (const n of BREAKPOINTS) {
    const kind = kindOf(dr7, n);
    if (!isOn(dr7, n) || !(kind === READ_WRITE || (kind === WRITE && write))) continue;
    const length = lengthOf(dr7, n);
    const start = startOf(core, n, length);
    if (address < start + length && start < address + BigInt(bytes)) hit |= 1 << n;
  }
  return hit;
}

/** Whether a data breakpoint lies on the page of a linear address: then no access there may bypass the slow path. */
export const watchesPage = (core: Core, linear: bigint): boolean =>
  breakpointsOn(core) && dataBreakpoints(core, linear & ~0xfffn, 4096, true) !== 0;
