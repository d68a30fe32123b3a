import type { Category, Semantics } from '../semantics.ts';
import { addSubtract, approximate, binary, compare, dotProduct, horizontal, toFlags, toWhole, unary } from './float-arithmetic.ts';
import { floatControl } from './float-control.ts';
import { floatConvert } from './float-convert.ts';
import { PACKED, SCALAR, SHAPES, type Shape, SINGLES } from './float-elements.ts';
import { FUSED_ORDERS, fused } from './float-fused.ts';
import { onlyVex, withVex } from './operands.ts';

/** The names of an operation in each of `shapes`. */
const named = (name: string, shapes: readonly Shape[], semantics: (shape: Shape) => Semantics): [string, Semantics][] =>
  shapes.map((shape) => [name + shape.suffix, semantics(shape)]);

const arithmetic: Category = withVex(
  Object.fromEntries([
    ...['add', 'sub', 'mul', 'div', 'min', 'max'].flatMap((name) => named(name, SHAPES, binary(name))),
    ...named('sqrt', SHAPES, unary('sqrt')),
    ...named('cmp', SHAPES, compare),
    ...named('round', SHAPES, toWhole),
    ...named('addsub', PACKED, addSubtract),
    ...named('hadd', PACKED, horizontal('add')),
    ...named('hsub', PACKED, horizontal('sub')),
    ...named('dp', PACKED, dotProduct),
    ...named('comi', SCALAR, toFlags('comi')),
    ...named('ucomi', SCALAR, toFlags('ucomi')),
    ...named('rcp', SINGLES, approximate('f32.reciprocal')),
    ...named('rsqrt', SINGLES, approximate('f32.reciprocalRoot')),
  ]),
);

const fma: Category = onlyVex(
  Object.fromEntries(
    FUSED_ORDERS.flatMap((order) => [
      ...['fmadd', 'fmsub', 'fnmadd', 'fnmsub'].flatMap((name) => named(`v${name}${order}`, SHAPES, fused(name, name, order))),
      ...named(`vfmaddsub${order}`, PACKED, fused('fmsub', 'fmadd', order)),
      ...named(`vfmsubadd${order}`, PACKED, fused('fmadd', 'fmsub', order)),
    ]),
  ),
);

/** The floating point of SSE, AVX, FMA and F16C. */
export const float: readonly Category[] = [arithmetic, floatControl, floatConvert, fma];
