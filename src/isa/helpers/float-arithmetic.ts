import { type Float, type FloatFormat, infinity, zero } from './float-format.ts';
import { denormals, invalid, operand, propagated } from './float-operands.ts';
import { type Exact, type Outcome, round } from './float-round.ts';
import { IE, Rounding, roundingOf, ZE } from './mxcsr.ts';

/** Arithmetic on encoded numbers, exact and then rounded once (SDM Vol. 1, "SSE, SSE2 and AVX Floating-Point Exceptions and Response"). */

/** The outcome of an operation on denormal operands: they are told of unless it is invalid. */
const raising = (flags: number, outcome: Outcome): Outcome =>
  (outcome.flags & IE) !== 0 ? outcome : { bits: outcome.bits, flags: outcome.flags | flags };

const negated = (x: Float): Float => ({ ...x, negative: !x.negative });

export function add(f: FloatFormat, a: bigint, b: bigint, mxcsr: number): Outcome {
  const [x, y] = [operand(f, a, mxcsr), operand(f, b, mxcsr)];
  return propagated(f, x, y) ?? raising(denormals(x, y), sum(f, x, y, mxcsr));
}

export function subtract(f: FloatFormat, a: bigint, b: bigint, mxcsr: number): Outcome {
  const [x, y] = [operand(f, a, mxcsr), operand(f, b, mxcsr)];
  return propagated(f, x, y) ?? raising(denormals(x, y), sum(f, x, negated(y), mxcsr));
}

type Addend = Exact & { readonly kind: Float['kind'] };

/** The sum of two that are no NaNs. */
function sum(f: FloatFormat, x: Addend, y: Addend, mxcsr: number): Outcome {
  if (x.kind === 'infinity' || y.kind === 'infinity') {
    if (x.kind === y.kind && x.negative !== y.negative) return invalid(f);
    return { bits: infinity(f, x.kind === 'infinity' ? x.negative : y.negative), flags: 0 };
  }
  const exponent = x.kind === 'zero' ? y.exponent : y.kind === 'zero' ? x.exponent : Math.min(x.exponent, y.exponent);
  const value = scaled(x, exponent) + scaled(y, exponent);
  if (value === 0n) {
    const negative = x.kind === 'zero' && x.negative === y.negative ? x.negative : roundingOf(mxcsr) === Rounding.down;
    return { bits: zero(f, negative), flags: 0 };
  }
  return round(f, { negative: value < 0n, significand: value < 0n ? -value : value, exponent }, mxcsr);
}

function scaled(x: Addend, exponent: number): bigint {
  if (x.kind === 'zero') return 0n;
  const magnitude = x.significand << BigInt(x.exponent - exponent);
  return x.negative ? -magnitude : magnitude;
}

export function multiply(f: FloatFormat, a: bigint, b: bigint, mxcsr: number): Outcome {
  const [x, y] = [operand(f, a, mxcsr), operand(f, b, mxcsr)];
  const nan = propagated(f, x, y);
  if (nan !== undefined) return nan;
  const xy = product(x, y);
  if (xy === undefined) return invalid(f);
  if (xy.kind === 'finite') return raising(denormals(x, y), round(f, xy, mxcsr));
  return { bits: xy.kind === 'zero' ? zero(f, xy.negative) : infinity(f, xy.negative), flags: denormals(x, y) };
}

/** The exact product of two that are no NaNs; undefined for zero times infinity. */
function product(x: Float, y: Float): Addend | undefined {
  const kinds = [x.kind, y.kind];
  const kind = kinds.includes('infinity') ? 'infinity' : kinds.includes('zero') ? 'zero' : 'finite';
  if (kind === 'infinity' && kinds.includes('zero')) return undefined;
  return {
    kind,
    negative: x.negative !== y.negative,
    significand: x.significand * y.significand,
    exponent: x.exponent + y.exponent,
  };
}

export function divide(f: FloatFormat, a: bigint, b: bigint, mxcsr: number): Outcome {
  const [x, y] = [operand(f, a, mxcsr), operand(f, b, mxcsr)];
  const nan = propagated(f, x, y);
  if (nan !== undefined) return nan;
  const negative = x.negative !== y.negative;
  if (x.kind === y.kind && x.kind !== 'finite') return invalid(f);
  if (x.kind === 'infinity') return { bits: infinity(f, negative), flags: denormals(y) };
  if (y.kind === 'zero') return { bits: infinity(f, negative), flags: ZE };
  if (x.kind === 'zero' || y.kind === 'infinity') return { bits: zero(f, negative), flags: denormals(x, y) };
  // Enough bits that the quotient has two more than the format, however short the dividend is.
  const up = 2 * f.fraction + 4;
  const dividend = x.significand << BigInt(up);
  const significand = dividend / y.significand;
  const more = significand * y.significand !== dividend;
  return raising(denormals(x, y), round(f, { negative, significand, exponent: x.exponent - y.exponent - up, more }, mxcsr));
}

export function squareRoot(f: FloatFormat, a: bigint, mxcsr: number): Outcome {
  const x = operand(f, a, mxcsr);
  const nan = propagated(f, x);
  if (nan !== undefined) return nan;
  if (x.kind === 'zero') return { bits: x.bits, flags: 0 };
  if (x.negative) return invalid(f);
  if (x.kind === 'infinity') return { bits: x.bits, flags: 0 };
  const up = 2 * f.fraction + 4 + (x.exponent & 1);
  const radicand = x.significand << BigInt(up);
  const significand = integerRoot(radicand);
  const more = significand * significand !== radicand;
  return raising(denormals(x), round(f, { negative: false, significand, exponent: (x.exponent - up) / 2, more }, mxcsr));
}

/** The largest integer whose square is not above `n`: Newton's iteration from a power of two above the root. */
export function integerRoot(n: bigint): bigint {
  let root = 1n << BigInt((n.toString(16).length * 4 + 1) >> 1);
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Which signs a fused multiply-add turns over: of the product, of the addend. NaNs keep theirs. */
export interface FusedSigns {
  readonly product: boolean;
  readonly addend: boolean;
}

/** a * b + c rounded once. NaNs go in the order a, b, c. */
export function fusedMultiplyAdd(f: FloatFormat, signs: FusedSigns, a: bigint, b: bigint, c: bigint, mxcsr: number): Outcome {
  const [x, y, z] = [operand(f, a, mxcsr), operand(f, b, mxcsr), operand(f, c, mxcsr)];
  const nan = propagated(f, x, y, z);
  if (nan !== undefined) return nan;
  const xy = product(x, y);
  if (xy === undefined) return invalid(f);
  const signed = { ...xy, negative: xy.negative !== signs.product };
  return raising(denormals(x, y, z), sum(f, signed, signs.addend ? negated(z) : z, mxcsr));
}
