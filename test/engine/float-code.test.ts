import { describe, expect, it } from 'vitest';
import { FloatFunctions, floatElement, floatVectors } from '../../src/engine/float-code.ts';
import { Graph, Locals, type Node } from '../../src/engine/graph.ts';
import { HELPER_AT } from '../../src/engine/layout.ts';
import { get, I32, I64, i32, i64 } from '../../src/engine/wasm/code.ts';
import { ModuleBuilder } from '../../src/engine/wasm/module.ts';
import { HELPERS, helperNumber } from '../../src/isa/helpers/index.ts';
import { DAZ, FTZ, MASKS_AT, MXCSR_START, PE, ROUNDING_AT } from '../../src/isa/helpers/mxcsr.ts';

/** Where the compiled function puts its results: the values, then the flags. */
const OUT = 0x800;
const PARAMETERS = 6;

/** A function of quadwords and MXCSR that does one operation, and how often it called the helper. */
class Compiled {
  readonly #longs: BigUint64Array;
  readonly #run: (...parameters: bigint[]) => void;
  calls = 0;

  constructor(make: (g: Graph, functions: FloatFunctions, parameters: Node[], mxcsr: Node) => readonly Node[]) {
    const m = new ModuleBuilder();
    m.importMemory('memory', 1, 1);
    const helper = m.importFunction('helper', { params: [I32], results: [] });
    const fn = m.declare({ params: Array(PARAMETERS + 1).fill(I64), results: [] }, 'run');
    const locals = new Locals(PARAMETERS + 1);
    const g = new Graph(locals);
    const nodes = Array.from({ length: PARAMETERS + 1 }, (_, n) => g.node([], () => get(n), { pinned: true }));
    make(g, new FloatFunctions(m, helper), nodes.slice(0, PARAMETERS), nodes[PARAMETERS]!).forEach((out, n) => {
      g.effect([out], (_depth, code) => i64.store(i32.const(OUT), code!, 8 * n));
    });
    const body = g.emit();
    m.define(fn, locals.types, body);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    this.#longs = new BigUint64Array(memory.buffer);
    const env = { memory, helper: (number: number) => this.#help(number) };
    this.#run = new WebAssembly.Instance(new WebAssembly.Module(m.bytes()), { env }).exports.run as (...parameters: bigint[]) => void;
  }

  #help(number: number): void {
    this.calls++;
    const at = HELPER_AT / 8;
    const { parameters, run } = HELPERS[number]!;
    run(...this.#longs.slice(at, at + parameters)).forEach((value, n) => {
      this.#longs[at + n] = value;
    });
  }

  run(parameters: readonly bigint[], mxcsr: number, results: number): bigint[] {
    this.#run(...Array.from({ length: PARAMETERS }, (_, n) => parameters[n] ?? 0n), BigInt(mxcsr));
    return [...this.#longs.slice(OUT / 8, OUT / 8 + results)];
  }
}

/** Pseudo-random words (xorshift64), the same in every run. */
function random(seed: bigint): () => bigint {
  let x = seed;
  return () => {
    x ^= BigInt.asUintN(64, x << 13n);
    x ^= x >> 7n;
    x ^= BigInt.asUintN(64, x << 17n);
    return x;
  };
}

const bits64 = (x: number): bigint => new BigUint64Array(Float64Array.of(x).buffer)[0]!;
const bits32 = (x: number): bigint => BigInt(new Uint32Array(Float32Array.of(x).buffer)[0]!);

