import type { Vocabulary } from '../vocabulary.ts';
import type { Category, Semantics } from './semantics.ts';

/** Integer addition and subtraction (SDM Vol. 2: ADD, ADC, SUB, SBB, CMP, INC, DEC, NEG). */

/** Carries out of each bit of a + b (+ carry) = r. */
export function carries<V>(p: Vocabulary<V>, a: V, b: V, r: V): V {
  return p.or(p.and(a, b), p.and(p.or(a, b), p.not(r)));
}

/** Borrows out of each bit of a - b (- borrow) = r. */
export function borrows<V>(p: Vocabulary<V>, a: V, b: V, r: V): V {
  return p.or(p.and(p.not(a), b), p.and(p.not(p.xor(a, b)), r));
}

/** Two operands to one: what is stored, and which vector of carries or borrows the flags are made of. */
function arithmetic(combine: <V>(p: Vocabulary<V>, a: V, b: V) => V, outOf: <V>(p: Vocabulary<V>, a: V, b: V, r: V) => V): Semantics {
  return (p, i) => {
    const [destination, source] = i.operands;
    const a = p.readModify(destination);
    const b = p.read(source);
    const r = combine(p, a, b);
    p.write(destination, r);
    p.flagsArithmetic(r, outOf(p, a, b, r), i.size);
  };
}

const add = arithmetic((p, a, b) => p.add(a, b), carries);
const adc = arithmetic((p, a, b) => p.add(p.add(a, b), p.flag('CF')), carries);
const sub = arithmetic((p, a, b) => p.sub(a, b), borrows);
const sbb = arithmetic((p, a, b) => p.sub(p.sub(a, b), p.flag('CF')), borrows);

const cmp: Semantics = (p, i) => {
  const a = p.read(i.operands[0]);
  const b = p.read(i.operands[1]);
  const r = p.sub(a, b);
  p.flagsArithmetic(r, borrows(p, a, b, r), i.size);
};

/** a + 1: the carry out of a bit is set where a one became a zero. */
const inc: Semantics = (p, i) => {
  const a = p.readModify(i.operands[0]);
  const r = p.add(a, p.constant(1));
  p.write(i.operands[0], r);
  p.flagsArithmeticKeepCarry(r, p.and(a, p.not(r)), i.size);
};

/** a - 1: the borrow out of a bit is set where a zero became a one. */
const dec: Semantics = (p, i) => {
  const a = p.readModify(i.operands[0]);
  const r = p.sub(a, p.constant(1));
  p.write(i.operands[0], r);
  p.flagsArithmeticKeepCarry(r, p.and(p.not(a), r), i.size);
};

/** 0 - a: the borrows of SUB with a zero minuend. */
const neg: Semantics = (p, i) => {
  const a = p.readModify(i.operands[0]);
  const r = p.sub(p.constant(0), a);
  p.write(i.operands[0], r);
  p.flagsArithmetic(r, p.or(a, r), i.size);
};

export const binary: Category = { add, adc, sub, sbb, cmp, inc, dec, neg };
