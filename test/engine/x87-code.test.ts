import { describe, expect, it } from 'vitest';
import { QuickFunctions } from '../../src/engine/quick-code.ts';
import { get, I32, I64 } from '../../src/engine/wasm/code.ts';
import { ModuleBuilder } from '../../src/engine/wasm/module.ts';
import { X87_FORMULAS } from '../../src/engine/x87-code.ts';
import { HELPERS, helperNumber } from '../../src/isa/helpers/index.ts';
import { CONVERTED, EMPTY, INTEGER_BIT, WAS_DENORMAL } from '../../src/isa/helpers/x87-number.ts';

const NAMES = [...X87_FORMULAS.keys()];
const helperOf = (name: string) => HELPERS[helperNumber(name)]!;

/** All functions, exported by their names; what they leave to the helper is counted and not done. */
function compiled(): (name: string, parameters: readonly bigint[]) => bigint[] | undefined {
  const m = new ModuleBuilder();
  m.importMemory('memory', 1, 1);
  const helper = m.importFunction('helper', { params: [I32], results: [] });
  const functions = new QuickFunctions(m, helper, X87_FORMULAS);
  for (const name of NAMES) {
    const count = helperOf(name).parameters;
    const fn = m.declare({ params: Array(count).fill(I64), results: Array(helperOf(name).results).fill(I64) }, name);
    const parameters = Array.from({ length: count }, (_, n) => get(n));
    m.define(fn, [], functions.compute(name, parameters));
  }
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  let left = false;
  const env = {
    memory,
    helper: () => {
      left = true;
    },
  };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(m.bytes()), { env });
  return (name, parameters) => {
    left = false;
    const results = (exports[name] as (...all: readonly bigint[]) => bigint | bigint[])(...parameters);
    return left
      ? undefined
      : [results]
          .flat()
          .map((value) => BigInt.asUintN(64, value))
          .reverse();
  };
}

const run = compiled();

/** Pseudo-random words (xorshift64*, the lower half mixed with the upper one), the same in every run. */
function random(seed: bigint): () => bigint {
  let x = seed;
  return () => {
    x ^= BigInt.asUintN(64, x << 13n);
    x ^= x >> 7n;
    x ^= BigInt.asUintN(64, x << 17n);
    const value = BigInt.asUintN(64, x * 0x2545f4914f6cdd1dn);
    return value ^ (value >> 32n);
  };
}

type Word = () => bigint;
const one = (word: Word, ...choices: readonly (() => bigint)[]): bigint => choices[Number(word() % BigInt(choices.length))]!();
const ALL = (1n << 64n) - 1n;

/** 64 bits with runs of ones and zeros that carry far, few bits, or ties of 24, 53 and 64 bits. */
function significand(word: Word): bigint {
  const places = word() & 63n;
  const value = word();
  const tie = (bits: bigint) => (((value >> (64n - bits)) << 1n) | 1n) << (63n - bits);
  return one(
    word,
    () => value,
    () => value,
    () => INTEGER_BIT,
    () => ALL,
    () => value | (ALL >> places),
    () => value & ~(ALL >> places),
    () => (ALL << places) & ALL,
    () => INTEGER_BIT | (1n << places),
    () => tie(24n),
    () => tie(53n),
    () => tie(24n) + 1n - ((value & 1n) << 1n),
    () => tie(53n) + 1n - ((value & 1n) << 1n),
  );
}

/** A register: mostly a number near one, else one of any size, at the border of a format, or none. */
function register(word: Word): [bigint, bigint] {
  const near = (exponent: bigint): bigint => 16383n + exponent + (word() & 3n) - 2n;
  const sign = word() & 0x8000n;
  const usual = significand(word) | INTEGER_BIT;
  const kind = word() & 15n;
  if (kind === 0n) return [0n, sign];
  if (kind === 1n)
    return [
      one(
        word,
        () => word(),
        () => INTEGER_BIT,
        () => 0n,
        () => INTEGER_BIT | word(),
      ),
      sign | 0x7fffn,
    ];
  if (kind === 2n) return [significand(word), sign | (word() & 3n)];
  if (kind === 3n) return [word() >> 1n, sign | (word() & 0x7fffn)];
  if (kind === 4n) return [usual, sign | (word() & 0x7fffn)];
  if (kind === 5n) return [usual, sign | (0x7ffen - (word() & 1n))];
  if (kind === 6n)
    return [
      usual,
      sign |
        one(
          word,
          () => near(-126n),
          () => near(127n),
          () => near(-1022n),
          () => near(1023n),
        ),
    ];
  if (kind === 7n)
    return [
      usual,
      sign |
        one(
          word,
          () => near(15n),
          () => near(31n),
          () => near(63n),
          () => near(-1n),
        ),
    ];
  if (kind === 8n) return [usual, sign | EMPTY | near(0n)];
  return [usual, sign | (16383n + (word() & 127n) * (word() & 1n))];
}

/** An operand that may come from memory, or be near the one in front: sums cancel, comparisons find it equal. */
function operand(word: Word, [low, high]: readonly [bigint, bigint]): [bigint, bigint] {
  const kind = word() & 7n;
  if (kind === 0n) return [BigInt.asUintN(64, low + (word() & 3n) - 1n), high ^ (word() & 0x8001n)];
  const [significant, other] = register(word);
  if (kind > 1n || (other & 0x7fffn) === 0n || (other & EMPTY) !== 0n) return [significant, other];
  return [
    significant,
    other |
      CONVERTED |
      one(
        word,
        () => 0n,
        () => WAS_DENORMAL,
      ),
  ];
}

