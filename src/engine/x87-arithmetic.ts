import { C1 } from '../isa/helpers/x87-word.ts';
import type { Node } from './graph.ts';
import type { QuickCode, QuickFormula } from './quick-code.ts';
import { f64, i64 } from './wasm/code.ts';
import { BIAS, type Finite, finite, highOf, INTEGER_BIT, isNot, roundingOf, settled, statusAfter } from './x87-parts.ts';

/** FADD, FSUB, FMUL, FDIV and FSQRT of normal numbers and zeros. */

type Operation = (q: QuickCode, control: Node, status: Node, a: Finite, b: Finite) => Node[];

/** A function of two registers; `reversed`: of the second and the first. */
const binary =
  (operation: Operation, reversed = false): QuickFormula =>
  (q, control, status, low0, high0, low1, high1) => {
    const [a, b] = [finite(q, low0!, high0!), finite(q, low1!, high1!)];
    return reversed ? operation(q, control!, status!, b, a) : operation(q, control!, status!, a, b);
  };

const zero = (q: QuickCode, control: Node, status: Node, negative: Node): Node[] => [
  q.constant(0),
  highOf(q, negative, q.constant(0)),
  statusAfter(q, control, status, C1),
  q.constant(1),
];

/** The upper and the lower 64 bits of a number. */
interface Long {
  readonly high: Node;
  readonly low: Node;
}

/** A significand `places` lower, with 64 bits behind it; what falls off sets the last of them. */
function lowered(q: QuickCode, significand: Node, places: Node): Long {
  // All beyond is alike.
  const count = q.select(q.ltUnsigned(places, q.constant(127)), places, q.constant(127));
  const high = q.shr(significand, count);
  const low = q.shl(q.shl(significand, q.constant(1)), q.xor(count, q.constant(63)));
  const isFar = q.ne(q.and(count, q.constant(64)), q.constant(0));
  const jammed = q.or(high, q.ne(low, q.constant(0)));
  return { high: q.select(isFar, q.constant(0), high), low: q.select(isFar, jammed, low) };
}

/** 128 bits shifted left by less than 64. */
const raised = (q: QuickCode, { high, low }: Long, places: Node): Long => ({
  high: q.or(q.shl(high, places), q.shr(q.shr(low, q.constant(1)), q.xor(places, q.constant(63)))),
  low: q.shl(low, places),
});

const sum =
  (subtracts: boolean): Operation =>
  (q, control, status, a, b) => {
    const c = (n: number): Node => q.constant(n);
    const swaps = q.or(q.ltUnsigned(a.field, b.field), q.and(q.eq(a.field, b.field), q.ltUnsigned(a.significand, b.significand)));
    const negative = subtracts ? isNot(q, b.negative) : b.negative;
    const sign = q.select(swaps, negative, a.negative);
    const field = q.select(swaps, b.field, a.field);
    const larger = q.select(swaps, b.significand, a.significand);
    const smaller = q.select(swaps, a.significand, b.significand);
    const addend = lowered(q, smaller, q.sub(field, q.select(swaps, a.field, b.field)));

    const [high, low, exponent] = [q.variable(c(0)), q.variable(c(0)), q.variable(field)];
    const differ = q.xor(a.negative, negative);
    q.when(
      differ,
      () => {
        const borrow = q.ne(addend.low, c(0));
        const difference = q.sub(q.sub(larger, addend.high), borrow);
        const rest = q.sub(c(0), addend.low);
        // Nothing is left of the upper half only where the exponents are equal or next to each other: the lower one has a bit then.
        const isShort = q.eq(difference, c(0));
        const all = { high: q.select(isShort, rest, difference), low: q.select(isShort, c(0), rest) };
        q.when(q.eq(all.high, c(0)), () => q.give(...zero(q, control, status, q.eq(roundingOf(q, control), c(1)))));
        const places = q.clz(all.high);
        const normal = raised(q, all, places);
        high.set(normal.high);
        low.set(normal.low);
        exponent.set(q.sub(q.sub(field, places), q.shl(isShort, c(6))));
      },
      () => {
        q.when(q.eq(larger, c(0)), () => q.give(...zero(q, control, status, sign)));
        const total = q.add(larger, addend.high);
        const carry = q.ltUnsigned(total, larger);
        const halved = q.or(q.shr(total, c(1)), q.constant(INTEGER_BIT));
        // The last bit is clear: a carry comes from a sum with less than 64 places between.
        const rest = q.or(q.shl(total, c(63)), q.shr(addend.low, c(1)));
        high.set(q.select(carry, halved, total));
        low.set(q.select(carry, rest, addend.low));
        exponent.set(q.add(field, carry));
      },
    );
    return settled(q, control, status, { negative: sign, field: exponent.get(), significand: high.get() }, low.get());
  };

