import type { Exact } from './float-round.ts';
import { exponentialLessOne, LN2, logarithmOfRatio, rescaled } from './x87-fixed.ts';
import { encoded, infinity, type X87Number, zero } from './x87-number.ts';
import { exact, invalid, special, withDenormals } from './x87-operands.ts';
import { roundLong, type X87Outcome } from './x87-round.ts';
import { beside, fixed, inexactly, leading } from './x87-trigonometric.ts';
import { PE, ZE } from './x87-word.ts';

/** F2XM1, FYL2X and FYL2XP1: the exact value rounded once. All but zeros and infinities are inexact, as measured, even 2^1 - 1 and log2 of powers of two. */

const PLACES = 448;
/** Below 2^-100 a power series is its first term, but for less than a unit in the last place. */
const SMALL = -100;

const product = (a: Exact, b: Exact): Exact => ({
  negative: a.negative !== b.negative,
  significand: a.significand * b.significand,
  exponent: a.exponent + b.exponent,
  more: a.more === true || b.more === true,
});

const isOne = (x: X87Number): boolean => x.kind === 'finite' && leading(x) === 0 && x.low === 1n << 63n;

/** F2XM1: 2^x - 1 for -1 <= x <= 1. Outside, where the manual leaves it open, the operand stays and the result is inexact (as measured). */
export function powerLessOne(x: X87Number, control: number): X87Outcome {
  const nan = special(x);
  if (nan !== undefined) return nan;
  if (x.kind === 'infinity') return exact(x.negative ? [1n << 63n, 0xbfffn] : encoded(x));
  if (x.kind === 'zero') return exact(encoded(x));
  return withDenormals(control, [x], () => {
    if (isOne(x)) return x.negative ? exact([x.low, 0xbffen], PE) : roundLong(beside(x, false), control);
    if (leading(x) >= 0) return exact(encoded(x), PE);
    const ln2 = inexactly(LN2, 512);
    if (leading(x) < SMALL) return roundLong(product(x, ln2), control);
    const exponent = (fixed(x, PLACES) * rescaled(LN2, PLACES)) >> BigInt(PLACES);
    return roundLong(inexactly(exponentialLessOne(exponent, PLACES), PLACES), control);
  });
}

/** Inexact even where it is not (as measured). */
function inexact(x: Exact, control: number): X87Outcome {
  const outcome = roundLong(x, control);
  return { ...outcome, flags: outcome.flags | PE };
}

/** FYL2X: `y` * log2(`x`) (SDM Vol. 2, "FYL2X Results"). */
export function logarithm(y: X87Number, x: X87Number, control: number): X87Outcome {
  const nan = special(y, x);
  if (nan !== undefined) return nan;
  if (x.negative && x.kind !== 'zero') return invalid();
  if (x.kind === 'zero') {
    if (y.kind === 'zero') return invalid();
    return exact(infinity(!y.negative), y.kind === 'infinity' ? 0 : ZE);
  }
  if (x.kind === 'infinity') return y.kind === 'zero' ? invalid() : withDenormals(control, [y], () => exact(infinity(y.negative)));
  if (y.kind === 'infinity' && isOne(x)) return invalid();
  return withDenormals(control, [y, x], () => {
    const isBelowOne = leading(x) < 0;
    if (y.kind === 'infinity') return exact(infinity(y.negative !== isBelowOne));
    if (y.kind === 'zero' || isOne(x)) return exact(zero(y.negative !== isBelowOne));
    return inexact(product(y, binaryLogarithm(x)), control);
  });
}

/** log2 of a positive number that is not 1. */
function binaryLogarithm(x: X87Number): Exact {
  const exponent = leading(x);
  const one = 1n << BigInt(PLACES);
  const mantissa = fixed({ ...x, exponent: x.exponent - exponent }, PLACES);
  if (mantissa === one) return { negative: exponent < 0, significand: BigInt(Math.abs(exponent)), exponent: 0 };
  // Near 1 from below, too, the logarithm shall not be a difference of large numbers.
  const isUpper = mantissa > one + (one >> 1n);
  const m = isUpper ? mantissa >> 1n : mantissa;
  const fraction = (logarithmOfRatio(((m - one) << BigInt(PLACES)) / (m + one), PLACES) << BigInt(PLACES)) / rescaled(LN2, PLACES);
  return inexactly(fraction + BigInt(exponent + (isUpper ? 1 : 0)) * one, PLACES);
}

/** FYL2XP1: `y` * log2(`x` + 1). */
export function logarithmOfMore(y: X87Number, x: X87Number, control: number): X87Outcome {
  const nan = special(y, x);
  if (nan !== undefined) return nan;
  if (x.kind === 'infinity' && x.negative) return invalid();
  if (x.kind === 'infinity') return y.kind === 'zero' ? invalid() : exact(infinity(y.negative));
  if (y.kind === 'infinity')
    return x.kind === 'zero' ? invalid() : withDenormals(control, [x], () => exact(infinity(y.negative !== x.negative)));
  return withDenormals(control, [y, x], () => {
    if (x.kind === 'zero' || y.kind === 'zero') return exact(zero(y.negative !== x.negative));
    // The manual leaves it open what becomes of -1 and below: as measured.
    if (x.negative && leading(x) >= 0) return exact(encoded(x), PE);
    return inexact(product(y, logarithmOnePlus(x)), control);
  });
}

/** log2(1 + x) for x > -1 that is not 0. */
function logarithmOnePlus(x: X87Number): Exact {
  const inverse = inexactly((1n << 1024n) / LN2, 512);
  if (leading(x) < SMALL) return product(beside(x, x.negative), inverse);
  const one = 1n << BigInt(PLACES);
  const sum = one + fixed(x, PLACES);
  if (leading(x) >= -1) return binaryLogarithm({ ...x, negative: false, significand: sum, exponent: -PLACES });
  const z = (fixed(x, PLACES) << BigInt(PLACES)) / (sum + one);
  return inexactly((logarithmOfRatio(z, PLACES) << BigInt(PLACES)) / rescaled(LN2, PLACES), PLACES);
}
