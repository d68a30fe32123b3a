import { bitLength } from './float-format.ts';
import { type Exact, quantize } from './float-round.ts';
import { Rounding } from './mxcsr.ts';
import { type Encoded, EXPONENT_ADJUST, INTEGER_BIT, infinity, LOWEST, pack, zero } from './x87-number.ts';
import { C1, OE, PE, precisionOf, roundingOf, UE, unmasked } from './x87-word.ts';

/** What an instruction gives and raises. `codes` are the condition codes C0 to C3 that it sets, in their places in the status word. */
export interface X87Outcome {
  readonly value: Encoded;
  readonly flags: number;
  readonly codes: number;
}

/** The longest number below the exponent of infinities. */
const LARGEST: Encoded = [(1n << 64n) - 1n, 0x7ffen];

/**
 * The number that `x` rounds to with the precision and rounding of the control word, with overflow, underflow and precision as its masks have them (SDM Vol. 1,
 * "Numeric Overflow Exception", "Numeric Underflow Exception"): tiny is what would be below the normal range after rounding with any exponent. C1 tells that the
 * magnitude was rounded up.
 */
export function round(x: Exact, control: number, precision: number = precisionOf(control)): X87Outcome {
  const mode = roundingOf(control);
  const lowest = LOWEST + 64 - precision;
  const unit = x.exponent + bitLength(x.significand) - precision;
  const free = quantized(x, unit, control);
  const carried = bitLength(free.count) - precision;
  const inexact = free.inexact ? PE : 0;
  if (unit + carried < lowest) {
    if (unmasked(control, UE) !== 0) return adjusted(x.negative, free, unit, precision, EXPONENT_ADJUST, UE | inexact);
    const { count, inexact: loses, codes } = quantized(x, lowest, control);
    return { value: pack(x.negative, count << BigInt(64 - precision), LOWEST), flags: loses ? UE | PE : 0, codes };
  }
  if (unit + carried + precision - 1 <= 16383)
    return { value: placed(x.negative, free.count, unit, precision), flags: inexact, codes: free.codes };
  if (unmasked(control, OE) !== 0) return adjusted(x.negative, free, unit, precision, -EXPONENT_ADJUST, OE | inexact);
  const toInfinity = mode === Rounding.nearest || mode === (x.negative ? Rounding.down : Rounding.up);
  const short = LARGEST[0] & ~((1n << BigInt(64 - precision)) - 1n);
  const value: Encoded = toInfinity ? infinity(x.negative) : [short, LARGEST[1] | zero(x.negative)[1]];
  return { value, flags: OE | PE, codes: toInfinity ? C1 : 0 };
}

interface Quantized {
  readonly count: bigint;
  readonly inexact: boolean;
  readonly codes: number;
}

function quantized(x: Exact, unit: number, control: number): Quantized {
  const { count, inexact } = quantize(x, unit, roundingOf(control));
  const common = Math.min(unit, x.exponent);
  const isUp = inexact && count << BigInt(unit - common) > x.significand << BigInt(x.exponent - common);
  return { count, inexact, codes: isUp ? C1 : 0 };
}

/** `count` * 2^`unit` as a number whose bit 63 is set. */
function placed(negative: boolean, count: bigint, unit: number, precision: number): Encoded {
  const carried = bitLength(count) > precision;
  return pack(negative, carried ? INTEGER_BIT : count << BigInt(64 - precision), unit - 64 + precision + (carried ? 1 : 0));
}

/** The result that an unmasked overflow or underflow leaves: with an exponent that fits, unless it is out of all bounds (FSCALE). */
function adjusted(negative: boolean, { count, codes }: Quantized, unit: number, precision: number, by: number, flags: number): X87Outcome {
  const top = unit + by + bitLength(count) - 1;
  if (top > 16383) return { value: infinity(negative), flags: flags | PE, codes: C1 };
  if (top < -16382) return { value: zero(negative), flags: flags | PE, codes: 0 };
  return { value: placed(negative, count, unit + by, precision), flags, codes };
}

/** A number rounded to a whole one by the control word, or towards zero; undefined for what is none. */
export function whole(x: Exact, control: number, truncates = false): Quantized {
  return quantized(x, 0, truncates ? control | 0xc00 : control);
}

/** All 64 bits whatever the precision that is set. */
export const roundLong = (x: Exact, control: number): X87Outcome => round(x, control, 64);
