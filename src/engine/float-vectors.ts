import { type Code, f32x4, f64x2, i32, i64x2, lowerHalves, upperHalf, v128 } from './wasm/code.ts';

/**
 * Floating-point arithmetic that WebAssembly has, too: formulas over the lanes of a vector, and in which lanes they give what the helper of that name gives with
 * rounding to nearest and raise no other exception than precision. The rest (NaNs, denormals, results that leave the normal range) is left to the helper.
 */
export interface FloatFormula {
  readonly value: Code;
  /** Ones in the lanes where `value` is right. */
  readonly fits: Code;
  /** Ones in the lanes where it is exact; absent where nothing is ever rounded. Evaluated where `fits` is all ones. */
  readonly exact?: (keep: Keep) => Code;
}

/** Keeps a vector in a local, and gives the code that gets it. */
export type Keep = (vector: Code) => Code;

interface Lanes {
  readonly bits: 32 | 64;
  readonly o: typeof f32x4 | typeof f64x2;
  readonly least: Code;
  readonly aboveLeast: Code;
  readonly largest: Code;
  /** Multiplying by it splits a significand into halves whose products are exact. */
  readonly splitter: Code;
  /** Factors and products whose error is a number again. */
  readonly factor: Code;
  readonly product: readonly [least: Code, largest: Code];
}

const double = (x: number): Code => v128.const(new BigUint64Array(Float64Array.of(x).buffer)[0]!);
const single = (x: number): Code => v128.const(new BigUint64Array(Float32Array.of(x, x).buffer)[0]!);
const ZERO = v128.const(0n);

const DOUBLE: Lanes = {
  bits: 64,
  o: f64x2,
  least: double(2 ** -1022),
  aboveLeast: double(2 ** -1021),
  largest: double(Number.MAX_VALUE),
  splitter: double(2 ** 27 + 1),
  factor: double(2 ** 990),
  product: [double(2 ** -900), double(2 ** 1000)],
};

const SINGLE: Lanes = {
  bits: 32,
  o: f32x4,
  least: single(2 ** -126),
  aboveLeast: single(2 ** -125),
  largest: single((2 - 2 ** -23) * 2 ** 127),
  splitter: single(2 ** 12 + 1),
  factor: single(2 ** 110),
  product: [single(2 ** -90), single(2 ** 120)],
};

/** A number that raises nothing by being an operand: a normal one, zero or infinity. */
const isPlain = ({ o, least }: Lanes, x: Code): Code => v128.or(o.ge(o.abs(x), least), o.eq(x, ZERO));
/** In the normal range with room below, so that it was not tiny before rounding either. */
const isNormal = ({ o, aboveLeast, largest }: Lanes, x: Code): Code => within(o, x, aboveLeast, largest);
const within = (o: Lanes['o'], x: Code, least: Code, largest: Code): Code => v128.and(o.ge(o.abs(x), least), o.le(o.abs(x), largest));
const both = (...masks: Code[]): Code => masks.reduce((a, b) => v128.and(a, b));

/** The rounded sum and its error, which is a number always (Knuth). */
function twoSum({ o }: Lanes, keep: Keep, a: Code, b: Code): readonly [Code, Code] {
  const sum = keep(o.add(a, b));
  const part = keep(o.sub(sum, a));
  return [sum, keep(o.add(o.sub(a, o.sub(sum, part)), o.sub(b, part)))];
}

/** The rounded product and its error (Veltkamp, Dekker): where `fitsProduct`. */
function twoProduct(l: Lanes, keep: Keep, a: Code, b: Code): readonly [Code, Code] {
  const { o } = l;
  const product = keep(o.mul(a, b));
  const [ah, al] = split(l, keep, a);
  const [bh, bl] = split(l, keep, b);
  const high = o.sub(o.mul(ah, bh), product);
  return [product, keep(o.add(o.add(o.add(high, o.mul(ah, bl)), o.mul(al, bh)), o.mul(al, bl)))];
}

function split({ o, splitter }: Lanes, keep: Keep, a: Code): readonly [Code, Code] {
  const scaled = keep(o.mul(a, splitter));
  const high = keep(o.sub(scaled, o.sub(scaled, a)));
  return [high, keep(o.sub(a, high))];
}