/** Bits of a single, a double or an integer. */
function memory(word: Word, size: bigint): bigint {
  const exponents = size === 32n ? 0xffn << 23n : 0x7ffn << 52n;
  const value = BigInt.asUintN(Number(size), word());
  return one(
    word,
    () => value,
    () => value & ~exponents,
    () => value | exponents,
    () => value & ~(ALL >> (word() & 63n)),
  );
}

function parametersOf(name: string, word: Word): bigint[] {
  if (name === 'x87.fromInteger') return [BigInt.asUintN(64, BigInt.asIntN(64, significand(word)) >> (word() & 63n))];
  if (name.startsWith('x87.from')) return [memory(word, name === 'x87.fromSingle' ? 32n : 64n)];
  const status = one(
    word,
    () => word() & 0xffffn,
    () => word() & 0x4760n,
  );
  if (name === 'x87.examine') return [status, ...register(word)];
  const control =
    0x40n |
    (word() & 0xf00n) |
    one(
      word,
      () => 0x3fn,
      () => word() & 0x3fn,
    );
  const first = register(word);
  const all = [control, status, ...first];
  if (name === 'x87.toInteger')
    return [
      ...all,
      one(
        word,
        () => 16n,
        () => 32n,
        () => 64n,
      ),
      word() & 1n,
    ];
  if (name === 'x87.push')
    return [
      control,
      status,
      ...operand(word, first),
      one(
        word,
        () => 0n,
        () => 0n,
        () => word() & 1n,
      ),
    ];
  return helperOf(name).parameters === 6 ? [...all, ...operand(word, first)] : all;
}

const hex = (values: readonly bigint[]): string => values.map((v) => v.toString(16)).join(' ');
const RUNS = 4000;

describe('the x87 FPU in generated code', () => {
  it.each(NAMES)('%s gives what the helper gives, or leaves it to it', (name) => {
    const word = random(0x9e3779b97f4a7c15n);
    let own = 0;
    for (let n = 0; n < RUNS; n++) {
      const parameters = parametersOf(name, word);
      const got = run(name, parameters);
      if (got === undefined) continue;
      own++;
      const expected = helperOf(name).run(...parameters);
      if (got.some((value, k) => value !== expected[k])) expect(`${hex(parameters)}: ${hex(got)}`).toBe(hex(expected));
    }
    expect(own).toBeGreaterThan(RUNS / 4);
  });

  const roundings = [0, 1, 2, 3].flatMap((mode) => [0n, 2n, 3n].map((precision) => 0x7fn | (BigInt(mode) << 10n) | (precision << 8n)));

  it('sums of numbers at all distances: what is far behind decides ties', () => {
    const ends = [INTEGER_BIT, INTEGER_BIT + 1n, INTEGER_BIT + 2n, ALL, ALL - 1n, 3n << 62n];
    for (let distance = 0n; distance < 140n; distance += distance < 68n ? 1n : 10n)
      for (const low of ends)
        for (const other of ends)
          for (const sign of [0n, 0x8000n])
            for (const control of roundings) {
              const parameters = [control, 0n, low, 16383n, other, (16383n - distance) | sign];
              const [got, expected] = [run('x87.add', parameters)!, helperOf('x87.add').run(...parameters)];
              if (got.some((value, k) => value !== expected[k])) expect(`${hex(parameters)}: ${hex(got)}`).toBe(hex(expected));
            }
  });

  it.each([16n, 32n, 64n])('what rounds to 2^(%i - 1) is no integer', (size) => {
    for (const control of roundings)
      for (const low of [INTEGER_BIT, ALL, ALL << (64n - size), ALL << (63n - size)].map((x) => BigInt.asUintN(64, x)))
        for (const high of [0n, 0x8000n].flatMap((sign) => [size - 2n, size - 1n].map((exponent) => sign | (16383n + exponent)))) {
          const parameters = [control, 0n, low, high, size, 0n];
          const expected = helperOf('x87.toInteger').run(...parameters);
          expect(run('x87.toInteger', parameters) ?? expected, hex(parameters)).toEqual(expected);
        }
  });

  it.each(NAMES)('%s of normal numbers is not left to the helper, however they are rounded', (name) => {
    const word = random(0x2545f4914f6cdd1dn);
    const positive = (): [bigint, bigint] => [significand(word) | INTEGER_BIT, 16383n + (word() & 7n)];
    for (let n = 0; n < RUNS / 8; n++) {
      const parameters = parametersOf(name, word);
      const registers = helperOf(name).parameters === 6 && name !== 'x87.toInteger' ? 2 : 1;
      const at = name === 'x87.examine' ? 1 : 2;
      if (name.startsWith('x87.from')) parameters[0] = name === 'x87.fromSingle' ? 0x3f800000n | (word() >> 41n) : 0x3ffn << 52n;
      else for (let k = 0; k < registers; k++) parameters.splice(at + 2 * k, 2, ...positive());
      if (name === 'x87.push') parameters[4] = 0n;
      expect(run(name, parameters), `${hex(parameters)}`).toBeDefined();
    }
  });
});