/** Numbers near one, of any size, at the borders of the ranges, and the special ones. */
function operand(size: 32 | 64, word: () => bigint): bigint {
  const own = size === 64 ? bits64 : bits32;
  const [fraction, bias] = size === 64 ? [52n, 1023n] : [23n, 127n];
  const w = word();
  const value = BigInt.asUintN(size, word());
  const exponent = (e: bigint): bigint =>
    (value & ~(((1n << BigInt(size - 1 - Number(fraction))) - 1n) << fraction)) | ((bias + e) << fraction);
  switch (Number(w & 15n)) {
    case 0:
      return value;
    case 1:
      return exponent(-bias + ((w >> 4n) & 3n));
    case 2:
      return exponent(bias - ((w >> 4n) & 3n));
    case 3:
      return own(
        [0, -0, Infinity, -Infinity, NaN, 1, -1, 0.5, 3, 2 ** 31, -(2 ** 31), 2 ** 63, 2 ** 31 - 1, 2 ** -126, 1 / 3, 2 ** 24][
          Number((w >> 4n) & 15n)
        ]!,
      );
    case 4:
    case 5:
      // Few bits: results are exact, sums are zero.
      return own(Number((w >> 8n) & 63n) - 32);
    case 6:
      return exponent((w >> 4n) & 31n) & ~((1n << (fraction / 2n)) - 1n);
    default:
      return exponent(((w >> 4n) & 7n) - 4n);
  }
}

const MXCSRS = [
  MXCSR_START,
  MXCSR_START | PE,
  MXCSR_START | PE,
  MXCSR_START | PE | DAZ | FTZ,
  MXCSR_START | DAZ,
  (MXCSR_START | PE) & ~(PE << MASKS_AT),
  MXCSR_START | PE | (1 << ROUNDING_AT),
  MXCSR_START | (3 << ROUNDING_AT),
];

const byHelper = (helper: string, operands: readonly bigint[], mxcsr: number): readonly bigint[] =>
  HELPERS[helperNumber(helper)]!.run(...operands, BigInt(mxcsr));

const ARITHMETIC = ['add', 'sub', 'mul', 'div', 'sqrt', 'min', 'max', 'fmadd', 'fmsub', 'fnmadd', 'fnmsub'];
const arity = (helper: string): number => HELPERS[helperNumber(helper)]!.parameters - 1;
const hex = (values: readonly bigint[]): string => values.map((v) => v.toString(16)).join(' ');

const RUNS = 4000;

