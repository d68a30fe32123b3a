import { Vector, ymmOffset } from '../../isa/core-state.ts';
import { type Core, GuestFault } from '../core.ts';
import type { StateArea } from './state-area.ts';
import { loadRegister, putRegisters, putWords, storeRegister } from './x87-image.ts';

/** The first 512 bytes of FXSAVE and XSAVE (SDM Vol. 1, "Legacy Region of an XSAVE Area"). */

export const MXCSR_MASK = 0xffffn;
const MXCSR_AT = 24;
const REGISTERS_AT = 32;
const XMM_AT = 160;

/** Addresses have 64 bits with REX.W, else 32 and a selector, which is stored as zero. */
export type AddressBytes = 4 | 8;

export function storeX87(core: Core, area: StateArea, bytes: AddressBytes): void {
  const words = core.get('fcw') | (core.get('fsw') << 16n) | (core.get('ftw') << 32n) | (core.get('fop') << 48n);
  area.store(0, 8, words);
  area.store(8, 8, BigInt.asUintN(8 * bytes, core.get('fip')));
  area.store(16, 8, BigInt.asUintN(8 * bytes, core.get('fdp')));
  // The reserved rest of its sixteen bytes is zeros: as recorded.
  for (let n = 0; n < 8; n++) storeRegister(core, area, REGISTERS_AT + 16 * n, n, 8);
}

/** Loads the image; gives what puts it into the core. */
export function loadX87(core: Core, area: StateArea, bytes: AddressBytes): () => void {
  const words = area.load(0, 8);
  const [instruction, data] = [area.load(8, bytes), area.load(16, bytes)];
  const registers = Array.from({ length: 8 }, (_, n) => loadRegister(area, REGISTERS_AT + 16 * n));
  return () => {
    putWords(core, {
      control: words & 0xffffn,
      status: (words >> 16n) & 0xffffn,
      tags: words >> 32n,
      opcode: words >> 48n,
      instruction,
      data,
    });
    putRegisters(core, registers);
  };
}

export const storeMxcsr = (core: Core, area: StateArea): void => area.store(MXCSR_AT, 8, core.get('mxcsr') | (MXCSR_MASK << 32n));

/** #GP(0) for a reserved bit. */
export function loadMxcsr(core: Core, area: StateArea): () => void {
  const mxcsr = area.load(MXCSR_AT, 4);
  if ((mxcsr & ~MXCSR_MASK) !== 0n) throw new GuestFault(Vector.GP);
  return () => core.set('mxcsr', mxcsr);
}

/** Quadwords of one half of all vector registers. Outside 64-bit mode there are eight registers. */
const quadwords = (core: Core): number => (core.mode === 0 ? 32 : 16);

/** Sixteen bytes of each of the registers: `half` 0 the lower, 1 the upper ones. */
export function storeHalves(core: Core, area: StateArea, half: 0 | 1, at = XMM_AT): void {
  for (let n = 0; n < quadwords(core); n++) area.store(at + 8 * n, 8, core.rawLong(halfOffset(half, n)));
}

export function loadHalves(core: Core, area: StateArea, half: 0 | 1, at = XMM_AT): () => void {
  const quads = Array.from({ length: quadwords(core) }, (_, n) => area.load(at + 8 * n, 8));
  return () => putHalves(core, half, quads);
}

export function putHalves(core: Core, half: 0 | 1, quads: readonly bigint[]): void {
  quads.slice(0, quadwords(core)).forEach((value, n) => core.setRawLong(halfOffset(half, n), value));
}

export const areHalvesZero = (core: Core, half: 0 | 1): boolean =>
  Array.from({ length: 32 }, (_, n) => core.rawLong(halfOffset(half, n))).every((value) => value === 0n);

const halfOffset = (half: 0 | 1, n: number): number => ymmOffset(n >> 1) + 16 * half + 8 * (n & 1);