const multiply: Operation = (q, control, status, a, b) => {
  const negative = q.xor(a.negative, b.negative);
  // Normal significands share bit 63.
  q.when(q.eq(q.and(a.significand, b.significand), q.constant(0)), () => q.give(...zero(q, control, status, negative)));
  const product = { high: q.mulHighUnsigned(a.significand, b.significand), low: q.mul(a.significand, b.significand) };
  const up = q.shr(product.high, q.constant(63));
  const { high, low } = raised(q, product, isNot(q, up));
  const field = q.add(q.sub(q.add(a.field, b.field), q.constant(BIAS)), up);
  return settled(q, control, status, { negative, field, significand: high }, low);
};

/** What is behind a quotient or a root that is not exact: less or more than half of its last place, which it never is. */
const behind = (q: QuickCode, isExact: Node, isMore: Node): Node =>
  q.select(isExact, q.constant(0), q.select(isMore, q.constant(-1), q.constant(1)));

const divide: Operation = (q, control, status, a, b) => {
  const negative = q.xor(a.negative, b.negative);
  q.needs(b.significand);
  q.when(q.eq(a.significand, q.constant(0)), () => q.give(...zero(q, control, status, negative)));
  const less = q.ltUnsigned(a.significand, b.significand);
  const high = q.shr(a.significand, isNot(q, less));
  const low = q.select(less, q.constant(0), q.shl(a.significand, q.constant(63)));
  const { quotient, remainder } = q.divideUnsigned(high, low, b.significand);
  const field = q.sub(q.add(q.sub(a.field, b.field), q.constant(BIAS)), less);
  const rest = behind(q, q.eq(remainder, q.constant(0)), q.ltUnsigned(q.sub(b.significand, remainder), remainder));
  return settled(q, control, status, { negative, field, significand: quotient }, rest);
};

/** The upper 32 bits of the root of high:low, from a double that may be one too large. */
function upperRoot(q: QuickCode, high: Node): Node {
  const estimate = q.own([high], (code) => f64.truncate(f64.sqrt(f64.ofU64(code))));
  const root = q.select(q.shr(estimate, q.constant(32)), q.constant(0xffffffff), estimate);
  return q.sub(root, q.ltUnsigned(high, q.mul(root, root)));
}

/** The root of 128 bits, of which one of the upper two is set, and what remains (P. Zimmermann, "Karatsuba Square Root"). */
function longRoot(q: QuickCode, { high, low }: Long): { readonly root: Node; readonly remainder: Long } {
  const c = (n: number): Node => q.constant(n);
  const upper = upperRoot(q, high);
  const dividend = q.or(q.shl(q.sub(high, q.mul(upper, upper)), c(31)), q.shr(low, c(33)));
  const quotient = q.own([dividend, upper], i64.divU);
  const lower = q.select(q.shr(quotient, c(32)), c(0xffffffff), quotient);
  const guess = q.or(q.shl(upper, c(32)), lower);
  const without = (root: Node): Long => {
    const square = q.mul(root, root);
    return { high: q.sub(q.sub(high, q.mulHighUnsigned(root, root)), q.ltUnsigned(low, square)), low: q.sub(low, square) };
  };
  const root = q.sub(guess, q.shr(without(guess).high, c(63)));
  return { root, remainder: without(root) };
}

const squareRoot: QuickFormula = (q, control, status, low, high) => {
  const x = finite(q, low!, high!);
  q.when(q.eq(x.significand, q.constant(0)), () => q.give(...zero(q, control!, status!, x.negative)));
  q.needs(isNot(q, x.negative));
  // An even field is an odd exponent.
  const odd = isNot(q, q.and(x.field, q.constant(1)));
  const radicand = {
    high: q.shr(x.significand, isNot(q, odd)),
    low: q.select(odd, q.constant(0), q.shl(x.significand, q.constant(63))),
  };
  const { root, remainder } = longRoot(q, radicand);
  const isExact = q.eq(q.or(remainder.high, remainder.low), q.constant(0));
  const rest = behind(q, isExact, q.or(remainder.high, q.ltUnsigned(root, remainder.low)));
  const field = q.shr(q.add(x.field, q.constant(BIAS)), q.constant(1));
  return settled(q, control!, status!, { negative: q.constant(0), field, significand: root }, rest);
};

export const ARITHMETIC: readonly (readonly [string, QuickFormula])[] = [
  ['x87.add', binary(sum(false))],
  ['x87.sub', binary(sum(true))],
  ['x87.subr', binary(sum(true), true)],
  ['x87.mul', binary(multiply)],
  ['x87.div', binary(divide)],
  ['x87.divr', binary(divide, true)],
  ['x87.sqrt', squareRoot],
];
