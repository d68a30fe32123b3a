import { bitLength } from './float-format.ts';
import { encoded, fromInteger, infinity, pack, type X87Number, zero } from './x87-number.ts';
import { exact, invalid, special, withDenormals } from './x87-operands.ts';
import { roundLong, whole, type X87Outcome } from './x87-round.ts';
import { C0, C1, C2, C3, ZE } from './x87-word.ts';

/** FSCALE, FXTRACT, FPREM and FPREM1. */

/** FSCALE: `x` * 2^trunc(`by`) (SDM Vol. 2, "Results of FSCALE"). */
export function scale(x: X87Number, by: X87Number, control: number): X87Outcome {
  const nan = special(x, by);
  if (nan !== undefined) return nan;
  if (by.kind === 'infinity') {
    if (x.kind === (by.negative ? 'infinity' : 'zero')) return invalid();
    return withDenormals(control, [x], () => exact(by.negative ? zero(x.negative) : infinity(x.negative)));
  }
  return withDenormals(control, [x, by], () => {
    if (x.kind !== 'finite') return exact(encoded(x));
    const count = by.kind === 'zero' ? 0n : whole(by, control, true).count;
    // Beyond this every number overflows or underflows, and by more than an unmasked one is adjusted.
    const places = count > 0xffffn ? 0x10000 : Number(count);
    return roundLong({ ...x, exponent: x.exponent + (by.negative ? -places : places) }, control);
  });
}

/** FXTRACT: the significand, and the exponent as a number. Zero is divided by. */
export function extract(x: X87Number, control: number): { readonly significand: X87Outcome; readonly exponent: X87Outcome } {
  const nan = special(x);
  if (nan !== undefined) return { significand: nan, exponent: nan };
  if (x.kind === 'zero') return { significand: exact(encoded(x), ZE), exponent: exact(infinity(true), ZE) };
  if (x.kind === 'infinity') return { significand: exact(encoded(x)), exponent: exact(infinity(false)) };
  const up = 64 - bitLength(x.significand);
  return {
    significand: withDenormals(control, [x], () => exact(pack(x.negative, x.significand << BigInt(up), -63))),
    exponent: exact(fromInteger(BigInt(x.exponent - up + 63))),
  };
}

/**
 * FPREM (towards zero) and FPREM1 (to the nearest quotient). At most 63 bits of the quotient are done at once: C2 says that there are more; else C0, C3 and C1 are
 * the quotient's bits 2, 1 and 0.
 */
export function remainder(x: X87Number, by: X87Number, control: number, isNearest: boolean): X87Outcome {
  const nan = special(x, by);
  if (nan !== undefined) return nan;
  if (x.kind === 'infinity' || by.kind === 'zero') return invalid();
  return withDenormals(control, [x, by], () => {
    if (x.kind === 'zero') return exact(encoded(x));
    if (by.kind === 'infinity') return roundLong(x, control);
    const distance = bitLength(x.significand) + x.exponent - bitLength(by.significand) - by.exponent;
    if (distance >= 64) return partial(x, by, distance, control);
    return complete(x, by, control, isNearest);
  });
}

function partial(x: X87Number, by: X87Number, distance: number, control: number): X87Outcome {
  // "An implementation-dependent number between 32 and 63".
  const places = (distance & 31) | 32;
  const exponent = by.exponent + distance - places;
  const common = Math.min(x.exponent, exponent);
  const rest = (x.significand << BigInt(x.exponent - common)) % (by.significand << BigInt(exponent - common));
  const outcome = rest === 0n ? exact(zero(x.negative)) : roundLong({ negative: x.negative, significand: rest, exponent: common }, control);
  return { ...outcome, codes: C2 };
}

function complete(x: X87Number, by: X87Number, control: number, isNearest: boolean): X87Outcome {
  const common = Math.min(x.exponent, by.exponent);
  const dividend = x.significand << BigInt(x.exponent - common);
  const divisor = by.significand << BigInt(by.exponent - common);
  let count = dividend / divisor;
  let rest = dividend % divisor;
  if (isNearest && (2n * rest > divisor || (2n * rest === divisor && (count & 1n) === 1n))) {
    count++;
    rest -= divisor;
  }
  const codes = ((count & 4n) === 0n ? 0 : C0) | ((count & 2n) === 0n ? 0 : C3) | ((count & 1n) === 0n ? 0 : C1);
  if (rest === 0n) return exact(zero(x.negative), 0, codes);
  const negative = rest < 0n !== x.negative;
  return { ...roundLong({ negative, significand: rest < 0n ? -rest : rest, exponent: common }, control), codes };
}