describe.each(['f32', 'f64'] as const)('%s in generated code', (format) => {
  const size = format === 'f32' ? 32 : 64;
  const conversions = format === 'f32' ? ['f32.convert.f64'] : ['f64.convert.f32'];
  const scalars = [
    ...ARITHMETIC.map((name) => `${format}.${name}`),
    ...conversions,
    ...['cmp', 'round', 'comi', 'ucomi', 'convert.i32', 'convert.i64', 'truncate.i32', 'truncate.i64'].map((name) => `${format}.${name}`),
  ];

  it.each(scalars)('%s of one element is what the helper says, mostly without it', (helper) => {
    const count = arity(helper);
    const code = new Compiled((g, fn, parameters, mxcsr) => {
      const { value, flags } = floatElement(g, fn, helper, parameters.slice(0, count), mxcsr);
      return [value, flags];
    });
    const word = random(0x9e3779b97f4a7c15n);
    let plain = 0;
    let plainCalls = 0;
    for (let n = 0; n < RUNS; n++) {
      const operands = Array.from({ length: count }, () => operand(size, word));
      // What is behind the elements is control.
      if (helper.endsWith('.cmp') || helper.endsWith('.round')) operands[count - 1] = BigInt(n >> 3) & 31n;
      // A sum that almost cancels, so that the error of the product decides.
      if (/\.fn?m/.test(helper) && n % 4 === 0)
        operands[2] = byHelper(`${format}.mul`, operands.slice(0, 2), MXCSR_START)[0]! ^ (1n << BigInt(size - 1));
      const mxcsr = MXCSRS[n % MXCSRS.length]!;
      const before = code.calls;
      const got = code.run(operands, mxcsr, 2);
      const expected = byHelper(helper, operands, mxcsr);
      // What is sticky already need not be said again.
      const same = got[0] === expected[0] && ((got[1]! ^ expected[1]!) & ~BigInt(mxcsr & PE)) === 0n;
      if (!same) expect(`${hex(operands)} ${mxcsr.toString(16)}: ${hex(got)}`).toBe(hex(expected));
      if (mxcsr === (MXCSR_START | PE) && (expected[1]! & ~BigInt(PE)) === 0n) {
        plain++;
        plainCalls += code.calls - before;
      }
    }
    expect(plain).toBeGreaterThan(RUNS / 10);
    expect(plainCalls / plain).toBeLessThan(0.35);
  });

  it.each([
    ...ARITHMETIC.map((name) => [name, name] as const),
    ['sub', 'add'] as const,
    ['fmsub', 'fmadd'] as const,
    ['fmadd', 'fmsub'] as const,
  ])('%s and %s of all elements is what the helper says of each', (even, odd) => {
    const count = arity(`${format}.${even}`);
    const code = new Compiled((g, fn, parameters, mxcsr) => {
      const operands = Array.from({ length: count }, (_, n) => parameters.slice(2 * n, 2 * n + 2));
      const { quads, flags } = floatVectors(g, fn, { size, operations: [even, odd], single: false }, operands, mxcsr);
      return [...quads, flags];
    });
    const word = random(0x2545f4914f6cdd1dn);
    const each = 128 / size;
    for (let n = 0; n < RUNS / 4; n++) {
      const elements = Array.from({ length: count }, () => Array.from({ length: each }, () => operand(size, word)));
      const mxcsr = MXCSRS[n % MXCSRS.length]!;
      const pack = (list: readonly bigint[]): bigint[] => {
        const all = list.reduce((value, x, k) => value | (x << BigInt(k * size)), 0n);
        return [BigInt.asUintN(64, all), all >> 64n];
      };
      const got = code.run(elements.flatMap(pack), mxcsr, 3);
      const results = Array.from({ length: each }, (_, k) =>
        byHelper(
          `${format}.${k % 2 === 0 ? even : odd}`,
          elements.map((list) => list[k]!),
          mxcsr,
        ),
      );
      const flags = results.reduce((all, [, f]) => all | f!, 0n);
      expect(hex(got.slice(0, 2))).toBe(hex(pack(results.map(([value]) => value!))));
      expect((got[2]! ^ flags) & ~BigInt(mxcsr & PE)).toBe(0n);
    }
    expect(code.calls).toBeLessThan((RUNS / 4) * each);
  });

  it('the least normal number is a result that the helper looks at: it may have been tiny', () => {
    const [least, own, digits] = size === 64 ? [2 ** -1022, bits64, 53] : [2 ** -126, bits32, 24];
    const code = new Compiled((g, fn, parameters, mxcsr) => {
      const { value, flags } = floatElement(g, fn, `${format}.mul`, parameters.slice(0, 2), mxcsr);
      return [value, flags];
    });
    const half = 2 ** -Math.ceil(digits / 2);
    for (const [a, b] of [
      [least, 1 - 2 ** -digits],
      [least * (1 + half), 1 - half],
      [least * 2, 0.5],
      [least * 2, 0.75],
    ] as const) {
      const expected = byHelper(`${format}.mul`, [own(a), own(b)], MXCSR_START | PE);
      expect(hex([code.run([own(a), own(b)], MXCSR_START | PE, 2)[0]!])).toBe(hex([expected[0]!]));
      expect(code.run([own(a), own(b)], MXCSR_START | PE, 2)[1]! & ~BigInt(PE)).toBe(expected[1]! & ~BigInt(PE));
    }
  });

  it.each([32, 64] as const)('integers of %i bits', (from) => {
    const helper = `i${from}.convert.${format}`;
    const code = new Compiled((g, fn, parameters, mxcsr) => {
      const { value, flags } = floatElement(g, fn, helper, parameters.slice(0, 1), mxcsr);
      return [value, flags];
    });
    const word = random(0x853c49e6748fea9bn);
    const edges = [0n, 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 53n + 1n, 2n ** 24n + 1n, 2n ** 31n, 2n ** 63n - 513n];
    for (let n = 0; n < RUNS / 4; n++) {
      const a = BigInt.asUintN(from, edges[n] ?? word() >> (word() & 63n));
      const mxcsr = MXCSRS[n % MXCSRS.length]!;
      const expected = byHelper(helper, [a], mxcsr);
      const got = code.run([a], mxcsr, 2);
      expect(`${a} ${hex([got[0]!])}`).toBe(`${a} ${hex([expected[0]!])}`);
      expect((got[1]! ^ expected[1]!) & ~BigInt(mxcsr & PE)).toBe(0n);
    }
    expect(code.calls).toBeLessThan(RUNS / 4);
  });
});