const fitsProduct = ({ o, factor, product: [least, largest] }: Lanes, a: Code, b: Code, product: Code): Code =>
  both(o.le(o.abs(a), factor), o.le(o.abs(b), factor), within(o, product, least, largest));

type Formula = (l: Lanes, keep: Keep, operands: readonly Code[], lowOnly: boolean) => FloatFormula;

/** The lanes of which parity a sign is turned over in. */
type Parity = 'none' | 'even' | 'odd' | 'all';

/** `x` with the sign turned over in some lanes. */
function negated(l: Lanes, keep: Keep, x: Code, where: Parity): Code {
  if (where === 'none') return x;
  const sign = 1n << BigInt(l.bits - 1);
  const [even, odd] = [where !== 'odd', where !== 'even'].map((on) => (on ? sign : 0n)) as [bigint, bigint];
  return keep(v128.xor(x, l.bits === 64 ? v128.const(even, odd) : v128.const(even | (odd << 32n))));
}

const sum =
  (minus: Parity): Formula =>
  (l, keep, [a, second]) => {
    const { o } = l;
    const b = negated(l, keep, second!, minus);
    const value = keep(o.add(a!, b));
    return {
      value,
      fits: both(isPlain(l, a!), isPlain(l, b), v128.or(isNormal(l, value), o.eq(value, ZERO))),
      exact: (k) => o.eq(twoSum(l, k, a!, b)[1], ZERO),
    };
  };

const product: Formula = (l, keep, [a, b]) => {
  const { o } = l;
  const value = keep(o.mul(a!, b!));
  const isZero = both(o.eq(value, ZERO), v128.or(o.eq(a!, ZERO), o.eq(b!, ZERO)));
  return {
    value,
    fits: both(isPlain(l, a!), isPlain(l, b!), v128.or(isNormal(l, value), isZero)),
    exact: (k) => v128.or(o.eq(value, ZERO), both(fitsProduct(l, a!, b!, value), o.eq(twoProduct(l, k, a!, b!)[1], ZERO))),
  };
};

/** Whether a * b is exactly `value`. */
function isProduct(l: Lanes, keep: Keep, value: Code, a: Code, b: Code): Code {
  const [high, error] = twoProduct(l, keep, a, b);
  return both(fitsProduct(l, a, b, high), l.o.eq(high, value), l.o.eq(error, ZERO));
}

const quotient: Formula = (l, keep, [a, b]) => {
  const { o } = l;
  const value = keep(o.div(a!, b!));
  return {
    value,
    fits: both(isPlain(l, a!), isPlain(l, b!), v128.or(isNormal(l, value), both(o.eq(value, ZERO), o.eq(a!, ZERO)))),
    exact: (k) => v128.or(o.eq(value, ZERO), isProduct(l, k, a!, value, b!)),
  };
};

const root: Formula = (l, keep, [a]) => {
  const { o } = l;
  const value = keep(o.sqrt(a!));
  return {
    value,
    fits: both(isPlain(l, a!), v128.or(isNormal(l, value), o.eq(value, ZERO))),
    exact: (k) => v128.or(o.eq(value, ZERO), isProduct(l, k, a!, value, value)),
  };
};

const extreme =
  (which: 'pmin' | 'pmax'): Formula =>
  (l, _keep, [a, b]) => ({ value: l.o[which](b!, a!), fits: both(isPlain(l, a!), isPlain(l, b!)) });

/**
 * A sum of doubles rounded to odd: where it is not exact, to the one of its two neighbours whose last bit is set. Rounding that again to fewer bits is rounding
 * the exact sum (Boldo, Melquiond, "Emulation of FMA and Correctly Rounded Sums: Proved Algorithms Using Rounding to Odd").
 */
function toOdd(keep: Keep, [sum_, error]: readonly [Code, Code]): Code {
  const isOdd = i64x2.shrS(i64x2.shl(sum_, i32.const(63)), i32.const(63));
  const step = v128.or(i64x2.shrS(v128.xor(sum_, error), i32.const(63)), v128.const(1n));
  return keep(i64x2.add(sum_, v128.andNot(step, v128.or(f64x2.eq(error, ZERO), isOdd))));
}

