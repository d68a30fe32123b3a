import { F16, F32, type FloatFormat, infinity, isNan, zero } from './float-format.ts';
import { denormals, operand } from './float-operands.ts';
import { type Outcome, quantize, round } from './float-round.ts';
import { DAZ, DE, FTZ, IE, PE, Rounding, type RoundingMode, roundingOf } from './mxcsr.ts';

/** Conversions between formats, from and to integers, and rounding to whole numbers. */

/** A number of `from` in `to`, rounded where `to` is narrower. A NaN keeps the upper bits of its fraction and becomes quiet. */
export function convert(from: FloatFormat, to: FloatFormat, a: bigint, mxcsr: number, mode = roundingOf(mxcsr)): Outcome {
  const x = operand(from, a, mxcsr);
  if (isNan(x)) {
    const fraction = BigInt.asUintN(from.fraction, x.bits);
    const shift = BigInt(to.fraction - from.fraction);
    const kept = shift > 0n ? fraction << shift : fraction >> -shift;
    return { bits: infinity(to, x.negative) | kept | to.quietBit, flags: x.kind === 'signalling' ? IE : 0 };
  }
  if (x.kind === 'zero') return { bits: zero(to, x.negative), flags: 0 };
  if (x.kind === 'infinity') return { bits: infinity(to, x.negative), flags: 0 };
  const outcome = round(to, x, mxcsr, mode);
  return { bits: outcome.bits, flags: outcome.flags | denormals(x) };
}

/** VCVTPH2PS: DAZ does not count, nor do denormals. */
export function fromHalf(a: bigint, mxcsr: number): Outcome {
  const outcome = convert(F16, F32, a, mxcsr & ~DAZ);
  return { bits: outcome.bits, flags: outcome.flags & ~DE };
}

/** VCVTPS2PH: FTZ does not count; bit 2 of `control` asks for MXCSR's rounding instead of that of bits 0 and 1. */
export const toHalf = (control: number, a: bigint, mxcsr: number): Outcome =>
  convert(F32, F16, a, mxcsr & ~FTZ, chosenRounding(control, mxcsr));

const chosenRounding = (control: number, mxcsr: number): RoundingMode =>
  (control & 4) !== 0 ? roundingOf(mxcsr) : ((control & 3) as RoundingMode);

/** A signed integer of `size` bits; what does not fit is invalid and gives the smallest one ("integer indefinite"). */
export function toInteger(f: FloatFormat, size: 32 | 64, truncates: boolean, a: bigint, mxcsr: number): Outcome {
  const x = operand(f, a, mxcsr);
  const indefinite = 1n << BigInt(size - 1);
  if (x.kind === 'zero') return { bits: 0n, flags: 0 };
  if (x.kind !== 'finite') return { bits: indefinite, flags: IE };
  const { count, inexact } = quantize(x, 0, truncates ? Rounding.zero : roundingOf(mxcsr));
  const value = x.negative ? -count : count;
  if (BigInt.asIntN(size, value) !== value) return { bits: indefinite, flags: IE };
  return { bits: BigInt.asUintN(size, value), flags: inexact ? PE : 0 };
}

/** The number of the format next to a signed integer of `size` bits. */
export function fromInteger(f: FloatFormat, size: 32 | 64, a: bigint, mxcsr: number): Outcome {
  const value = BigInt.asIntN(size, a);
  if (value === 0n) return { bits: 0n, flags: 0 };
  return round(f, { negative: value < 0n, significand: value < 0n ? -value : value, exponent: 0 }, mxcsr);
}

/** ROUNDPS: the next whole number; bit 3 of `control` suppresses the precision exception. */
export function toWhole(f: FloatFormat, control: number, a: bigint, mxcsr: number): Outcome {
  const x = operand(f, a, mxcsr);
  if (isNan(x)) return { bits: x.bits | f.quietBit, flags: x.kind === 'signalling' ? IE : 0 };
  if (x.kind !== 'finite') return { bits: x.bits, flags: 0 };
  const { count, inexact } = quantize(x, 0, chosenRounding(control, mxcsr));
  const flags = inexact && (control & 8) === 0 ? PE : 0;
  if (count === 0n) return { bits: zero(f, x.negative), flags };
  return { bits: round(f, { negative: x.negative, significand: count, exponent: 0 }, mxcsr).bits, flags };
}
