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
    const out = environment.byElement(shape, sources(p, i, shape), (n, x, y) =>
      environment.compute(`f${shape.size}.${n % 2 === 0 ? 'sub' : 'add'}`, x, y),
    );
    environment.finish(() => putValues(p, i, shape, out));
  };

/** HADDPS and HSUBPS: neighbours added or subtracted, those of `a` below those of `b`, in each 128 bits. */
export const horizontal =
  (name: string) =>
  (shape: Shape): Semantics =>
  (p, i) => {
    const environment = new Environment(p);
    const [a, b] = sources(p, i, shape).map((quads) => lanes(p, quads, shape.size));
    const each = 128 / shape.size;
    const out = a!.map((_, n) => {
      const from = n % each < each / 2 ? a! : b!;
      const first = n - (n % each) + 2 * (n % (each / 2));
      return environment.compute(`f${shape.size}.${name}`, from[first]!, from[first + 1]!);
    });
    environment.finish(() => putValues(p, i, shape, packLanes(p, out, shape.size)));
  };

/**
 * DPPS and DPPD: the sum of the products that the upper half of the immediate selects, in the elements that the lower half selects, in each 128 bits. Products
 * that are not selected are those of zeros, which raise nothing.
 */
export const dotProduct =
  (shape: Shape): Semantics =>
  (p, i) => {
    const environment = new Environment(p);
    const [a, b] = sources(p, i, shape).map((quads) => lanes(p, quads, shape.size));
    const control = immediate(p, i);
    const each = 128 / shape.size;
    const whereSet = (bit: number): ReturnType<typeof p.constant> =>
      p.sub(p.constant(0), p.and(p.shr(control, p.constant(bit)), p.constant(1)));
    const products = a!.map((x, n) =>
      environment.compute(`f${shape.size}.mul`, p.and(x, whereSet(4 + (n % each))), p.and(b![n]!, whereSet(4 + (n % each)))),
    );
    const add = (x: ReturnType<typeof p.constant>, y: ReturnType<typeof p.constant>): ReturnType<typeof p.constant> =>
      environment.compute(`f${shape.size}.add`, x, y);
    const sums = Array.from({ length: a!.length / each }, (_, block) => {
      const [x, y, z, w] = products.slice(block * each, (block + 1) * each);
      return z === undefined ? add(x!, y!) : add(add(x!, y!), add(z, w!));
    });
    const out = a!.map((_, n) => p.and(sums[Math.floor(n / each)]!, whereSet(n % each)));
    environment.finish(() => putValues(p, i, shape, packLanes(p, out, shape.size)));
  };
