import { RDX } from '../core-state.ts';
import type { Instruction } from '../instruction.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { protectedOnly } from './protected.ts';
import { type Category, type Semantics, signBit } from './semantics.ts';

/** BMI1 and BMI2 (SDM Vol. 2: ANDN, BEXTR, BLSI, BLSMSK, BLSR, BZHI, MULX, PDEP, PEXT, RORX, SARX, SHLX, SHRX), 32 and 64 bits. */

/** SF and ZF by the result, CF as given, OF 0; PF and AF, undefined in the manual, by PF of the result and 0. */
function flagsWithCarry<V>(p: Vocabulary<V>, i: Instruction, result: V, carry: V): void {
  // CF = 1 and OF = 0: a carry out of the sign bit and one into it.
  p.flagsArithmetic(result, p.mul(carry, p.constant(signBit(i.size) | (signBit(i.size) >> 1n))), i.size);
}

const andn: Semantics = (p, i) => {
  const [destination, inverted, source] = i.operands;
  const r = p.and(p.not(p.read(inverted)), p.read(source));
  p.write(destination, r);
  p.flagsLogic(r, i.size);
};

/** The low `length` bits of a value; all of them for 64 and more. */
const lowBits = <V>(p: Vocabulary<V>, value: V, length: V): V =>
  p.select(p.ltUnsigned(length, p.constant(64)), p.and(value, p.sub(p.shl(p.constant(1), length), p.constant(1))), value);

const bextr: Semantics = (p, i) => {
  const [destination, source, control] = i.operands;
  const value = p.read(source);
  const start = p.and(p.read(control), p.constant(0xff));
  const length = p.and(p.shr(p.read(control), p.constant(8)), p.constant(0xff));
  const shifted = p.select(p.ltUnsigned(start, p.constant(64)), p.shr(value, start), p.constant(0));
  const r = lowBits(p, shifted, length);
  p.write(destination, r);
  p.flagsLogic(r, i.size);
};

const bzhi: Semantics = (p, i) => {
  const [destination, source, control] = i.operands;
  const value = p.read(source);
  const index = p.and(p.read(control), p.constant(0xff));
  const r = lowBits(p, value, index);
  p.write(destination, r);
  flagsWithCarry(p, i, r, p.ltUnsigned(p.constant(i.size - 1), index));
};

type Lowest = <V>(p: Vocabulary<V>, value: V, less: V) => V;

/** The lowest set bit by arithmetic on `value` and `value - 1`; CF says whether the source was 0 (`carryIfZero`) or was not. */
const lowestBit =
  (operation: Lowest, carryIfZero: boolean): Semantics =>
  (p, i) => {
    const value = p.read(i.operands[1]);
    const r = operation(p, value, p.sub(value, p.constant(1)));
    const zero = p.constant(0);
    p.write(i.operands[0], r);
    flagsWithCarry(p, i, r, carryIfZero ? p.eq(value, zero) : p.ne(value, zero));
  };

/** The high half is the first operand and is written last: it wins where both are one register. No flags. */
const mulx: Semantics = (p, i) => {
  const [high, low, source] = i.operands;
  const a = p.register(RDX, i.size);
  const b = p.read(source);
  const product = p.mul(a, b);
  const upper = i.size === 64 ? p.mulHighUnsigned(a, b) : p.shr(product, p.constant(32));
  p.write(low, product);
  p.write(high, upper);
};

/** Goes over the set bits of the mask from the lowest, `position` being the next bit of the packed side. */
const throughMask =
  (take: <V>(p: Vocabulary<V>, source: V, lowest: V, position: V) => V): Semantics =>
  (p, i) => {
    const [destination, from, selector] = i.operands;
    const source = p.read(from);
    const mask = p.variable(p.read(selector));
    const position = p.variable(p.constant(1));
    const result = p.variable(p.constant(0));
    p.loop(
      () => mask.get(),
      () => {
        const left = mask.get();
        const lowest = p.and(left, p.sub(p.constant(0), left));
        result.set(p.or(result.get(), take(p, source, lowest, position.get())));
        mask.set(p.xor(left, lowest));
        position.set(p.shl(position.get(), p.constant(1)));
      },
    );
    p.write(destination, result.get());
  };

const rorx: Semantics = (p, i) => {
  const value = p.read(i.operands[1]);
  const doubled = i.size === 64 ? value : p.or(value, p.shl(value, p.constant(32)));
  const count = p.and(p.read(i.operands[2]), p.constant(i.size - 1));
  p.write(i.operands[0], p.rotl(doubled, p.sub(p.constant(0), count)));
};

/** A shift without flags. */
const shiftx =
  (operation: <V>(p: Vocabulary<V>, value: V, count: V, i: Instruction) => V): Semantics =>
  (p, i) => {
    const value = p.read(i.operands[1]);
    const count = p.and(p.read(i.operands[2]), p.constant(i.size - 1));
    p.write(i.operands[0], operation(p, value, count, i));
  };

export const bmi: Category = protectedOnly({
  andn,
  bextr,
  bzhi,
  mulx,
  rorx,
  blsi: lowestBit((p, value, less) => p.and(value, p.not(less)), false),
  blsmsk: lowestBit((p, value, less) => p.xor(value, less), true),
  blsr: lowestBit((p, value, less) => p.and(value, less), true),
  pdep: throughMask((p, source, lowest, position) => p.select(p.and(source, position), lowest, p.constant(0))),
  pext: throughMask((p, source, lowest, position) => p.select(p.and(source, lowest), position, p.constant(0))),
  sarx: shiftx((p, value, count, i) => p.sar(p.signExtend(value, i.size), count)),
  shlx: shiftx((p, value, count) => p.shl(value, count)),
  shrx: shiftx((p, value, count) => p.shr(value, count)),
});
