import { integerRoot } from './float-arithmetic.ts';
import { F32, infinity, isNan, unpack, zero } from './float-format.ts';
import { quantize, round } from './float-round.ts';
import { MXCSR_START, Rounding } from './mxcsr.ts';

/**
 * RCPPS and RSQRTPS. Processors differ in the low bits; the manual asks for a relative error of at most 1.5 * 2^-12. Here the exact value is rounded to twelve
 * bits. MXCSR has no influence and nothing is raised: denormals are zeros, and so are results that would be.
 */
const PRECISION = 12;

const rounded = (negative: boolean, significand: bigint, exponent: number): bigint => {
  const x = { negative, significand, exponent };
  const drop = significand.toString(2).length - PRECISION;
  const { count } = quantize(x, exponent + drop, Rounding.nearest);
  return round(F32, { negative, significand: count, exponent: exponent + drop }, MXCSR_START).bits;
};

const SCALE = 64;

export function reciprocal(a: bigint): bigint {
  const x = unpack(F32, a);
  if (isNan(x)) return x.bits | F32.quietBit;
  if (x.kind === 'infinity') return zero(F32, x.negative);
  if (x.kind === 'zero' || x.denormal) return infinity(F32, x.negative);
  const bits = rounded(x.negative, (1n << BigInt(SCALE)) / x.significand, -x.exponent - SCALE);
  return (bits & F32.infinity) === 0n ? zero(F32, x.negative) : bits;
}

export function reciprocalRoot(a: bigint): bigint {
  const x = unpack(F32, a);
  if (isNan(x)) return x.bits | F32.quietBit;
  if (x.kind === 'zero' || x.denormal) return infinity(F32, x.negative);
  if (x.negative) return F32.indefinite;
  if (x.kind === 'infinity') return 0n;
  // The power of two under the root is made even.
  const odd = x.exponent & 1;
  const inverse = (1n << BigInt(2 * SCALE)) / (x.significand << BigInt(odd));
  return rounded(false, integerRoot(inverse), -(x.exponent - odd) / 2 - SCALE);
}
