import { integerRoot } from './float-arithmetic.ts';
import type { Exact } from './float-round.ts';
import { Rounding } from './mxcsr.ts';
import { encoded, infinity, type X87Number, zero } from './x87-number.ts';
import { exact, invalid, special, withDenormals } from './x87-operands.ts';
import { round, type X87Outcome } from './x87-round.ts';
import { roundingOf, ZE } from './x87-word.ts';

/** FADD, FSUB, FMUL, FDIV and FSQRT on numbers taken apart (SDM Vol. 2, the tables of results of each). */

export type Binary = (a: X87Number, b: X87Number, control: number) => X87Outcome;

const negated = (x: X87Number): X87Number => ({ ...x, negative: !x.negative });

const sum =
  (subtracts: boolean): Binary =>
  (a, b, control) => {
    const nan = special(a, b);
    if (nan !== undefined) return nan;
    const y = subtracts ? negated(b) : b;
    if (a.kind === 'infinity' && y.kind === 'infinity' && a.negative !== y.negative) return invalid();
    return withDenormals(control, [a, y], () => {
      if (a.kind === 'infinity' || y.kind === 'infinity') return exact(infinity(a.kind === 'infinity' ? a.negative : y.negative));
      return sumOfFinite(a, y, control);
    });
  };

function sumOfFinite(a: X87Number, b: X87Number, control: number): X87Outcome {
  const exponent = a.kind === 'zero' ? b.exponent : b.kind === 'zero' ? a.exponent : Math.min(a.exponent, b.exponent);
  const value = scaled(a, exponent) + scaled(b, exponent);
  if (value !== 0n) return round({ negative: value < 0n, significand: value < 0n ? -value : value, exponent }, control);
  const alike = a.kind === 'zero' && a.negative === b.negative;
  return exact(zero(alike ? a.negative : roundingOf(control) === Rounding.down));
}

function scaled(x: X87Number, exponent: number): bigint {
  if (x.kind === 'zero') return 0n;
  const magnitude = x.significand << BigInt(x.exponent - exponent);
  return x.negative ? -magnitude : magnitude;
}

export const add = sum(false);
export const subtract = sum(true);

export const multiply: Binary = (a, b, control) => {
  const nan = special(a, b);
  if (nan !== undefined) return nan;
  const negative = a.negative !== b.negative;
  const kinds = [a.kind, b.kind];
  const isInfinite = kinds.includes('infinity');
  const isZero = kinds.includes('zero');
  if (isInfinite && isZero) return invalid();
  return withDenormals(control, [a, b], () => {
    if (isInfinite) return exact(infinity(negative));
    if (isZero) return exact(zero(negative));
    return round({ negative, significand: a.significand * b.significand, exponent: a.exponent + b.exponent }, control);
  });
};

/** The quotient of two finite numbers to 130 bits and more. */
export function quotient(
  a: Pick<X87Number, 'significand' | 'exponent'>,
  b: Pick<X87Number, 'significand' | 'exponent'>,
  negative: boolean,
): Exact {
  const dividend = a.significand << 192n;
  const significand = dividend / b.significand;
  const more = significand * b.significand !== dividend;
  return { negative, significand, exponent: a.exponent - b.exponent - 192, more };
}

export const divide: Binary = (a, b, control) => {
  const nan = special(a, b);
  if (nan !== undefined) return nan;
  const negative = a.negative !== b.negative;
  if (a.kind === b.kind && a.kind !== 'finite') return invalid();
  if (b.kind === 'zero' && a.kind !== 'infinity') return exact(infinity(negative), ZE);
  return withDenormals(control, [a, b], () => {
    if (a.kind === 'infinity') return exact(infinity(negative));
    if (a.kind === 'zero' || b.kind === 'infinity') return exact(zero(negative));
    return round(quotient(a, b, negative), control);
  });
};

export const reversed =
  (operation: Binary): Binary =>
  (a, b, control) =>
    operation(b, a, control);

export function squareRoot(x: X87Number, control: number): X87Outcome {
  const nan = special(x);
  if (nan !== undefined) return nan;
  if (x.kind === 'zero') return exact(encoded(x));
  if (x.negative) return invalid();
  if (x.kind === 'infinity') return exact(encoded(x));
  return withDenormals(control, [x], () => {
    const up = 194 + (x.exponent & 1);
    const radicand = x.significand << BigInt(up);
    const significand = integerRoot(radicand);
    const more = significand * significand !== radicand;
    return round({ negative: false, significand, exponent: (x.exponent - up) / 2, more }, control);
  });
}
