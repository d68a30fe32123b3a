import { describe, expect, it } from 'vitest';
import { HELPERS, helperNumber } from '../../../src/isa/helpers/index.ts';
import { DAZ, DE, FTZ, IE, MXCSR_START, OE, PE, ROUNDING_AT, UE, ZE } from '../../../src/isa/helpers/mxcsr.ts';

const view = new DataView(new ArrayBuffer(8));

/** The host's numbers as encodings and back. */
const HOST = {
  f64: {
    bits: (x: number): bigint => {
      view.setFloat64(0, x);
      return view.getBigUint64(0);
    },
    number: (bits: bigint): number => {
      view.setBigUint64(0, bits);
      return view.getFloat64(0);
    },
    round: (x: number): number => x,
  },
  f32: {
    bits: (x: number): bigint => {
      view.setFloat32(0, x);
      return BigInt(view.getUint32(0));
    },
    number: (bits: bigint): number => {
      view.setUint32(0, Number(bits));
      return view.getFloat32(0);
    },
    round: Math.fround,
  },
} as const;
type Name = keyof typeof HOST;

function run(name: string, ...parameters: readonly (bigint | number)[]): { bits: bigint; flags: number } {
  const [bits, flags] = HELPERS[helperNumber(name)]!.run(...parameters.map(BigInt));
  return { bits: bits!, flags: Number(flags) };
}

/** Pseudo-random words (xorshift64), the same in every run. */
function* words(seed: bigint): Generator<bigint, never> {
  let x = seed;
  for (;;) {
    x ^= BigInt.asUintN(64, x << 13n);
    x ^= x >> 7n;
    x ^= BigInt.asUintN(64, x << 17n);
    yield x;
  }
}

/** Encodings of all magnitudes; half of them near each other, so that sums cancel and quotients are of normal size; some short, so that results are exact. */
function* operands(name: Name, seed: bigint): Generator<bigint, void> {
  const [bits, fraction, bias] = name === 'f64' ? [64n, 52n, 1023n] : [32n, 23n, 127n];
  for (const word of words(seed)) {
    const random = BigInt.asUintN(Number(bits), word);
    const near = (random & ~(0xffn << fraction)) | ((bias + (word >> 60n) - 8n) << fraction);
    const one = BigInt.asUintN(Number(bits), (word & 1n) === 0n ? random : (near & ~(7n << (bits - 4n))) | (3n << (bits - 4n)));
    yield (word & 6n) === 0n ? one & ~((1n << (fraction - 5n)) - 1n) : one;
  }
}

const next = (source: Generator<bigint, void>): bigint => source.next().value as bigint;