const fused =
  (minusProduct: Parity, minusAddend: Parity): Formula =>
  (l, keep, [first, b, third], lowOnly) => {
    const a = negated(l, keep, first!, minusProduct);
    const c = negated(l, keep, third!, minusAddend);
    return l.bits === 64 ? fusedDouble(l, keep, a, b!, c) : fusedSingle(l, keep, [a, b!, c], lowOnly);
  };

function fusedDouble(l: Lanes, keep: Keep, a: Code, b: Code, c: Code): FloatFormula {
  const { o, factor } = l;
  const [least, largest] = l.product;
  const [high, low] = twoProduct(l, keep, a, b);
  const [sumHigh, sumLow] = twoSum(l, keep, c, low);
  const [top, below] = twoSum(l, keep, high, sumHigh);
  const rest = twoSum(l, keep, sumLow, below);
  const value = keep(o.add(top, toOdd(keep, rest)));
  const isZero = v128.or(o.eq(a, ZERO), o.eq(b, ZERO));
  return {
    value,
    fits: both(
      isPlain(l, a),
      isPlain(l, b),
      o.le(o.abs(a), factor),
      o.le(o.abs(b), factor),
      v128.or(within(o, high, least, largest), isZero),
      v128.or(within(o, c, least, largest), o.eq(c, ZERO)),
      within(o, value, least, largest),
    ),
    exact: (k) => both(o.eq(rest[1], ZERO), o.eq(twoSum(l, k, top, rest[0])[1], ZERO)),
  };
}

/** The product of two singles is a double. */
function fusedSingle(l: Lanes, keep: Keep, operands: readonly Code[], lowOnly: boolean): FloatFormula {
  const halves = (lowOnly ? [operands] : [operands, operands.map(upperHalf)]).map((half) => {
    const [a, b, c] = half.map((x) => keep(f64x2.ofLowSingles(x)));
    const exactly = twoSum(DOUBLE, keep, keep(f64x2.mul(a!, b!)), c!);
    return { exactly, rounded: keep(f32x4.ofLowDoubles(toOdd(keep, exactly))) };
  });
  const [low, high] = [halves[0]!, halves.at(-1)!];
  const value = keep(lowerHalves(low.rounded, high.rounded));
  return {
    value,
    fits: both(...operands.map((x) => isPlain(l, x)), isNormal(l, value)),
    exact: () =>
      both(
        ...halves.flatMap(({ exactly: [sum_, error], rounded }) => [f64x2.eq(error, ZERO), f64x2.eq(f64x2.ofLowSingles(rounded), sum_)]),
      ),
  };
}

/** A value with the lanes where it is right; nothing is said of exactness. */
export type QuickFormula = Pick<FloatFormula, 'value' | 'fits'>;

const quickFused =
  (minusProduct: Parity, minusAddend: Parity) =>
  (l: Lanes, keep: Keep, [first, b, third]: readonly Code[], lowOnly: boolean): QuickFormula => {
    const a = negated(l, keep, first!, minusProduct);
    const c = negated(l, keep, third!, minusAddend);
    return l.bits === 64 ? quickFusedDouble(keep, a, b!, c) : quickFusedSingle(keep, [a, b!, c], lowOnly);
  };

/** Halves as those of `split`: rounded by an integer addition, which is faster. */
function quickSplit(keep: Keep, a: Code): readonly [Code, Code] {
  const high = keep(v128.and(i64x2.add(a, v128.const(1n << 26n)), v128.const(~((1n << 27n) - 1n) & 0xffffffffffffffffn)));
  return [high, keep(f64x2.sub(a, high))];
}

/**
 * The error of a * b + c as a sum of three parts is added to that sum with a little more and with a little less than all of it. Where both give the same it is the exact one
 * rounded (Ziv). Operands are small enough for the factors to be normal where the product is not tiny.
 */
