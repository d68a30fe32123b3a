import { bitLength, type FloatFormat, infinity, zero } from './float-format.ts';
import { FTZ, isMasked, OE, PE, Rounding, type RoundingMode, roundingOf, UE } from './mxcsr.ts';

/** A result and the exception flags that it raises, as bits of MXCSR. */
export interface Outcome {
  readonly bits: bigint;
  readonly flags: number;
}

/** A number that is not zero: `significand` * 2^`exponent`, and less than one unit more where `more` is set. */
export interface Exact {
  readonly negative: boolean;
  readonly significand: bigint;
  readonly exponent: number;
  readonly more?: boolean;
}

/** The multiple of 2^unit next to `x` in the direction of `mode`, as a count of units, and whether it is another number than `x`. */
export function quantize(x: Exact, unit: number, mode: RoundingMode): { readonly count: bigint; readonly inexact: boolean } {
  const drop = BigInt(Math.max(0, unit - x.exponent));
  const count = drop === 0n ? x.significand << BigInt(x.exponent - unit) : x.significand >> drop;
  const rest = x.significand - ((x.significand >> drop) << drop);
  const inexact = rest !== 0n || x.more === true;
  if (!inexact) return { count, inexact };
  return { count: roundsAway(x, count, rest, drop, mode) ? count + 1n : count, inexact };
}

function roundsAway(x: Exact, count: bigint, rest: bigint, drop: bigint, mode: RoundingMode): boolean {
  if (mode !== Rounding.nearest) return mode === (x.negative ? Rounding.down : Rounding.up);
  if (drop === 0n) return false;
  const half = 1n << (drop - 1n);
  if (rest !== half) return rest > half;
  return x.more === true || (count & 1n) === 1n;
}

/**
 * The number of the format that `x` rounds to, with overflow, underflow and precision as the masks of MXCSR have them (SDM Vol. 1, "Numeric Overflow Exception"
 * and "Numeric Underflow Exception"): a result is tiny when it would be below the normal range after rounding with any exponent.
 */
export function round(f: FloatFormat, x: Exact, mxcsr: number, mode = roundingOf(mxcsr)): Outcome {
  const lowest = 1 - f.bias - f.fraction;
  const unit = x.exponent + bitLength(x.significand) - 1 - f.fraction;
  const free = quantize(x, unit, mode);
  const carried = bitLength(free.count) - 1 - f.fraction;
  if (unit + carried < lowest) {
    // Reported, it is inexact only if it would be so with any exponent (as measured); nothing is written then.
    if (!isMasked(mxcsr, UE)) return { bits: zero(f, x.negative), flags: UE | (free.inexact ? PE : 0) };
    if ((mxcsr & FTZ) !== 0) return { bits: zero(f, x.negative), flags: UE | PE };
    const { count, inexact } = quantize(x, lowest, mode);
    return { bits: zero(f, x.negative) + count, flags: inexact ? UE | PE : 0 };
  }
  const field = unit + carried - lowest + 1;
  if (field >= f.special) {
    const toInfinity = mode === Rounding.nearest || mode === (x.negative ? Rounding.down : Rounding.up);
    const flags = OE | (free.inexact || isMasked(mxcsr, OE) ? PE : 0);
    return { bits: toInfinity ? infinity(f, x.negative) : infinity(f, x.negative) - 1n, flags };
  }
  // The leading one of the significand counts up the exponent field.
  const bits = (BigInt(field - 1) << BigInt(f.fraction)) + (carried === 0 ? free.count : free.count >> 1n);
  return { bits: zero(f, x.negative) + bits, flags: free.inexact ? PE : 0 };
}
