import { CONVERTED, EMPTY, WAS_DENORMAL } from '../isa/helpers/x87-number.ts';
import { C0, C1, C2, C3 } from '../isa/helpers/x87-word.ts';
import type { Node } from './graph.ts';
import type { QuickCode, QuickFormula } from './quick-code.ts';
import { asIs, type Finite, finite, isNot, SIGN, SPECIAL, statusAfter } from './x87-parts.ts';

/** Moves between registers, which take all values, and comparisons of normal numbers and zeros. */

const CODES = C0 | C1 | C2 | C3;

/** Leaves empty registers to the helper. */
const needsUsed = (q: QuickCode, ...highs: readonly Node[]): void =>
  q.needs(q.eq(q.and(highs.reduce(q.or.bind(q)), q.constant(EMPTY)), q.constant(0)));

/** ST(0) with another sign. */
const withSign =
  (sign: (q: QuickCode, high: Node) => Node): QuickFormula =>
  (q, control, status, low, high) => {
    needsUsed(q, high!);
    return asIs(q, control!, status!, low!, sign(q, high!));
  };

const encoded = (q: QuickCode, high: Node): Node => q.and(high, q.constant(0xffff));

/** FCMOVcc leaves C1 alone. */
const moved: QuickFormula = (q, control, status, low, high) => {
  needsUsed(q, high!);
  return [low!, encoded(q, high!), statusAfter(q, control!, status!, 0), q.constant(1)];
};

/** What was converted may be a NaN that signals, or was denormal. */
const pushed: QuickFormula = (q, control, status, low, high, isOccupied) => {
  q.needs(q.eq(q.or(q.and(high!, q.constant(EMPTY | WAS_DENORMAL)), isOccupied!), q.constant(0)));
  const special = q.constant(CONVERTED | BigInt(SPECIAL));
  q.needs(q.ne(q.and(high!, special), special));
  return asIs(q, control!, status!, low!, encoded(q, high!));
};

const exchanged: QuickFormula = (q, control, status, low0, high0, low1, high1) => {
  needsUsed(q, high0!, high1!);
  return [low1!, encoded(q, high1!), ...asIs(q, control!, status!, low0!, encoded(q, high0!))];
};

/** C3 for equal, C0 for less. */
function codesOf(q: QuickCode, a: Finite, b: Finite): Node {
  const c = (n: number): Node => q.constant(n);
  const same = q.eq(a.field, b.field);
  const isBelow = q.or(q.ltUnsigned(a.field, b.field), q.and(same, q.ltUnsigned(a.significand, b.significand)));
  const isLevel = q.and(same, q.eq(a.significand, b.significand));
  const differ = q.xor(a.negative, b.negative);
  const areZeros = q.eq(q.or(a.significand, b.significand), c(0));
  const isEqual = q.or(areZeros, q.and(isLevel, isNot(q, differ)));
  const isLess = q.select(differ, a.negative, q.xor(isBelow, a.negative));
  return q.select(isEqual, c(C3), q.select(isLess, c(C0), c(0)));
}

/** The condition codes, which the status word gets if it is in `sets`. */
const comparison =
  (sets: number): QuickFormula =>
  (q, control, status, low0, high0, low1, high1) => {
    const codes = codesOf(q, finite(q, low0!, high0!), finite(q, low1!, high1!));
    return [codes, statusAfter(q, control!, status!, sets, sets === 0 ? undefined : codes), q.constant(1)];
  };

/** FXAM. */
const examined: QuickFormula = (q, status, low, high) => {
  const { negative, field } = finite(q, low!, high!);
  const kind = q.select(field, q.constant(C2), q.constant(C3));
  const codes = q.or(kind, q.select(negative, q.constant(C1), q.constant(0)));
  return [q.or(q.and(status!, q.constant(~CODES & 0xffff)), codes)];
};

export const MOVES: readonly (readonly [string, QuickFormula])[] = [
  ['x87.copy', withSign(encoded)],
  ['x87.chs', withSign((q, high) => q.and(q.xor(high, q.constant(SIGN)), q.constant(0xffff)))],
  ['x87.abs', withSign((q, high) => q.and(high, q.constant(SPECIAL)))],
  ['x87.move', moved],
  ['x87.push', pushed],
  ['x87.exchange', exchanged],
  ['x87.com', comparison(CODES)],
  ['x87.ucom', comparison(CODES)],
  ['x87.comi', comparison(0)],
  ['x87.ucomi', comparison(0)],
  ['x87.examine', examined],
];