describe.each(['f32', 'f64'] as const)('%s against the arithmetic of the host', (name) => {
  const { bits, number, round } = HOST[name];

  const same = (got: bigint, expected: number, what: string): void => {
    if (Number.isNaN(expected)) expect([what, Number.isNaN(number(got))]).toEqual([what, true]);
    else expect([what, got.toString(16)]).toEqual([what, bits(expected).toString(16)]);
  };

  it.each([
    ['add', (a: number, b: number) => a + b],
    ['sub', (a: number, b: number) => a - b],
    ['mul', (a: number, b: number) => a * b],
    ['div', (a: number, b: number) => a / b],
  ] as const)('%s', (operation, host) => {
    const source = operands(name, 0x9e3779b97f4a7c15n);
    for (let n = 0; n < 4000; n++) {
      const [a, b] = [next(source), next(source)];
      // A double has more than twice the bits of a single, so that rounding twice is rounding once.
      same(run(`${name}.${operation}`, a, b, MXCSR_START).bits, round(host(number(a), number(b))), `${operation} ${a} ${b}`);
    }
  });

  it('square root, conversions, whole numbers and comparisons', () => {
    const source = operands(name, 0x2545f4914f6cdd1dn);
    for (let n = 0; n < 3000; n++) {
      const [a, b] = [next(source), next(source)];
      const [x, y] = [number(a), number(b)];
      same(run(`${name}.sqrt`, a, MXCSR_START).bits, round(Math.sqrt(x)), `sqrt ${a}`);
      same(run(`${name}.round`, a, 1, MXCSR_START).bits, Math.floor(x), `floor ${a}`);
      same(run(`${name}.round`, a, 2, MXCSR_START).bits, Math.ceil(x), `ceil ${a}`);
      same(run(`${name}.round`, a, 3, MXCSR_START).bits, Math.trunc(x), `trunc ${a}`);
      const truncated = Math.abs(x) < 2 ** 63 ? BigInt(Math.trunc(x)) : -(1n << 63n);
      expect(run(`${name}.truncate.i64`, a, MXCSR_START).bits).toBe(BigInt.asUintN(64, truncated));
      expect(run(`${name}.cmp`, a, b, 1, MXCSR_START).bits !== 0n).toBe(x < y);
      expect(run(`${name}.cmp`, a, b, 4, MXCSR_START).bits !== 0n).toBe(x !== y);
      same(run(`i32.convert.${name}`, a, MXCSR_START).bits, round(Number(BigInt.asIntN(32, a))), `int ${a}`);
    }
  });

  it('rounds to the two numbers around the exact one, and to the nearest of them', () => {
    const source = operands(name, 0x853c49e6748fea9bn);
    const order = (x: bigint): bigint => (number(x) < 0 || Object.is(number(x), -0) ? -(x & ~bits(-0)) : x);
    for (let n = 0; n < 2000; n++) {
      const [a, b, c] = [next(source), next(source), next(source)];
      const modes = [0, 1, 2, 3].map((mode) => run(`${name}.fmadd`, a, b, c, MXCSR_START | (mode << ROUNDING_AT)));
      const [nearest, down, up, zero] = modes.map((m) => m.bits) as [bigint, bigint, bigint, bigint];
      if (Number.isNaN(number(nearest))) continue;
      const exact = (modes[0]!.flags & PE) === 0;
      if (exact && number(nearest) === 0) continue;
      expect(order(up) - order(down)).toBe(exact ? 0n : 1n);
      expect([down, up]).toContain(nearest);
      expect(zero).toBe(number(nearest) > 0 || Object.is(number(nearest), 0) ? down : up);
    }
  });
});

it('single and double turn into each other as on the host', () => {
  const source = operands('f64', 0xda3e39cb94b95bdbn);
  for (let n = 0; n < 3000; n++) {
    const a = next(source);
    const x = HOST.f64.number(a);
    const single = run('f64.convert.f32', a, MXCSR_START).bits;
    if (Number.isNaN(x)) continue;
    expect(single).toBe(HOST.f32.bits(x));
    expect(run('f32.convert.f64', single, MXCSR_START).bits).toBe(HOST.f64.bits(Math.fround(x)));
  }
});

describe('approximations', () => {
  const approximate = (name: string, x: number): number => HOST.f32.number(HELPERS[helperNumber(`f32.${name}`)]!.run(HOST.f32.bits(x))[0]!);

  it('are within 1.5 * 2^-12 of the exact value', () => {
    const source = words(0x9e3779b97f4a7c15n);
    let worst = 0;
    for (let n = 0; n < 4000; n++) {
      const word = BigInt.asUintN(31, next(source));
      const x = HOST.f32.number(word);
      if (!(x >= 2 ** -125 && x <= 2 ** 125)) continue;
      worst = Math.max(
        worst,
        Math.abs(approximate('reciprocal', x) * x - 1),
        Math.abs(approximate('reciprocalRoot', x) * Math.sqrt(x) - 1),
      );
    }
    expect(worst).toBeGreaterThan(2 ** -14);
    expect(worst).toBeLessThanOrEqual(1.5 * 2 ** -12);
  });

  it('take denormals for zeros, and give zeros for them', () => {
    expect([0, -0, 2 ** -130, -(2 ** -130), Infinity, -Infinity, 2 ** 127].map((x) => approximate('reciprocal', x))).toEqual([
      Infinity,
      -Infinity,
      Infinity,
      -Infinity,
      0,
      -0,
      0,
    ]);
    expect([0, -0, -(2 ** -130), Infinity, 4].map((x) => approximate('reciprocalRoot', x))).toEqual([
      Infinity,
      -Infinity,
      -Infinity,
      0,
      0.5,
    ]);
    expect(approximate('reciprocalRoot', -1)).toBeNaN();
  });
});

