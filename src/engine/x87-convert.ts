import { CONVERTED } from '../isa/helpers/x87-number.ts';
import { C1 } from '../isa/helpers/x87-word.ts';
import type { Node } from './graph.ts';
import type { QuickCode, QuickFormula } from './quick-code.ts';
import {
  asIs,
  BIAS,
  type Finite,
  finite,
  highOf,
  INTEGER_BIT,
  isNot,
  rounded,
  roundingNews,
  roundingOf,
  roundsUp,
  SPECIAL,
  statusAfter,
} from './x87-parts.ts';

/** Loads and stores in other formats, and FRNDINT, of normal numbers and zeros. */

/** Fraction bits of a shorter format, its largest exponent field, and what its bias lacks. */
interface Short {
  readonly fraction: number;
  readonly special: number;
  readonly rebias: number;
}

const SINGLE: Short = { fraction: 23, special: 0xff, rebias: BIAS - 127 };
const DOUBLE: Short = { fraction: 52, special: 0x7ff, rebias: BIAS - 1023 };
const bitsOf = (f: Short): number => (f.fraction === 23 ? 32 : 64);

/** All but denormal numbers, which are to be raised. */
const widened =
  (f: Short): QuickFormula =>
  (q, bits) => {
    const c = (n: number | bigint): Node => q.constant(n);
    const fraction = q.shl(bits!, c(63 - f.fraction));
    const field = q.and(q.shr(bits!, c(f.fraction)), c(f.special));
    const negative = q.shr(bits!, c(bitsOf(f) - 1));
    const isZero = q.eq(q.or(q.and(fraction, c(INTEGER_BIT - 1n)), field), c(0));
    q.needs(q.or(field, isZero));
    const rebiased = q.select(q.eq(field, c(f.special)), c(SPECIAL), q.add(field, c(f.rebias)));
    const high = highOf(q, negative, q.select(isZero, c(0), rebiased));
    return [q.select(isZero, c(0), q.or(fraction, c(INTEGER_BIT))), q.or(high, c(CONVERTED))];
  };

/** A magnitude as a number: its significand and its field. */
function normalized(q: QuickCode, magnitude: Node): Omit<Finite, 'negative'> {
  const places = q.clz(magnitude);
  const field = q.select(magnitude, q.sub(q.constant(BIAS + 63), places), q.constant(0));
  return { significand: q.shl(magnitude, places), field };
}

const fromInteger: QuickFormula = (q, value) => {
  const negative = q.shr(value!, q.constant(63));
  const magnitude = q.select(negative, q.sub(q.constant(0), value!), value!);
  const { significand, field } = normalized(q, magnitude);
  return [significand, highOf(q, negative, field)];
};

/** FST to memory. */
const narrowed =
  (f: Short): QuickFormula =>
  (q, control, status, low, high) => {
    const c = (n: number | bigint): Node => q.constant(n);
    const x = finite(q, low!, high!);
    const sign = q.shl(x.negative, c(bitsOf(f) - 1));
    q.when(q.eq(x.significand, c(0)), () => q.give(sign, c(0), statusAfter(q, control!, status!, C1), c(1)));
    const result = rounded(q, roundingOf(q, control!), c(63 - f.fraction), x, c(0));
    const field = q.sub(result.field, c(f.rebias));
    q.needs(q.ltUnsigned(q.sub(field, c(1)), c(f.special - 1)));
    // The leading one of the significand counts up the exponent field.
    const bits = q.add(q.shl(q.sub(field, c(1)), c(f.fraction)), q.shr(result.significand, c(63 - f.fraction)));
    return [q.or(bits, sign), c(0), statusAfter(q, control!, status!, C1, result.news), c(1)];
  };

/** A number below 2^63 rounded to a whole one. */
function whole(q: QuickCode, mode: Node, { negative, field, significand }: Finite): { readonly count: Node; readonly news: Node } {
  const c = (n: number): Node => q.constant(n);
  const places = q.sub(c(BIAS + 63), field);
  const isFar = q.ltUnsigned(c(63), places);
  const count = q.select(isFar, c(0), q.shr(significand, places));
  // Of less than a half it matters only that there is something.
  const tiny = q.select(q.eq(places, c(64)), significand, q.ne(significand, c(0)));
  const rest = q.select(isFar, tiny, q.shl(significand, q.sub(c(64), places)));
  const up = roundsUp(q, mode, negative, q.and(count, c(1)), rest);
  return { count: q.add(count, up), news: roundingNews(q, rest, up) };
}

/** FIST and FISTTP of what fits. */
const toInteger: QuickFormula = (q, control, status, low, high, size, truncates) => {
  const c = (n: number): Node => q.constant(n);
  const x = finite(q, low!, high!);
  q.needs(q.ltUnsigned(x.field, c(BIAS + 63)));
  const { count, news } = whole(q, q.select(truncates!, c(3), roundingOf(q, control!)), x);
  const value = q.select(x.negative, q.sub(c(0), count), count);
  const unused = q.sub(c(64), size!);
  const up = q.shl(value, unused);
  // The sign is the number's own: 2^63 is none.
  const fits = q.and(q.eq(q.sar(up, unused), value), q.eq(q.shr(count, c(63)), c(0)));
  q.needs(fits);
  return [q.shr(up, unused), c(0), statusAfter(q, control!, status!, C1, news), c(1)];
};

/** FRNDINT. */
const roundedToWhole: QuickFormula = (q, control, status, low, high) => {
  const x = finite(q, low!, high!);
  const isWhole = q.or(q.eq(x.field, q.constant(0)), isNot(q, q.ltUnsigned(x.field, q.constant(BIAS + 63))));
  q.when(isWhole, () => q.give(...asIs(q, control!, status!, low!, highOf(q, x.negative, x.field))));
  const { count, news } = whole(q, roundingOf(q, control!), x);
  const { significand, field } = normalized(q, count);
  return [significand, highOf(q, x.negative, field), statusAfter(q, control!, status!, C1, news), q.constant(1)];
};

export const CONVERSIONS: readonly (readonly [string, QuickFormula])[] = [
  ['x87.fromSingle', widened(SINGLE)],
  ['x87.fromDouble', widened(DOUBLE)],
  ['x87.fromInteger', fromInteger],
  ['x87.toSingle', narrowed(SINGLE)],
  ['x87.toDouble', narrowed(DOUBLE)],
  ['x87.toInteger', toInteger],
  ['x87.rndint', roundedToWhole],
];
