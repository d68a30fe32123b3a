import { predicatesOf } from '../isa/helpers/float-compare.ts';
import { type Code, f32, f64, i32, i64, select } from './wasm/code.ts';

/** The same as a `FloatFormula` for one element in a 64-bit local, with truth values as i32: conversions and comparisons. */
export interface ScalarFormula {
  readonly value: Code;
  readonly fits: Code;
  readonly exact?: Code;
}

export type KeepScalar = (bits: Code) => Code;

type Formula = (keep: KeepScalar, a: Code, b: Code, c: Code) => ScalarFormula;

interface Format {
  readonly magnitude: bigint;
  readonly least: bigint;
  readonly infinity: bigint;
  /** As a double. */
  readonly double: (bits: Code) => Code;
}

const SINGLE: Format = {
  magnitude: 0x7fffffffn,
  least: 0x00800000n,
  infinity: 0x7f800000n,
  double: (bits) => f64.promote(f32.ofBits(bits)),
};
const DOUBLE: Format = { magnitude: ~(1n << 63n), least: 1n << 52n, infinity: 0x7ffn << 52n, double: f64.ofBits };

const ALWAYS = i32.const(1);
/** Neither a NaN nor denormal. */
function isPlain({ magnitude, least, infinity }: Format, bits: Code): Code {
  const x = i64.and(bits, i64.const(magnitude));
  return i32.or(i64.eqz(x), i64.geU(i64.const(infinity - least), i64.sub(x, i64.const(least))));
}

const fromInteger =
  (size: 32 | 64, to: 32 | 64): Formula =>
  (keep, a) => {
    const whole = size === 32 ? i64.extend32S(a) : a;
    if (to === 64 && size === 32) return { value: f64.bits(f64.ofI64(whole)), fits: ALWAYS };
    const value = keep(to === 64 ? f64.bits(f64.ofI64(whole)) : f32.bits(f32.ofI64(whole)));
    const back = (to === 64 ? DOUBLE : SINGLE).double(value);
    return { value, fits: ALWAYS, exact: i32.and(f64.lt(f64.abs(back), f64.const(2 ** 63)), i64.eq(f64.truncate(back), whole)) };
  };

/** What is behind the point is cut off, or rounded to nearest before. */
const toInteger =
  (from: Format, size: 32 | 64, truncates: boolean): Formula =>
  (keep, a) => {
    const x = from.double(a);
    const whole = keep(f64.truncate(truncates ? x : f64.nearest(x)));
    return {
      value: size === 32 ? i64.and(whole, i64.const(0xffffffffn)) : whole,
      fits: i32.and(isPlain(from, a), f64.lt(f64.abs(truncates ? x : f64.nearest(x)), f64.const(2 ** (size - 1)))),
      exact: f64.eq(f64.ofI64(whole), x),
    };
  };

const widen: Formula = (_keep, a) => ({ value: f64.bits(SINGLE.double(a)), fits: isPlain(SINGLE, a) });

const narrow: Formula = (keep, a) => {
  const value = keep(f32.bits(f32.demote(f64.ofBits(a))));
  const x = f64.abs(f64.ofBits(a));
  // Up to the largest single, and away from the least normal one.
  const inRange = i32.and(f64.ge(x, f64.const(2 ** -125)), f64.lt(x, f64.const((2 - 2 ** -23) * 2 ** 127)));
  return { value, fits: i32.or(inRange, f64.eq(x, f64.const(0))), exact: f64.eq(SINGLE.double(value), f64.ofBits(a)) };
};

const toFlags =
  (format: Format): Formula =>
  (_keep, a, b) => {
    const [x, y] = [format.double(a), format.double(b)];
    return {
      value: i64.or(i64.extend(f64.lt(x, y)), i64.shl(i64.extend(f64.eq(x, y)), i64.const(6))),
      fits: i32.and(isPlain(format, a), isPlain(format, b)),
    };
  };

/** All ones where the predicate in `c` holds. */
const compare =
  (format: Format, bits: 32 | 64): Formula =>
  (keep, a, b, c) => {
    const [x, y] = [format.double(a), format.double(b)];
    const [less, equal, greater] = (['less', 'equal', 'greater'] as const).map((r) => i64.const(predicatesOf(r))) as [Code, Code, Code];
    const holding = select(less, select(equal, greater, f64.eq(x, y)), f64.lt(x, y));
    const all = keep(i64.sub(i64.const(0), i64.and(i64.shrU(holding, i64.and(c, i64.const(15))), i64.const(1))));
    return {
      value: bits === 64 ? all : i64.and(all, i64.const(0xffffffffn)),
      fits: i32.and(isPlain(format, a), isPlain(format, b)),
    };
  };

/** To a whole number, as control bits 0 to 2 in `b` say; MXCSR's rounding is to nearest. Bit 3 leaves inexact results unsaid. */
const toWhole =
  (format: Format, bits: 32 | 64): Formula =>
  (keep, a, b) => {
    const x = format.double(a);
    const mode = (n: number): Code => i64.eq(i64.and(b, i64.const(7)), i64.const(n));
    const whole = select(f64.floor(x), select(f64.ceil(x), select(f64.trunc(x), f64.nearest(x), mode(3)), mode(2)), mode(1));
    const value = keep(bits === 64 ? f64.bits(whole) : f32.bits(f32.demote(whole)));
    const unsaid = i64.ne(i64.and(b, i64.const(8)), i64.const(0));
    return { value, fits: isPlain(format, a), exact: i32.or(unsaid, f64.eq(format.double(value), x)) };
  };

const FORMULAS: Readonly<Record<string, Formula>> = Object.fromEntries([
  ['f32.convert.f64', widen],
  ['f64.convert.f32', narrow],
  ...(
    [
      ['f32', SINGLE, 32],
      ['f64', DOUBLE, 64],
    ] as const
  ).flatMap(([name, format, bits]) => [
    [`${name}.comi`, toFlags(format)] as const,
    [`${name}.ucomi`, toFlags(format)] as const,
    [`${name}.cmp`, compare(format, bits)] as const,
    [`${name}.round`, toWhole(format, bits)] as const,
    ...([32, 64] as const).flatMap((size) => [
      [`i${size}.convert.${name}`, fromInteger(size, bits)] as const,
      [`${name}.convert.i${size}`, toInteger(format, size, false)] as const,
      [`${name}.truncate.i${size}`, toInteger(format, size, true)] as const,
    ]),
  ]),
]);

export const scalarFormula = (helper: string): Formula | undefined => FORMULAS[helper];
