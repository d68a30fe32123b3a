import type { Size } from '../instruction.ts';
import type { Vocabulary } from '../vocabulary.ts';
import type { Category, Semantics } from './semantics.ts';
import { shiftCount, unlessZero, writeBack } from './shift.ts';

/**
 * Rotates (SDM Vol. 2: RCL/RCR/ROL/ROR). Only CF and OF change, and nothing for a masked count of 0. OF is written as if the count were
 * 1, where the manual leaves it undefined.
 */

/** The value repeated over 64 bits, so that a 64-bit rotate rotates each copy. */
function repeated<V>(p: Vocabulary<V>, value: V, size: Size): V {
  switch (size) {
    case 8:
      return p.mul(value, p.constant(0x0101010101010101n));
    case 16:
      return p.mul(value, p.constant(0x0001000100010001n));
    case 32:
      return p.or(value, p.shl(value, p.constant(32)));
    default:
      return value;
  }
}

/** Bit `n` of a value, as 0 or 1. */
function bit<V>(p: Vocabulary<V>, value: V, n: number): V {
  return p.and(p.shr(value, p.constant(n)), p.constant(1));
}

const rol: Semantics = (p, i) => {
  const count = shiftCount(p, i, 1);
  if (count === undefined) return writeBack(p, i);
  const result = p.rotl(repeated(p, p.readModify(i.operands[0]), i.size), count);
  p.write(i.operands[0], result);
  unlessZero(p, i, 1, count, () => {
    const carry = bit(p, result, 0);
    p.setFlags({ CF: carry, OF: p.xor(carry, bit(p, result, i.size - 1)) });
  });
};

const ror: Semantics = (p, i) => {
  const count = shiftCount(p, i, 1);
  if (count === undefined) return writeBack(p, i);
  const result = p.rotl(repeated(p, p.readModify(i.operands[0]), i.size), p.sub(p.constant(0), count));
  p.write(i.operands[0], result);
  unlessZero(p, i, 1, count, () => {
    const carry = bit(p, result, i.size - 1);
    p.setFlags({ CF: carry, OF: p.xor(carry, bit(p, result, i.size - 2)) });
  });
};

/** The masked count modulo size + 1, the number of bits that turn (at most 31 or 63 come in). */
function throughCarryCount<V>(p: Vocabulary<V>, count: V, size: Size): V {
  let rest = count;
  for (let turn = size + 1; size < 32 && turn < 32; turn *= 2) {
    // Largest multiple first: 18 and 9 for bytes, 17 for words.
    const multiple = p.constant(size === 8 ? 27 - turn : turn);
    rest = p.select(p.ltUnsigned(rest, multiple), rest, p.sub(rest, multiple));
  }
  return rest;
}

const rcl: Semantics = (p, i) => {
  const masked = shiftCount(p, i, 1);
  if (masked === undefined) return writeBack(p, i);
  const count = throughCarryCount(p, masked, i.size);
  const value = p.readModify(i.operands[0]);
  const carryIn = p.flag('CF');
  const one = p.constant(1);
  const rest = p.sub(p.constant(i.size), count);
  const turned = p.or(p.or(p.shl(value, count), p.shl(carryIn, p.sub(count, one))), p.shr(p.shr(value, one), rest));
  const result = p.select(count, turned, value);
  const carry = p.select(count, p.and(p.shr(value, rest), one), carryIn);
  p.write(i.operands[0], result);
  unlessZero(p, i, 1, masked, () => p.setFlags({ CF: carry, OF: p.xor(carry, bit(p, result, i.size - 1)) }));
};

const rcr: Semantics = (p, i) => {
  const masked = shiftCount(p, i, 1);
  if (masked === undefined) return writeBack(p, i);
  const count = throughCarryCount(p, masked, i.size);
  const value = p.readModify(i.operands[0]);
  const carryIn = p.flag('CF');
  const one = p.constant(1);
  const rest = p.sub(p.constant(i.size), count);
  const turned = p.or(p.or(p.shr(value, count), p.shl(carryIn, rest)), p.shl(p.shl(value, one), rest));
  const result = p.select(count, turned, value);
  const carry = p.select(count, p.and(p.shr(value, p.sub(count, one)), one), carryIn);
  p.write(i.operands[0], result);
  unlessZero(p, i, 1, masked, () => p.setFlags({ CF: carry, OF: p.xor(bit(p, result, i.size - 1), bit(p, result, i.size - 2)) }));
};

export const rotates: Category = { rol, ror, rcl, rcr };