function quickFusedDouble(keep: Keep, a: Code, b: Code, c: Code): QuickFormula {
  const o = f64x2;
  const high = keep(o.mul(a, b));
  const [ah, al] = quickSplit(keep, a);
  const [bh, bl] = quickSplit(keep, b);
  const low = o.add(o.add(o.add(o.sub(o.mul(ah, bh), high), o.mul(ah, bl)), o.mul(al, bh)), o.mul(al, bl));
  const sum = keep(o.add(high, c));
  const part = keep(o.sub(sum, high));
  const error = o.add(o.sub(high, o.sub(sum, part)), o.sub(c, part));
  const rest = keep(o.add(error, low));
  const doubt = keep(o.mul(rest, double(2 ** -51)));
  const value = keep(o.add(sum, o.add(rest, doubt)));
  const magnitude = keep(o.abs(c));
  const [least, largest] = [double(2 ** -900), double(2 ** 100)];
  return {
    value,
    fits: both(
      o.eq(value, o.add(sum, o.sub(rest, doubt))),
      o.le(o.pmax(o.pmax(o.abs(a), o.abs(b)), magnitude), largest),
      o.ge(o.pmin(magnitude, o.abs(high)), least),
      o.ge(o.abs(value), least),
    ),
  };
}

/** The sum of the product, a double, and the addend as a double may be rounded again where it is not between two singles. */
function quickFusedSingle(keep: Keep, operands: readonly Code[], lowOnly: boolean): QuickFormula {
  const halves = (lowOnly ? [operands] : [operands, operands.map(upperHalf)]).map((half) => {
    const [a, b, c] = half.map((x) => f64x2.ofLowSingles(x));
    return keep(f64x2.add(f64x2.mul(a!, b!), c!));
  });
  const rounded = halves.map((sum_) => f32x4.ofLowDoubles(sum_));
  const value = keep(lowOnly ? rounded[0]! : lowerHalves(rounded[0]!, rounded[1]!));
  const between = halves
    .map((sum_) => i64x2.eq(v128.and(sum_, v128.const(0x1fffffffn)), v128.const(0x10000000n)))
    .reduce((x, y) => v128.or(x, y));
  const fits = both(...operands.map((x) => isPlain(SINGLE, x)), isNormal(SINGLE, value));
  // Of one element all lanes are the same; only the lower half of the rounded value is.
  return { value: lowOnly ? lowerHalves(value, value) : value, fits: v128.andNot(lowOnly ? lowerHalves(fits, fits) : fits, between) };
}

const FUSED: Readonly<Record<string, readonly [minusProduct: Parity, minusAddend: Parity]>> = {
  fmadd: ['none', 'none'],
  fmsub: ['none', 'all'],
  'fmsub fmadd': ['none', 'even'],
  'fmadd fmsub': ['none', 'odd'],
  fnmadd: ['all', 'none'],
  fnmsub: ['all', 'all'],
};

/** By the operations on the even and on the odd elements, where those are not the same. */
const FORMULAS: Readonly<Record<string, Formula>> = {
  add: sum('none'),
  sub: sum('all'),
  'sub add': sum('even'),
  mul: product,
  div: quotient,
  sqrt: root,
  min: extreme('pmin'),
  max: extreme('pmax'),
  ...Object.fromEntries(Object.entries(FUSED).map(([name, signs]) => [name, fused(...signs)])),
};

/** The formula of operations such as `add`, on the even and on the odd elements, if it has one. With `lowOnly` all lanes are the same. */
export function floatFormula(
  size: 32 | 64,
  [even, odd]: readonly [string, string],
): ((keep: Keep, operands: readonly Code[], lowOnly: boolean) => FloatFormula) | undefined {
  const formula = FORMULAS[even === odd ? even : `${even} ${odd}`];
  if (formula === undefined) return undefined;
  return (keep, operands, lowOnly) => formula(size === 64 ? DOUBLE : SINGLE, keep, operands, lowOnly);
}

/** The same for where inexact results are nothing new: faster where there is a faster one. */
export function quickFormula(
  size: 32 | 64,
  [even, odd]: readonly [string, string],
): ((keep: Keep, operands: readonly Code[], lowOnly: boolean) => QuickFormula) | undefined {
  const signs = FUSED[even === odd ? even : `${even} ${odd}`];
  if (signs === undefined) return floatFormula(size, [even, odd]);
  return (keep, operands, lowOnly) => quickFused(...signs)(size === 64 ? DOUBLE : SINGLE, keep, operands, lowOnly);
}
