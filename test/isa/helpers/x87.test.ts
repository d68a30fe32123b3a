import { describe, expect, it } from 'vitest';
import { HELPERS, helperNumber } from '../../../src/isa/helpers/index.ts';
import { constant } from '../../../src/isa/helpers/x87-constants.ts';
import { C0, C1, C2, C3, DE, ES, IE, OE, PE, STACK, UE, ZE } from '../../../src/isa/helpers/x87-word.ts';

const call = (name: string, ...parameters: readonly (bigint | number)[]): bigint[] => [
  ...HELPERS[helperNumber(`x87.${name}`)]!.run(...parameters.map(BigInt)),
];

/** All exceptions masked; precision 24, 53 and 64 bits; rounding to nearest. */
const [SINGLE, DOUBLE, EXTENDED] = [0x07f, 0x27f, 0x37f] as const;
const EMPTY = 0x10000n;

const view = new DataView(new ArrayBuffer(8));
const bitsOf = (x: number): bigint => {
  view.setFloat64(0, x);
  return view.getBigUint64(0);
};
const numberOf = (bits: bigint): number => {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
};
type Value = readonly [bigint, bigint];
/** A host number as a register holds it. */
const register = (x: number): Value =>
  call('fromDouble', bitsOf(x)).map((part, n) => (n === 0 ? part : part & 0xffffn)) as unknown as Value;
/** And back, rounded to nearest. */
const toNumber = ([low, high]: readonly bigint[]): number => numberOf(call('toDouble', EXTENDED, 0, low!, high!)[0]!);

/** Pseudo-random numbers (xorshift64) of magnitudes near 1, the same in every run. */
function* numbers(seed: bigint): Generator<number, never> {
  let x = seed;
  for (;;) {
    x ^= BigInt.asUintN(64, x << 13n);
    x ^= x >> 7n;
    x ^= BigInt.asUintN(64, x << 17n);
    yield numberOf((x & ~(0x7ffn << 52n)) | ((1023n + (x >> 60n) - 8n) << 52n));
  }
}

function draws(count: number, seed: bigint): number[] {
  const source = numbers(seed);
  return Array.from({ length: count }, () => source.next().value);
}

