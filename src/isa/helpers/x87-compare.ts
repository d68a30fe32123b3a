import { isNan, type X87Number } from './x87-number.ts';
import { C0, C1, C2, C3, DE, IE, STACK } from './x87-word.ts';

/** Condition codes of FCOM and its like, and the exceptions (SDM Vol. 2, "FCOM/FCOMP/FCOMPP"). */
export interface Compared {
  readonly codes: number;
  readonly flags: number;
}

const UNORDERED = C3 | C2 | C0;

/** `quiet`: FUCOM, for which a quiet NaN is a fair operand. The codes are set whether or not exceptions are masked (as measured). */
export function compare(a: X87Number, b: X87Number, quiet: boolean): Compared {
  const both = [a, b];
  if (both.some((x) => x.kind === 'empty')) return { codes: UNORDERED, flags: STACK };
  if (both.some((x) => x.kind === 'unsupported')) return { codes: UNORDERED, flags: IE };
  if (both.some(isNan)) return { codes: UNORDERED, flags: quiet && both.every((x) => x.kind !== 'signalling') ? 0 : IE };
  const flags = both.some((x) => x.denormal) ? DE : 0;
  const order = orderOf(a) - orderOf(b);
  return { codes: order > 0n ? 0 : order < 0n ? C0 : C3, flags };
}

/** Numbers in their order, as integers. */
function orderOf(x: X87Number): bigint {
  const magnitude = x.kind === 'zero' ? 0n : x.kind === 'infinity' ? 1n << 80n : (BigInt(x.exponent + 0x5000) << 64n) | x.significand;
  return x.negative ? -magnitude : magnitude;
}

/** FXAM: the class of a register, and its sign in C1. */
export function examine(x: X87Number): number {
  const sign = x.negative ? C1 : 0;
  switch (x.kind) {
    case 'empty':
      return C3 | C0 | sign;
    case 'unsupported':
      return sign;
    case 'zero':
      return C3 | sign;
    case 'infinity':
      return C2 | C0 | sign;
    case 'finite':
      return (x.denormal ? C3 | C2 : C2) | sign;
    default:
      return C0 | sign;
  }
}
