/** Functions on fixed-point numbers: `x` stands for x * 2^-places. Each result is good to a few units in the last place. */

/** ln((1 + z) / (1 - z)) for |z| < 0.5: twice the series of the inverse hyperbolic tangent. */
export function logarithmOfRatio(z: bigint, places: number): bigint {
  const square = (z * z) >> BigInt(places);
  let power = z;
  let sum = z;
  for (let n = 3n; power !== 0n && power !== -1n; n += 2n) {
    power = (power * square) >> BigInt(places);
    sum += power / n;
  }
  return sum << 1n;
}

/** e^x - 1 for |x| < 1. */
export function exponentialLessOne(x: bigint, places: number): bigint {
  let term = x;
  let sum = x;
  for (let n = 2n; term !== 0n && term !== -1n; n++) {
    term = ((term * x) >> BigInt(places)) / n;
    sum += term;
  }
  return sum;
}

/** The sine and cosine of x, |x| < 1. */
export function sineAndCosine(x: bigint, places: number): { readonly sine: bigint; readonly cosine: bigint } {
  let term = 1n << BigInt(places);
  const sums = [term, x];
  for (let n = 1n; term !== 0n && term !== -1n; n++) {
    term = ((term * x) >> BigInt(places)) / n;
    const sign = (n & 2n) === 0n ? 1n : -1n;
    if (n > 1n) sums[Number(n & 1n)]! += sign * term;
  }
  return { sine: sums[1]!, cosine: sums[0]! };
}

/** The arc tangent of x, 0 <= x <= 1: of the half angle's tangent, three times over, so that the series is short. */
export function arcTangent(x: bigint, places: number): bigint {
  const one = 1n << BigInt(places);
  let z = x;
  for (let n = 0; n < 3; n++) z = (z << BigInt(places)) / (one + root(one + ((z * z) >> BigInt(places)), places));
  const square = (z * z) >> BigInt(places);
  let power = z;
  let sum = z;
  for (let n = 3n; power !== 0n; n += 2n) {
    power = -((power * square) >> BigInt(places));
    if (power === -1n) break;
    sum += power / n;
  }
  return sum << 3n;
}

function root(x: bigint, places: number): bigint {
  const radicand = x << BigInt(places);
  let guess = 1n << BigInt(places + 1);
  for (;;) {
    const next = (guess + radicand / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** Bits behind the point of the constants. */
export const CONSTANT_PLACES = 512;

const fraction = (a: bigint, b: bigint): bigint => (a << BigInt(CONSTANT_PLACES)) / b;

/** Machin: pi / 4 = 4 atan(1/5) - atan(1/239). */
export const PI = 16n * arcTangent(fraction(1n, 5n), CONSTANT_PLACES) - 4n * arcTangent(fraction(1n, 239n), CONSTANT_PLACES);
/** ln 2 = ln((1 + 1/3) / (1 - 1/3)). */
export const LN2 = logarithmOfRatio(fraction(1n, 3n), CONSTANT_PLACES);
/** ln 10 = 3 ln 2 + ln((1 + 1/9) / (1 - 1/9)). */
export const LN10 = 3n * LN2 + logarithmOfRatio(fraction(1n, 9n), CONSTANT_PLACES);

/** A constant with fewer places. */
export const rescaled = (constant: bigint, places: number): bigint => constant >> BigInt(CONSTANT_PLACES - places);