describe('arithmetic', () => {
  const operations = {
    add: (a: number, b: number) => a + b,
    sub: (a: number, b: number) => a - b,
    subr: (a: number, b: number) => b - a,
    mul: (a: number, b: number) => a * b,
    div: (a: number, b: number) => a / b,
    divr: (a: number, b: number) => b / a,
  };

  it.each(Object.entries(operations))(
    '%s with 53 bits is what the host does, with 24 bits what it does in single precision',
    (name, host) => {
      const [as, bs] = [draws(300, 77n), draws(300, 991n)];
      for (const [n, a] of as.entries()) {
        const b = bs[n]!;
        expect(toNumber(call(name, DOUBLE, 0, ...register(a), ...register(b)))).toBe(host(a, b));
        const [x, y] = [Math.fround(a), Math.fround(b)];
        // Twice the precision and two bits are enough to round twice.
        expect(toNumber(call(name, SINGLE, 0, ...register(x), ...register(y)))).toBe(Math.fround(host(x, y)));
      }
    },
  );

  it('square roots with 53 bits are the host’s', () => {
    for (const x of draws(300, 5n).map(Math.abs)) expect(toNumber(call('sqrt', DOUBLE, 0, ...register(x)))).toBe(Math.sqrt(x));
  });

  it('rounds in four directions, and C1 tells when up', () => {
    const third = (rounding: number, a: number) => {
      const [low, , status] = call('div', EXTENDED | (rounding << 10), 0, ...register(a), ...register(3));
      return [low! & 0xfn, Number(status!)];
    };
    expect([0, 1, 2, 3].map((mode) => third(mode, 1))).toEqual([
      [0xbn, PE | C1],
      [0xan, PE],
      [0xbn, PE | C1],
      [0xan, PE],
    ]);
    expect([0, 1, 2, 3].map((mode) => third(mode, -1))).toEqual([
      [0xbn, PE | C1],
      [0xbn, PE | C1],
      [0xan, PE],
      [0xan, PE],
    ]);
  });

  const largest: Value = [0xffffffffffffffffn, 0x7ffen];
  const smallest: Value = [1n << 63n, 1n];
  it('masked overflow gives an infinity or the largest number, masked underflow a denormal one', () => {
    expect(call('add', EXTENDED, 0, ...largest, ...largest)).toEqual([1n << 63n, 0x7fffn, BigInt(OE | PE | C1), 1n]);
    expect(call('add', EXTENDED | 0xc00, 0, ...largest, ...largest)).toEqual([...largest, BigInt(OE | PE), 1n]);
    expect(call('mul', EXTENDED, 0, ...smallest, ...register(0.5))).toEqual([1n << 62n, 0n, 0n, 1n]);
    expect(call('mul', EXTENDED, 0, smallest[0] | 1n, 1, ...register(0.5))).toEqual([1n << 62n, 0n, BigInt(UE | PE), 1n]);
  });

  it('unmasked overflow and underflow give a register the result with an exponent that fits', () => {
    const pending = (flags: number): bigint => BigInt(flags | ES | 0x8000);
    expect(call('add', EXTENDED & ~OE, 0, ...largest, ...largest)).toEqual([largest[0], 0x7fffn - 24576n, pending(OE), 1n]);
    expect(call('mul', EXTENDED & ~UE, 0, ...smallest, ...register(0.5))).toEqual([1n << 63n, 24576n, pending(UE), 1n]);
    // Memory gets nothing.
    expect(call('toDouble', EXTENDED & ~OE, 0, ...largest)[3]).toBe(0n);
  });

  it('unmasked exceptions of operands leave everything as it is', () => {
    for (const [name, flag, a, b] of [
      ['div', ZE, 1, 0],
      ['div', IE, 0, 0],
      ['add', DE, 1, 5e-324],
    ] as const) {
      const operand = call('fromDouble', bitsOf(b));
      const [, , status, has] = call(name, EXTENDED & ~flag, 0, ...register(a), ...operand);
      expect([name, status, has]).toEqual([name, BigInt(flag | ES | 0x8000), 0n]);
    }
  });

  it('an empty register is a stack fault, a NaN that signals an invalid operation, of two quiet ones the larger goes on', () => {
    const [one, empty]: Value[] = [register(1), [0n, EMPTY]];
    expect(call('add', EXTENDED, 0, ...one!, ...empty!)).toEqual([3n << 62n, 0xffffn, BigInt(STACK), 1n]);
    const [quiet, larger, signalling]: Value[] = [
      [(3n << 62n) | 1n, 0x7fffn],
      [(3n << 62n) | 2n, 0xffffn],
      [(2n << 62n) | 3n, 0x7fffn],
    ];
    expect(call('mul', EXTENDED, 0, ...quiet!, ...larger!)).toEqual([...larger!, 0n, 1n]);
    expect(call('mul', EXTENDED, 0, ...quiet!, ...signalling!)).toEqual([...quiet!, BigInt(IE), 1n]);
    expect(call('mul', EXTENDED, 0, ...one!, ...signalling!)).toEqual([(3n << 62n) | 3n, 0x7fffn, BigInt(IE), 1n]);
  });
});

describe('transcendental functions', () => {
  const near = (got: readonly bigint[], expected: number): void => {
    const x = toNumber(got);
    expect(Math.abs(x - expected)).toBeLessThanOrEqual(Math.abs(expected) * 4e-16);
  };

  it('agree with the host as far as it goes', () => {
    for (const x of draws(60, 3n)) {
      near(call('sin', EXTENDED, 0, ...register(x)), Math.sin(x));
      near(call('cos', EXTENDED, 0, ...register(x)), Math.cos(x));
      near(call('tan', EXTENDED, 0, ...register(x), 0), Math.tan(x));
      near(call('patan', EXTENDED, 0, ...register(x), ...register(1.25)), Math.atan2(x, 1.25));
      near(call('patan', EXTENDED, 0, ...register(x), ...register(-0.3)), Math.atan2(x, -0.3));
      near(call('yl2x', EXTENDED, 0, ...register(3), ...register(Math.abs(x))), 3 * Math.log2(Math.abs(x)));
      const small = x / 1024;
      near(call('yl2xp1', EXTENDED, 0, ...register(3), ...register(small)), (3 * Math.log1p(small)) / Math.LN2);
      near(call('2xm1', EXTENDED, 0, ...register(small)), Math.expm1(small * Math.LN2));
    }
  });

  it('reduce angles by pi with 66 bits: the nearest number to pi has the sine of what that pi lacks', () => {
    const [low, high] = constant('pi', EXTENDED);
    expect([low, high]).toEqual([0xc90fdaa22168c235n, 0x4000n]);
    // pi with 66 bits ends in 234c; as a register holds it, in 235.
    const sine = call('sin', EXTENDED, 0, low, high);
    expect(sine.slice(0, 2)).toEqual([1n << 63n, 0x8000n + 16383n - 64n]);
  });

  it('are out of range from 2^63 on: C2, and the operand stays', () => {
    const huge: Value = [1n << 63n, 16383n + 63n];
    expect(call('sin', EXTENDED, 0, ...huge)).toEqual([...huge, BigInt(C2), 1n]);
    expect(call('tan', EXTENDED, 0, ...huge, 0).slice(4)).toEqual([BigInt(C2), 1n, 0n]);
  });

  it('constants round as the control word says', () => {
    const lg2 = [0, 1, 2, 3].map((mode) => constant('lg2', EXTENDED | (mode << 10))[0] & 0xffn);
    expect(lg2).toEqual([0x99n, 0x98n, 0x99n, 0x98n]);
    expect(toNumber(constant('l2t', EXTENDED))).toBe(Math.log2(10));
    expect(toNumber(constant('l2e', EXTENDED))).toBe(Math.LOG2E);
    expect(toNumber(constant('ln2', EXTENDED))).toBe(Math.LN2);
  });
});