describe('exceptions', () => {
  const { bits } = HOST.f64;
  const least = 1n;
  const leastNormal = 1n << 52n;
  const unmasked = (exception: number): number => MXCSR_START & ~(exception << 7);

  it.each([
    ['add of infinities', 'f64.sub', [Infinity, Infinity], IE],
    ['zero times infinity', 'f64.mul', [0, Infinity], IE],
    ['zero by zero', 'f64.div', [0, 0], IE],
    ['one by zero', 'f64.div', [1, 0], ZE],
    ['one by three', 'f64.div', [1, 3], PE],
    ['overflow', 'f64.mul', [1e300, 1e300], OE | PE],
    ['underflow', 'f64.mul', [1e-300, 1e-300], UE | PE],
    ['root of minus one', 'f64.sqrt', [-1], IE],
  ] as const)('%s', (_name, helper, values, flags) => {
    expect(run(helper, ...values.map(bits), MXCSR_START).flags).toBe(flags);
  });

  it('take a denormal operand for zero with DAZ, else say so', () => {
    expect(run('f64.add', least, 0, MXCSR_START)).toEqual({ bits: least, flags: DE });
    expect(run('f64.add', least, 0, MXCSR_START | DAZ)).toEqual({ bits: 0n, flags: 0 });
  });

  it('a denormal operand is not told of beside an invalid operation or a division by zero', () => {
    const [inf, minusInf] = [bits(Infinity), bits(-Infinity)];
    expect(run('f64.fmadd', least, inf, minusInf, MXCSR_START).flags).toBe(IE);
    expect(run('f64.fmadd', least, inf, inf, MXCSR_START).flags).toBe(DE);
    expect(run('f64.sqrt', least | bits(-0), MXCSR_START).flags).toBe(IE);
    expect(run('f64.div', least, 0, MXCSR_START).flags).toBe(ZE);
    expect(run('f64.div', least, inf, MXCSR_START).flags).toBe(DE);
  });

  it('an exact tiny result is an underflow only where that is unmasked, or flushed', () => {
    const half = bits(0.5);
    expect(run('f64.mul', leastNormal, half, MXCSR_START)).toEqual({ bits: leastNormal >> 1n, flags: 0 });
    expect(run('f64.mul', leastNormal, half, unmasked(UE)).flags).toBe(UE);
    expect(run('f64.mul', leastNormal, half, MXCSR_START | FTZ)).toEqual({ bits: 0n, flags: UE | PE });
    expect(run('f64.mul', leastNormal, half, unmasked(UE) | FTZ).flags).toBe(UE);
  });

  it('a result that rounds up to the least normal number is tiny unless it would with any exponent, too', () => {
    // 1 - 2^-53 has 53 bits: with any exponent it would be exact, and tiny.
    expect(run('f64.mul', leastNormal, bits(1 - 2 ** -53), MXCSR_START)).toEqual({ bits: leastNormal, flags: UE | PE });
    // (1 + 2^-27) * (1 - 2^-27) = 1 - 2^-54 has 54 and would be rounded to one.
    expect(run('f64.mul', bits((1 + 2 ** -27) * 2 ** -1022), bits(1 - 2 ** -27), MXCSR_START)).toEqual({ bits: leastNormal, flags: PE });
  });
});
