import { AF, CF, OF, PF, SF, ZF } from '../isa/core-state.ts';
import { parityFlag } from '../isa/flags.ts';
import type { Size } from '../isa/instruction.ts';
import type { FlagName } from '../isa/vocabulary.ts';

/** RFLAGS bit of each arithmetic flag. */
export const FLAG_BIT: Readonly<Record<FlagName, number>> = { CF, PF, AF, ZF, SF, OF };

const bit = (value: bigint, n: number): number => Number((value >> BigInt(n)) & 1n);

/** SF, ZF and PF of the low `size` bits of a result (SDM Vol. 1, "Status Flags"); CF, OF and AF are 0. */
export function logicResultFlags(result: bigint, size: Size): number {
  const value = BigInt.asUintN(size, result);
  return (value === 0n ? ZF : 0) | (bit(value, size - 1) ? SF : 0) | (parityFlag(Number(value & 0xffn)) ? PF : 0);
}

/** All six flags from a result and the carries (or borrows) out of each of its bits. */
export function arithmeticResultFlags(result: bigint, carries: bigint, size: Size): number {
  const carry = bit(carries, size - 1);
  const intoSign = bit(carries, size - 2);
  return logicResultFlags(result, size) | (carry ? CF : 0) | (carry !== intoSign ? OF : 0) | (bit(carries, 3) ? AF : 0);
}