describe('remainders', () => {
  it('FPREM is the host’s remainder, with the quotient’s lowest bits in C0, C3 and C1', () => {
    for (const [n, a] of draws(200, 11n).entries()) {
      const b = draws(1, BigInt(n + 1))[0]!;
      const result = call('prem', EXTENDED, 0, ...register(a), ...register(b));
      expect(toNumber(result)).toBe(a % b);
      const quotient = Math.floor(Math.abs(a) / Math.abs(b)) % 8;
      const codes = ((quotient & 4) === 0 ? 0 : C0) | ((quotient & 2) === 0 ? 0 : C3) | ((quotient & 1) === 0 ? 0 : C1);
      if (Math.abs(a / b) < 1e6) expect(Number(result[2]) & (C0 | C1 | C2 | C3)).toBe(codes);
    }
  });

  it('FPREM1 rounds the quotient to the nearest, and to the even one in the middle', () => {
    const nearest = (a: number, b: number): number => toNumber(call('prem1', EXTENDED, 0, ...register(a), ...register(b)));
    expect([nearest(7, 4), nearest(5, 4), nearest(6, 4), nearest(2, 4), nearest(-7, 4)]).toEqual([-1, 1, -2, 2, 1]);
  });

  it('does what is left of a long division until C2 is clear, exactly', () => {
    let x = register(1e300);
    let rounds = 0;
    for (let status = BigInt(C2); (status & BigInt(C2)) !== 0n; rounds++) {
      const [low, high, after] = call('prem', EXTENDED, 0, ...x, ...register(7));
      [x, status] = [[low!, high!], after!];
    }
    expect(rounds).toBeGreaterThan(10);
    expect(toNumber(x)).toBe(1e300 % 7);
  });
});

describe('conversions', () => {
  it('integers there and back, and the indefinite one for what does not fit', () => {
    for (const value of [0n, 1n, -1n, 0x7fffffffffffffffn, -0x8000000000000000n]) {
      const [low, high] = call('fromInteger', BigInt.asUintN(64, value));
      expect(BigInt.asIntN(64, call('toInteger', EXTENDED, 0, low!, high!, 64, 0)[0]!)).toBe(value);
    }
    expect(call('toInteger', EXTENDED, 0, ...register(32768), 16, 0)).toEqual([0x8000n, 0n, BigInt(IE), 1n]);
    expect(call('toInteger', EXTENDED, 0, ...register(-2.5), 16, 0)[0]).toBe(0xfffen);
    expect(call('toInteger', EXTENDED, 0, ...register(-2.75), 16, 1)[0]).toBe(0xfffen);
  });

  it('packed decimals there and back', () => {
    const [low, high] = call('fromDecimal', 0x7890123456789012n, 0x8012n);
    expect(call('toDecimal', EXTENDED, 0, low!, high!)).toEqual([0x7890123456789012n, 0x8012n, 0n, 1n]);
    expect(call('toDecimal', EXTENDED, 0, ...register(1e18))).toEqual([0xc000000000000000n, 0xffffn, BigInt(IE), 1n]);
  });

  it('a scaled number beyond all bounds is out of them even when that is not masked', () => {
    const scale = (control: number, by: number) => call('scale', control, 0, ...register(1.5), ...register(by)).slice(0, 2);
    expect(scale(EXTENDED, 3)).toEqual([3n << 62n, 16383n + 3n]);
    expect(scale(EXTENDED & ~OE, 20000)).toEqual([3n << 62n, 16383n + 20000n - 24576n]);
    expect(scale(EXTENDED & ~OE, 60000)).toEqual([1n << 63n, 0x7fffn]);
    expect(scale(EXTENDED & ~UE, -1e9)).toEqual([0n, 0n]);
  });
});
