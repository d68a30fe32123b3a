import { AF, CF, OF, PF, SF, ZF } from './core-state.ts';

/**
 * The two lazy-flag words and the six arithmetic flags (SDM Vol. 1, "EFLAGS Register").
 *
 * `flagResult` is the result of the last flag-setting instruction, sign-extended from its operand size to 64 bits.
 * `flagCarry` holds what the result cannot tell:
 *
 * | bit | meaning |
 * |---|---|
 * | 63 | CF |
 * | 62 | CF xor OF |
 * | 3 | AF |
 * | 1 | SF differs from the sign of `flagResult` |
 * | 0 | PF differs from the parity of the low byte of `flagResult` |
 *
 * ZF is `flagResult == 0`. Every other bit is zero. For an addition the vector of carries out of each bit position,
 * aligned to the top, has CF in bit 63 and the carry into the sign bit in bit 62, whence the odd encoding of OF.
 */
const ALL64 = (1n << 64n) - 1n;

const CARRY_CF = 63n;
const CARRY_CF_XOR_OF = 62n;
const CARRY_AF = 3n;
const CARRY_SF_FLIP = 1n;
const CARRY_PF_FLIP = 0n;

/** PF of a byte: 1 when the number of ones is even. */
export function parityFlag(byte: number): 0 | 1 {
  let x = byte & 0xff;
  x ^= x >> 4;
  x ^= x >> 2;
  x ^= x >> 1;
  return x & 1 ? 0 : 1;
}

/** The six arithmetic flags as RFLAGS bits, from the two lazy words (unsigned 64-bit each). */
export function arithmeticFlags(flagResult: bigint, flagCarry: bigint): number {
  const cf = Number((flagCarry >> CARRY_CF) & 1n);
  const of = cf ^ Number((flagCarry >> CARRY_CF_XOR_OF) & 1n);
  const af = Number((flagCarry >> CARRY_AF) & 1n);
  const sf = Number((flagResult >> 63n) & 1n) ^ Number((flagCarry >> CARRY_SF_FLIP) & 1n);
  const pf = parityFlag(Number(flagResult & 0xffn)) ^ Number((flagCarry >> CARRY_PF_FLIP) & 1n);
  const zf = (flagResult & ALL64) === 0n ? 1 : 0;
  return (cf ? CF : 0) | (pf ? PF : 0) | (af ? AF : 0) | (zf ? ZF : 0) | (sf ? SF : 0) | (of ? OF : 0);
}

/** Two lazy words that stand for the given RFLAGS bits: the canonical pair, so that equal flags are equal words. */
export function lazyFlags(rflags: number): { flagResult: bigint; flagCarry: bigint } {
  const flagResult = rflags & ZF ? 0n : 1n;
  const cf = rflags & CF ? 1n : 0n;
  const of = rflags & OF ? 1n : 0n;
  const sfFlip = rflags & SF ? 1n : 0n;
  const parity = parityFlag(Number(flagResult));
  const pfFlip = BigInt((rflags & PF ? 1 : 0) ^ parity);
  const af = rflags & AF ? 1n : 0n;
  const flagCarry =
    (cf << CARRY_CF) | ((cf ^ of) << CARRY_CF_XOR_OF) | (af << CARRY_AF) | (sfFlip << CARRY_SF_FLIP) | (pfFlip << CARRY_PF_FLIP);
  return { flagResult, flagCarry };
}

/** RFLAGS bits that have a name of one flag, lowest first (SDM Vol. 1, "EFLAGS Register"). */
const FLAG_NAMES: readonly (readonly [bit: number, name: string])[] = [
  [0, 'CF'],
  [2, 'PF'],
  [4, 'AF'],
  [6, 'ZF'],
  [7, 'SF'],
  [8, 'TF'],
  [9, 'IF'],
  [10, 'DF'],
  [11, 'OF'],
  [14, 'NT'],
  [16, 'RF'],
  [18, 'AC'],
];

/** Names of the flags that are set in RFLAGS, for people. */
export const namesOfFlags = (rflags: number): string[] =>
  FLAG_NAMES.filter(([bit]) => ((rflags >>> bit) & 1) === 1).map(([, name]) => name);
