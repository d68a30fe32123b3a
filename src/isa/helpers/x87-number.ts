import { F32, F64, type FloatFormat, unpack } from './float-format.ts';

/** Numbers as the x87 FPU holds them: double extended precision (SDM Vol. 1, "Floating-Point Data Types", "Unsupported Double Extended-Precision ... Encodings"). */

/**
 * A number taken apart; what is finite is `significand` * 2^`exponent`. Between semantics and helpers it is two quadwords: the significand, then sign and
 * exponent in 16 bits and above them what else is known of the operand (`EMPTY`, `WAS_DENORMAL`, `CONVERTED`).
 */
export interface X87Number {
  readonly kind: 'empty' | 'unsupported' | 'zero' | 'finite' | 'infinity' | 'quiet' | 'signalling';
  readonly negative: boolean;
  readonly significand: bigint;
  readonly exponent: number;
  readonly denormal: boolean;
  /** As it was encoded. */
  readonly low: bigint;
  readonly high: bigint;
}

/** The register is empty. */
export const EMPTY = 0x10000n;
/** The operand was denormal in memory, where its format is shorter. */
export const WAS_DENORMAL = 0x20000n;
/** The operand comes from a shorter format: loading it checks it. */
export const CONVERTED = 0x40000n;

/** A value of a register: low and high quadword. */
export type Encoded = readonly [low: bigint, high: bigint];

export const INTEGER_BIT = 1n << 63n;
export const QUIET_BIT = 1n << 62n;
const SIGN = 0x8000n;
const SPECIAL = 0x7fffn;
const BIAS = 16383;
/** Exponent of the lowest bit of a denormal number. */
export const LOWEST = 1 - BIAS - 63;
/** What an unmasked overflow takes from the exponent, and an unmasked underflow adds. */
export const EXPONENT_ADJUST = 24576;

const sign = (negative: boolean): bigint => (negative ? SIGN : 0n);

export const zero = (negative: boolean): Encoded => [0n, sign(negative)];
export const infinity = (negative: boolean): Encoded => [INTEGER_BIT, sign(negative) | SPECIAL];
/** What an invalid operation gives: "QNaN floating-point indefinite". */
export const INDEFINITE: Encoded = [INTEGER_BIT | QUIET_BIT, SIGN | SPECIAL];
export const quieted = (x: X87Number): Encoded => [x.low | QUIET_BIT, x.high];
export const encoded = (x: X87Number): Encoded => [x.low, x.high];

/** `significand` * 2^`exponent` with bit 63 of the significand set, or with the lowest exponent. */
export function pack(negative: boolean, significand: bigint, exponent: number): Encoded {
  const field = (significand & INTEGER_BIT) === 0n ? 0 : exponent - LOWEST + 1;
  return [significand, sign(negative) | BigInt(field)];
}

export function takeApart(low: bigint, word: bigint): X87Number {
  const high = word & 0xffffn;
  const negative = (high & SIGN) !== 0n;
  const field = Number(high & SPECIAL);
  const common = { negative, low, high, significand: low, exponent: Math.max(field, 1) - 1 + LOWEST };
  const denormal = (word & WAS_DENORMAL) !== 0n || (field === 0 && low !== 0n);
  return { ...common, kind: (word & EMPTY) !== 0n ? 'empty' : kindOf(low, field), denormal };
}

function kindOf(low: bigint, field: number): X87Number['kind'] {
  if (field === 0) return low === 0n ? 'zero' : 'finite';
  if ((low & INTEGER_BIT) === 0n) return 'unsupported';
  if (field !== Number(SPECIAL)) return 'finite';
  return low === INTEGER_BIT ? 'infinity' : (low & QUIET_BIT) === 0n ? 'signalling' : 'quiet';
}

export const isNan = (x: X87Number): boolean => x.kind === 'quiet' || x.kind === 'signalling';

/** A number of a shorter format: the same one, a signalling NaN still signalling. */
function widened(f: FloatFormat, bits: bigint): Encoded {
  const x = unpack(f, bits);
  const [low, high] = widenedValue(f, x);
  return [low, high | CONVERTED | (x.denormal ? WAS_DENORMAL : 0n)];
}

function widenedValue(f: FloatFormat, x: ReturnType<typeof unpack>): Encoded {
  switch (x.kind) {
    case 'zero':
      return zero(x.negative);
    case 'infinity':
      return infinity(x.negative);
    case 'finite': {
      const up = 64 - x.significand.toString(2).length;
      return pack(x.negative, x.significand << BigInt(up), x.exponent - up);
    }
    default:
      return [INTEGER_BIT | (BigInt.asUintN(f.fraction, x.bits) << BigInt(63 - f.fraction)), infinity(x.negative)[1]];
  }
}

export const fromSingle = (bits: bigint): Encoded => widened(F32, bits);
export const fromDouble = (bits: bigint): Encoded => widened(F64, bits);

/** An integer, which is always exact. */
export function fromInteger(value: bigint): Encoded {
  if (value === 0n) return zero(false);
  const magnitude = value < 0n ? -value : value;
  const up = 64 - magnitude.toString(2).length;
  return pack(value < 0n, magnitude << BigInt(up), -up);
}
