import { F32, F64, type FloatFormat, infinity, zero } from './float-format.ts';
import { type Outcome, round as roundTo } from './float-round.ts';
import { MASKS_AT, ROUNDING_AT } from './mxcsr.ts';
import { type Encoded, encoded, fromInteger, isNan, QUIET_BIT, type X87Number } from './x87-number.ts';
import { exact, withDenormals } from './x87-operands.ts';
import { whole, type X87Outcome } from './x87-round.ts';
import { C1, EXCEPTIONS, IE, OE, PE, roundingOf, STACK, UE, unmasked } from './x87-word.ts';

/** What a store puts into memory: bits of a shorter format, an integer or a decimal number. */
export interface Stored {
  readonly bits: bigint;
  readonly flags: number;
  readonly codes: number;
}

const invalid = (indefinite: bigint, flags = IE): Stored => ({ bits: indefinite, flags, codes: 0 });

/** MXCSR with the rounding and masks of the control word. */
const mxcsrOf = (control: number): number => ((control & EXCEPTIONS) << MASKS_AT) | (roundingOf(control) << ROUNDING_AT);

/** FST to memory. */
function narrowed(f: FloatFormat, x: X87Number, control: number): Stored {
  if (x.kind === 'empty') return invalid(f.indefinite, STACK);
  if (x.kind === 'unsupported') return invalid(f.indefinite);
  if (x.kind === 'zero') return { bits: zero(f, x.negative), flags: 0, codes: 0 };
  if (x.kind === 'infinity') return { bits: infinity(f, x.negative), flags: 0, codes: 0 };
  if (isNan(x)) {
    const fraction = BigInt.asUintN(f.fraction, (x.low | QUIET_BIT) >> BigInt(63 - f.fraction));
    return { bits: infinity(f, x.negative) | fraction, flags: x.kind === 'signalling' ? IE : 0, codes: 0 };
  }
  const outcome = roundTo(f, x, mxcsrOf(control));
  // What is not stored is not inexact either (as measured).
  const withheld = unmasked(control, outcome.flags & (OE | UE));
  if (withheld !== 0) return { bits: 0n, flags: withheld, codes: 0 };
  return { ...outcome, codes: isAbove(f, outcome, x) ? C1 : 0 };
}

/** Whether the magnitude was rounded up: the rounded number's encoding, read as a number with unbounded exponent, is above. */
function isAbove(f: FloatFormat, { bits, flags }: Outcome, x: X87Number): boolean {
  if ((flags & PE) === 0) return false;
  const field = Number(bits >> BigInt(f.fraction)) & f.special;
  if (field === f.special) return true;
  const fraction = BigInt.asUintN(f.fraction, bits);
  const significand = field === 0 ? fraction : fraction | (1n << BigInt(f.fraction));
  const exponent = Math.max(field, 1) - f.bias - f.fraction;
  const common = Math.min(exponent, x.exponent);
  return significand << BigInt(exponent - common) > x.significand << BigInt(x.exponent - common);
}

export const toSingle = (x: X87Number, control: number): Stored => narrowed(F32, x, control);
export const toDouble = (x: X87Number, control: number): Stored => narrowed(F64, x, control);

/** FIST and FISTTP: what does not fit is invalid and gives the smallest integer ("integer indefinite"). */
export function toInteger(x: X87Number, control: number, size: number, truncates: boolean): Stored {
  const indefinite = 1n << BigInt(size - 1);
  if (x.kind === 'empty') return invalid(indefinite, STACK);
  if (x.kind === 'zero') return { bits: 0n, flags: 0, codes: 0 };
  if (x.kind !== 'finite') return invalid(indefinite);
  const { count, inexact, codes } = whole(x, control, truncates);
  const value = x.negative ? -count : count;
  if (BigInt.asIntN(size, value) !== value) return invalid(indefinite);
  return { bits: BigInt.asUintN(size, value), flags: inexact ? PE : 0, codes };
}

const DECIMAL_INDEFINITE = 0xffffc000000000000000n;
const DECIMAL_SIGN = 0x80n << 72n;

/** FBSTP: 18 decimal digits and a sign. */
export function toDecimal(x: X87Number, control: number): Stored {
  if (x.kind === 'empty') return invalid(DECIMAL_INDEFINITE, STACK);
  const sign = x.negative ? DECIMAL_SIGN : 0n;
  if (x.kind === 'zero') return { bits: sign, flags: 0, codes: 0 };
  if (x.kind !== 'finite') return invalid(DECIMAL_INDEFINITE);
  const { count, inexact, codes } = whole(x, control);
  const digits = count.toString();
  if (digits.length > 18) return invalid(DECIMAL_INDEFINITE);
  return { bits: sign | BigInt(`0x${digits}`), flags: inexact ? PE : 0, codes };
}

/** FBLD. Digits above nine count as what they are worth; the manual leaves them open. */
export function fromDecimal(low: bigint, high: bigint): Encoded {
  let value = 0n;
  for (const byte of [high & 0xffn, ...Array.from({ length: 8 }, (_, n) => (low >> BigInt(56 - 8 * n)) & 0xffn)])
    value = value * 100n + (byte >> 4n) * 10n + (byte & 15n);
  const [significand, exponent] = fromInteger(value);
  return [significand, exponent | ((high & 0x8000n) === 0n ? 0n : 0x8000n)];
}

/** FRNDINT. */
export function roundedToWhole(x: X87Number, control: number): X87Outcome {
  return withDenormals(control, [x], () => {
    if (x.kind !== 'finite' || x.exponent >= 0) return exact(encoded(x));
    const { count, inexact, codes } = whole(x, control);
    const [significand, exponent] = fromInteger(count);
    return exact([significand, exponent | (x.negative ? 0x8000n : 0n)], inexact ? PE : 0, codes);
  });
}
