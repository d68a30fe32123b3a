/** Floating-point formats and numbers taken apart (SDM Vol. 1, "Floating-Point Data Types"; IEEE 754). */

/** A binary interchange format. */
export interface FloatFormat {
  readonly bits: number;
  /** Bits of the significand that are stored: all but the leading one. */
  readonly fraction: number;
  /** The exponent field of infinities and NaNs. */
  readonly special: number;
  readonly bias: number;
  readonly signBit: bigint;
  /** The bit that tells a quiet NaN from a signalling one. */
  readonly quietBit: bigint;
  readonly infinity: bigint;
  /** The quiet NaN that an invalid operation gives: "QNaN floating-point indefinite". */
  readonly indefinite: bigint;
}

function format(bits: number, fraction: number): FloatFormat {
  const special = (1 << (bits - 1 - fraction)) - 1;
  const signBit = 1n << BigInt(bits - 1);
  const quietBit = 1n << BigInt(fraction - 1);
  const infinity = BigInt(special) << BigInt(fraction);
  return { bits, fraction, special, bias: special >> 1, signBit, quietBit, infinity, indefinite: signBit | infinity | quietBit };
}

export const F16 = format(16, 10);
export const F32 = format(32, 23);
export const F64 = format(64, 52);

/** A number taken apart. What is finite is `significand` * 2^`exponent`, exactly. */
export interface Float {
  readonly kind: 'zero' | 'finite' | 'infinity' | 'quiet' | 'signalling';
  readonly negative: boolean;
  readonly significand: bigint;
  readonly exponent: number;
  readonly denormal: boolean;
  /** As it was encoded. */
  readonly bits: bigint;
}

/** The number that the low bits of `bits` encode. */
export function unpack(f: FloatFormat, bits: bigint): Float {
  const own = BigInt.asUintN(f.bits, bits);
  const negative = (own & f.signBit) !== 0n;
  const field = Number(own >> BigInt(f.fraction)) & f.special;
  const fraction = BigInt.asUintN(f.fraction, own);
  const common = { negative, bits: own, denormal: false, significand: 0n, exponent: 0 };
  if (field === f.special)
    return { ...common, kind: fraction === 0n ? 'infinity' : (fraction & f.quietBit) === 0n ? 'signalling' : 'quiet' };
  if (field === 0 && fraction === 0n) return { ...common, kind: 'zero' };
  const denormal = field === 0;
  const significand = denormal ? fraction : fraction | (1n << BigInt(f.fraction));
  return { ...common, kind: 'finite', significand, exponent: Math.max(field, 1) - f.bias - f.fraction, denormal };
}

export const isNan = (x: Float): boolean => x.kind === 'quiet' || x.kind === 'signalling';

export const zero = (f: FloatFormat, negative: boolean): bigint => (negative ? f.signBit : 0n);
export const infinity = (f: FloatFormat, negative: boolean): bigint => zero(f, negative) | f.infinity;

/** How many bits a positive number has. */
export function bitLength(n: bigint): number {
  const hex = n.toString(16);
  return 4 * hex.length - Math.clz32(Number.parseInt(hex[0] as string, 16)) + 28;
}
