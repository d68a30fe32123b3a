import { type Float, type FloatFormat, isNan, unpack } from './float-format.ts';
import type { Outcome } from './float-round.ts';
import { DAZ, DE, IE } from './mxcsr.ts';

/** An operand as the arithmetic sees it: with DAZ a denormal one is a zero of its sign. */
export function operand(f: FloatFormat, bits: bigint, mxcsr: number): Float {
  const x = unpack(f, bits);
  if (!x.denormal || (mxcsr & DAZ) === 0) return x;
  return { kind: 'zero', negative: x.negative, significand: 0n, exponent: 0, denormal: false, bits: x.bits & f.signBit };
}

export const denormals = (...operands: readonly Float[]): number => (operands.some((x) => x.denormal) ? DE : 0);

export const invalid = (f: FloatFormat): Outcome => ({ bits: f.indefinite, flags: IE });

/** What an operation makes of operands of which one is a NaN: the first one, quiet (SDM Vol. 1, "Operating on SNaNs and QNaNs"). */
export function propagated(f: FloatFormat, ...operands: readonly Float[]): Outcome | undefined {
  const first = operands.find(isNan);
  if (first === undefined) return undefined;
  return { bits: first.bits | f.quietBit, flags: operands.some((x) => x.kind === 'signalling') ? IE : 0 };
}
