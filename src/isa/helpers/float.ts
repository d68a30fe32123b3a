import { reciprocal, reciprocalRoot } from './float-approximate.ts';
import { add, divide, type FusedSigns, fusedMultiplyAdd, multiply, squareRoot, subtract } from './float-arithmetic.ts';
import { compare, compareToFlags, extreme } from './float-compare.ts';
import { convert, fromHalf, fromInteger, toHalf, toInteger, toWhole } from './float-convert.ts';
import { F32, F64, type FloatFormat } from './float-format.ts';
import type { Outcome } from './float-round.ts';
import type { Helper } from './helper.ts';

/**
 * The arithmetic of SSE, AVX, FMA and F16C on one element. The last parameter is MXCSR; the first result is the value, the second the exception flags that
 * it raises, in their places in MXCSR.
 */

/** Operands, then MXCSR. */
const floating = (name: string, operands: number, run: (mxcsr: number, ...operands: bigint[]) => Outcome): Helper => ({
  name,
  parameters: operands + 1,
  results: 2,
  run: (...parameters) => {
    const { bits, flags } = run(Number(parameters[operands]), ...parameters.slice(0, operands));
    return [bits, BigInt(flags)];
  },
});

type Two = (f: FloatFormat, a: bigint, b: bigint, mxcsr: number) => Outcome;

const BINARY: Readonly<Record<string, Two>> = {
  add,
  sub: subtract,
  mul: multiply,
  div: divide,
  min: (f, a, b, mxcsr) => extreme(f, 'less', a, b, mxcsr),
  max: (f, a, b, mxcsr) => extreme(f, 'greater', a, b, mxcsr),
  comi: (f, a, b, mxcsr) => compareToFlags(f, true, a, b, mxcsr),
  ucomi: (f, a, b, mxcsr) => compareToFlags(f, false, a, b, mxcsr),
};

const FUSED: Readonly<Record<string, FusedSigns>> = {
  fmadd: { product: false, addend: false },
  fmsub: { product: false, addend: true },
  fnmadd: { product: true, addend: false },
  fnmsub: { product: true, addend: true },
};

function ofFormat(f: FloatFormat, other: FloatFormat): Helper[] {
  const name = (operation: string): string => `f${f.bits}.${operation}`;
  return [
    ...Object.entries(BINARY).map(([operation, run]) => floating(name(operation), 2, (mxcsr, a, b) => run(f, a!, b!, mxcsr))),
    ...Object.entries(FUSED).map(([operation, signs]) =>
      floating(name(operation), 3, (mxcsr, a, b, c) => fusedMultiplyAdd(f, signs, a!, b!, c!, mxcsr)),
    ),
    floating(name('sqrt'), 1, (mxcsr, a) => squareRoot(f, a!, mxcsr)),
    // The immediate of the instruction comes behind the operands.
    floating(name('cmp'), 3, (mxcsr, a, b, predicate) => compare(f, Number(predicate) & 31, a!, b!, mxcsr)),
    floating(name('round'), 2, (mxcsr, a, control) => toWhole(f, Number(control), a!, mxcsr)),
    floating(name(`convert.f${other.bits}`), 1, (mxcsr, a) => convert(f, other, a!, mxcsr)),
    ...([32, 64] as const).flatMap((size) => [
      floating(name(`convert.i${size}`), 1, (mxcsr, a) => toInteger(f, size, false, a!, mxcsr)),
      floating(name(`truncate.i${size}`), 1, (mxcsr, a) => toInteger(f, size, true, a!, mxcsr)),
      floating(`i${size}.convert.f${f.bits}`, 1, (mxcsr, a) => fromInteger(f, size, a!, mxcsr)),
    ]),
  ];
}

export const FLOAT_HELPERS: readonly Helper[] = [
  ...ofFormat(F32, F64),
  ...ofFormat(F64, F32),
  floating('f16.convert.f32', 1, (mxcsr, a) => fromHalf(a!, mxcsr)),
  floating('f32.convert.f16', 2, (mxcsr, a, control) => toHalf(Number(control), a!, mxcsr)),
  { name: 'f32.reciprocal', parameters: 1, results: 1, run: (a) => [reciprocal(a!)] },
  { name: 'f32.reciprocalRoot', parameters: 1, results: 1, run: (a) => [reciprocalRoot(a!)] },
];
