import { EMPTY, WAS_DENORMAL } from '../isa/helpers/x87-number.ts';
import { BUSY, C1, ES, EXCEPTIONS, PE, PRECISION_AT, ROUNDING_AT } from '../isa/helpers/x87-word.ts';
import type { Node } from './graph.ts';
import type { QuickCode } from './quick-code.ts';

/** What formulas for the x87 FPU are made of. Numbers, control and status words stand as in `isa/helpers/x87.ts`. */

export const SIGN_AT = 15;
export const SIGN = 0x8000;
/** Exponent field of infinities and NaNs. */
export const SPECIAL = 0x7fff;
export const BIAS = 16383;
export const INTEGER_BIT = 1n << 63n;
const C1_AT = 9;

/** A number that is normal, or zero: then field and significand are. */
export interface Finite {
  /** 0 or 1. */
  readonly negative: Node;
  /** Biased exponent. */
  readonly field: Node;
  readonly significand: Node;
}

/** An operand taken apart. All but normal numbers and zeros are left to the helper. */
export function finite(q: QuickCode, low: Node, high: Node): Finite {
  const field = q.and(high, q.constant(SPECIAL));
  const what = q.and(high, q.constant(EMPTY | WAS_DENORMAL | BigInt(SPECIAL)));
  const isNormal = q.and(q.ltUnsigned(q.sub(what, q.constant(1)), q.constant(SPECIAL - 1)), q.ltSigned(low, q.constant(0)));
  q.needs(q.or(isNormal, q.eq(q.or(what, low), q.constant(0))));
  return { negative: q.and(q.shr(high, q.constant(SIGN_AT)), q.constant(1)), field, significand: low };
}

export const isNot = (q: QuickCode, condition: Node): Node => q.xor(condition, q.constant(1));

/** The upper quadword of a number. */
export const highOf = (q: QuickCode, negative: Node, field: Node): Node => q.or(field, q.shl(negative, q.constant(SIGN_AT)));

/** The status word with exceptions `flags` and condition codes, in their places, instead of those in `sets`. */
export function statusAfter(q: QuickCode, control: Node, status: Node, sets: number, news?: Node): Node {
  const kept = q.and(status, q.constant(~(sets | ES | BUSY) & 0xffff));
  const all = news === undefined ? kept : q.or(kept, news);
  const pending = q.and(q.and(all, q.not(control)), q.constant(EXCEPTIONS));
  return q.or(all, q.select(q.ne(pending, q.constant(0)), q.constant(ES | BUSY), q.constant(0)));
}

export const roundingOf = (q: QuickCode, control: Node): Node => q.and(q.shr(control, q.constant(ROUNDING_AT)), q.constant(3));

/** How many of 64 bits the precision of the control word drops: 0, 11 or 40. */
export function droppedBy(q: QuickCode, control: Node): Node {
  const isLong = q.and(control, q.constant(1 << PRECISION_AT));
  const isDouble = q.and(control, q.constant(2 << PRECISION_AT));
  return q.select(isLong, q.constant(0), q.select(isDouble, q.constant(11), q.constant(40)));
}

/** Whether a magnitude is rounded up: `odd` is its lowest bit, `rest` what is behind it, as a fraction of 2^64. */
export function roundsUp(q: QuickCode, mode: Node, negative: Node, odd: Node, rest: Node): Node {
  const beyondHalf = q.or(q.ne(q.shl(rest, q.constant(1)), q.constant(0)), odd);
  const nearest = q.and(q.shr(rest, q.constant(63)), beyondHalf);
  // Down is 1, for negative numbers away from zero, up is 2.
  const away = q.and(q.ne(rest, q.constant(0)), q.eq(q.add(mode, negative), q.constant(2)));
  return q.select(mode, away, nearest);
}

/** PE and C1 as a rounding makes them. */
export const roundingNews = (q: QuickCode, rest: Node, up: Node): Node =>
  q.or(q.select(q.ne(rest, q.constant(0)), q.constant(PE), q.constant(0)), q.shl(up, q.constant(C1_AT)));

/** A significand whose bit 63 is set without its lowest `drop` bits, rounded: `more` are 64 bits behind it, the last of them set for all that follow. */
export function rounded(
  q: QuickCode,
  mode: Node,
  drop: Node,
  { negative, field, significand }: Finite,
  more: Node,
): { readonly field: Node; readonly significand: Node; readonly news: Node } {
  const dropped = q.or(q.shl(significand, q.sub(q.constant(64), drop)), q.ne(more, q.constant(0)));
  const rest = q.select(drop, dropped, more);
  const count = q.shr(significand, drop);
  const up = roundsUp(q, mode, negative, q.and(count, q.constant(1)), rest);
  const sum = q.shl(q.add(count, up), drop);
  const carried = q.eq(sum, q.constant(0));
  return {
    field: q.add(field, carried),
    significand: q.or(sum, q.shl(carried, q.constant(63))),
    news: roundingNews(q, rest, up),
  };
}

/** Results of an arithmetic instruction: the number rounded as the control word says. What overflows or underflows is left to the helper. */
export function settled(q: QuickCode, control: Node, status: Node, exact: Finite, more: Node): Node[] {
  const { field, significand, news } = rounded(q, roundingOf(q, control), droppedBy(q, control), exact, more);
  q.needs(q.ltUnsigned(q.sub(field, q.constant(1)), q.constant(SPECIAL - 1)));
  return [significand, highOf(q, exact.negative, field), statusAfter(q, control, status, C1, news), q.constant(1)];
}

/** Results of an instruction that gives a value as it is. */
export const asIs = (q: QuickCode, control: Node, status: Node, low: Node, high: Node): Node[] => [
  low,
  high,
  statusAfter(q, control, status, C1),
  q.constant(1),
];
