import { blocks } from '../../blocks.ts';
import type { Instruction } from '../../instruction.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import type { Semantics } from '../semantics.ts';
import { isVex } from './available.ts';
import { places, putValues, type Shape, values } from './float-elements.ts';
import { Environment } from './float-environment.ts';
import { lanes, packLanes } from './lanes.ts';
import { immediate } from './operands.ts';

/** Arithmetic element by element (SDM Vol. 2: ADDPS, SQRTPS, CMPPS, ROUNDPS, HADDPS and their like). */

/** The two sources of `op a, b` and of `vop dst, a, b`: the one behind, which may be in memory, first. */
function sources<V>(p: Vocabulary<V>, i: Instruction, shape: Shape): readonly [a: V[], b: V[]] {
  const b = values(p, i, places(i).at(-1)!, shape);
  return [values(p, i, places(i).at(-2)!, shape), b];
}

/** A helper on each pair of elements. */
export const binary =
  (name: string) =>
  (shape: Shape): Semantics =>
  (p, i) => {
    const environment = new Environment(p);
    const out = environment.each(shape, name, ...sources(p, i, shape));
    environment.finish(() => putValues(p, i, shape, out));
  };

/** `op dst, b`, with one more source for what a scalar VEX form does not compute. */
export const unary =
  (name: string) =>
  (shape: Shape): Semantics =>
  (p, i) => {
    const environment = new Environment(p);
    const out = environment.each(shape, name, values(p, i, i.operands.at(-1)!, shape));
    environment.finish(() => putValues(p, i, shape, out));
  };

/** CMPPS: the legacy encodings know eight predicates, VEX has 32. */
export const compare =
  (shape: Shape): Semantics =>
  (p, i) => {
    const environment = new Environment(p);
    const predicate = p.and(immediate(p, i), p.constant(isVex(i) ? 31 : 7));
    const out = environment.eachUnder(shape, 'cmp', predicate, ...sources(p, i, shape));
    environment.finish(() => putValues(p, i, shape, out));
  };

/** ROUNDPS. */
export const toWhole =
  (shape: Shape): Semantics =>
  (p, i) => {
    const environment = new Environment(p);
    const out = environment.eachUnder(shape, 'round', immediate(p, i), values(p, i, places(i).at(-1)!, shape));
    environment.finish(() => putValues(p, i, shape, out));
  };

/** RCPPS and RSQRTPS: of single precision only, and without exceptions. */
export const approximate =
  (helper: string) =>
  (shape: Shape): Semantics =>
  (p, i) => {
    const b = values(p, i, i.operands.at(-1)!, shape);
    const out = lanes(p, b, 32).map((x) => p.compute(helper, [x], 1)[0]!);
    putValues(p, i, shape, shape.scalar ? out : packLanes(p, out, 32));
  };

/** COMISS and UCOMISS: the relation in ZF, PF and CF. */
export const toFlags =
  (name: string) =>
  (shape: Shape): Semantics =>
  (p, i) => {
    const environment = new Environment(p);
    const [flags] = environment.each(shape, name, ...sources(p, i, shape));
    environment.finish(() => p.setArithmeticFlags(flags!));
  };

/** ADDSUBPS: the even elements are subtracted, the odd ones added. */
export const addSubtract =
  (shape: Shape): Semantics =>
  (p, i) => {
    const environment = new Environment(p);
    const out = environment.quads(shape.size, ['sub', 'add'], ...sources(p, i, shape));
    environment.finish(() => putValues(p, i, shape, out));
  };

/** The even and the odd elements of quadwords apart, as two lists of quadwords; a list of one element ends with a zero. */
function apart<V>(p: Vocabulary<V>, quads: readonly V[], size: 32 | 64): [even: V[], odd: V[]] {
  const all = lanes(p, quads, size);
  const pack = (parity: number): V[] => {
    const chosen = all.filter((_, n) => n % 2 === parity);
    if (size === 32 && chosen.length % 2 === 1) chosen.push(p.constant(0));
    return packLanes(p, chosen, size);
  };
  return [pack(0), pack(1)];
}

/** HADDPS and HSUBPS: neighbours added or subtracted, those of `a` below those of `b`, in each 128 bits. */
export const horizontal =
  (name: string) =>
  (shape: Shape): Semantics =>
  (p, i) => {
    const environment = new Environment(p);
    const [a, b] = sources(p, i, shape).map(blocks) as [ReturnType<typeof p.constant>[][], ReturnType<typeof p.constant>[][]];
    const neighbours = a.flatMap((block, n) => [...block, ...b[n]!]);
    const out = environment.quads(shape.size, [name], ...apart(p, neighbours, shape.size));
    environment.finish(() => putValues(p, i, shape, out));
  };

/**
 * DPPS and DPPD: the sum of the products that the upper half of the immediate selects, in the elements that the lower half selects, in each 128 bits. Products
 * that are not selected are those of zeros, which raise nothing.
 */
export const dotProduct =
  (shape: Shape): Semantics =>
  (p, i) => {
    const { size } = shape;
    const environment = new Environment(p);
    const [a, b] = sources(p, i, shape);
    const control = immediate(p, i);
    const each = 128 / size;
    const whereSet = (from: number): ReturnType<typeof p.constant>[] => {
      const masks = Array.from({ length: each }, (_, n) =>
        p.sub(p.constant(0), p.and(p.shr(control, p.constant(from + n)), p.constant(1))),
      );
      const block = packLanes(p, masks, size);
      return a.map((_, n) => block[n % 2]!);
    };
    const [selected, wanted] = [whereSet(4), whereSet(0)];
    const masked = [a, b].map((quads) => quads.map((x, n) => p.and(x, selected[n]!)));
    let sums = environment.quads(size, ['mul'], ...masked);
    for (let left = each; left > 1; left /= 2) sums = environment.quads(size, ['add'], ...apart(p, sums, size));
    const elements = lanes(p, sums, size);
    const out = wanted.map((mask, n) => {
      const sum = elements[n >> 1]!;
      return p.and(mask, size === 64 ? sum : p.or(sum, p.shl(sum, p.constant(32))));
    });
    environment.finish(() => putValues(p, i, shape, out));
  };
