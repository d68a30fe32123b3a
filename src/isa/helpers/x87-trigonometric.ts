import { bitLength } from './float-format.ts';
import type { Exact } from './float-round.ts';
import { quotient } from './x87-arithmetic.ts';
import { arcTangent, PI, rescaled, sineAndCosine } from './x87-fixed.ts';
import { type Encoded, encoded, INTEGER_BIT, type X87Number, zero } from './x87-number.ts';
import { exact, invalid, special, withDenormals } from './x87-operands.ts';
import { roundLong, type X87Outcome } from './x87-round.ts';
import { C2 } from './x87-word.ts';

/**
 * FSIN, FCOS, FSINCOS, FPTAN and FPATAN. What they give is the exact value rounded once, which is nearer than the manual asks for (SDM Vol. 1,
 * "Transcendental Instruction Accuracy").
 */

const PLACES = 320;
/** Below 2^-40 a sine is its angle, but for less than a unit in the last place. */
const SMALL = -40;
/** Angles from 2^63 on are out of range. */
const OUT_OF_RANGE = 63;

export const ONE: Encoded = [INTEGER_BIT, 0x3fffn];
/** Exponent of the leading bit. */
export const leading = (x: Pick<X87Number, 'significand' | 'exponent'>): number => bitLength(x.significand) + x.exponent - 1;

/** A number in fixed point. */
export function fixed(x: Exact, places: number): bigint {
  const up = x.exponent + places;
  const magnitude = up >= 0 ? x.significand << BigInt(up) : x.significand >> BigInt(-up);
  return x.negative ? -magnitude : magnitude;
}

/** A number in fixed point that stands for one that is not exactly it. */
export const inexactly = (value: bigint, places: number): Exact => ({
  negative: value < 0n,
  significand: value < 0n ? -value : value,
  exponent: -places,
  more: true,
});

/** The number next to `x` towards zero (`away` false) or from it, at a distance that only rounding can tell. */
export function beside(x: Pick<X87Number, 'negative' | 'significand' | 'exponent'>, away: boolean): Exact {
  const significand = x.significand << 128n;
  return { negative: x.negative, significand: away ? significand : significand - 1n, exponent: x.exponent - 128, more: true };
}

export interface Angle {
  readonly sine: Exact;
  readonly cosine: Exact;
}

/** Sine and cosine of a finite angle. */
function functionsOf(x: X87Number): Angle {
  if (leading(x) < SMALL) {
    const one = { negative: false, significand: 1n, exponent: 0 };
    return { sine: beside(x, false), cosine: beside(one, false) };
  }
  const angle = fixed(x, PLACES);
  const quarter = rescaled(REDUCTION, PLACES) >> 1n;
  const turns = (2n * angle + quarter) / (2n * quarter) - (2n * angle + quarter < 0n ? 1n : 0n);
  const { sine, cosine } = sineAndCosine(angle - turns * quarter, PLACES);
  const [s, c] = [
    [sine, cosine],
    [cosine, -sine],
    [-sine, -cosine],
    [-cosine, sine],
  ][Number(BigInt.asUintN(2, turns))] as [bigint, bigint];
  return { sine: inexactly(s, PLACES), cosine: inexactly(c, PLACES) };
}

/** The value of pi by which angles are reduced. */
const REDUCTION = (PI >> 448n) << 448n;

/** A function of an angle; `ofZero` is what it gives for zero, which is exact. */
export function ofAngle(x: X87Number, control: number, ofZero: (x: X87Number) => Encoded, compute: (angle: Angle) => Exact): X87Outcome {
  const nan = special(x);
  if (nan !== undefined) return nan;
  if (x.kind === 'infinity') return invalid();
  if (x.kind === 'zero') return exact(ofZero(x));
  if (leading(x) >= OUT_OF_RANGE) return exact(encoded(x), 0, C2);
  return withDenormals(control, [x], () => roundLong(compute(functionsOf(x)), control));
}

export const sine = (x: X87Number, control: number): X87Outcome => ofAngle(x, control, encoded, (angle) => angle.sine);
export const cosine = (x: X87Number, control: number): X87Outcome =>
  ofAngle(
    x,
    control,
    () => ONE,
    (angle) => angle.cosine,
  );
export const tangent = (x: X87Number, control: number): X87Outcome =>
  ofAngle(x, control, encoded, (angle) =>
    leading(x) < SMALL ? beside(x, true) : quotient(angle.sine, angle.cosine, angle.sine.negative !== angle.cosine.negative),
  );

/** FPATAN: the angle of the point (x, y) (SDM Vol. 2, "FPATAN Results"). */
export function arcTangentOf(y: X87Number, x: X87Number, control: number): X87Outcome {
  const nan = special(y, x);
  if (nan !== undefined) return nan;
  return withDenormals(control, [y, x], () => {
    const angle = (eighths: bigint): X87Outcome => roundLong({ ...inexactly(eighths * (PI >> 3n), 512), negative: y.negative }, control);
    if (y.kind === 'infinity') return x.kind !== 'infinity' ? angle(4n) : angle(x.negative ? 6n : 2n);
    if (x.kind === 'infinity' || y.kind === 'zero') return x.negative ? angle(8n) : exact(zero(y.negative));
    if (x.kind === 'zero') return angle(4n);
    return roundLong({ ...pointAngle(y, x), negative: y.negative }, control);
  });
}

/** The magnitude of the angle of a finite point that is on no axis. */
function pointAngle(y: X87Number, x: X87Number): Exact {
  const distance = leading(y) - leading(x);
  // The angle is so small that it is its tangent, but for less than a unit in the last place; the tangent's own rounding is as near.
  if (distance < -80 && !x.negative) {
    const tangentOf = quotient(y, x, false);
    return tangentOf.more === true ? tangentOf : beside({ ...tangentOf, negative: false }, false);
  }
  const places = 512;
  const ratio = (a: X87Number, b: X87Number): bigint => fixed(quotient(a, b, false), places);
  const isSteep = distance > 0 || (distance === 0 && ratio(y, x) > 1n << 512n);
  const small = isSteep ? PI / 2n - arcTangent(ratio(x, y), places) : arcTangent(ratio(y, x), places);
  return inexactly(x.negative ? PI - small : small, places);
}
