import { helperNumber } from '../isa/helpers/index.ts';
import { MASKS_AT, PE, ROUNDING_AT } from '../isa/helpers/mxcsr.ts';
import { scalarFormula } from './float-scalars.ts';
import { type FloatFormula, floatFormula, type Keep } from './float-vectors.ts';
import type { Graph, Node } from './graph.ts';
import { HELPER_AT } from './layout.ts';
import { type Code, call, get, I32, I64, i32, i32x4, i64, i64x2, iff, set, V128 } from './wasm/code.ts';

/**
 * Floating-point operations as code: a formula of WebAssembly where it is known to give the same and to raise nothing that is not masked and set already, else
 * the helper, element by element.
 */

/** Rounding is to nearest and precision exceptions are masked. */
const plainControl = (mxcsr: Code): Code =>
  i64.eq(i64.and(mxcsr, i64.const((3 << ROUNDING_AT) | (PE << MASKS_AT))), i64.const(PE << MASKS_AT));
/** Some result was inexact before: another one changes nothing. */
const isSticky = (mxcsr: Code): Code => i64.ne(i64.and(mxcsr, i64.const(PE)), i64.const(0));

/** Sets local `slow` to whether the helper is needed, by what a formula says. `keep` collects the statements that `exact` needs. */
function decide(slow: number, mxcsr: Code, fits: Code, exact: ((statements: Code[]) => Code) | undefined): Code {
  if (exact === undefined) return set(slow, i32.eqz(fits));
  const statements: Code[] = [];
  const isExact = exact(statements);
  return [
    set(slow, i32.eqz(i32.and(plainControl(mxcsr), fits))),
    iff(i32.eqz(i32.or(get(slow), isSticky(mxcsr))), [statements, set(slow, i32.eqz(isExact))]),
  ];
}

/** Calls the helper with its parameters and MXCSR; adds its flags to local `flags`. Its value is at `HELPER_AT`. */
const callHelper = (helper: number, name: string, parameters: readonly Code[], flags: number): Code => [
  parameters.map((code, n) => i64.store(i32.const(HELPER_AT), code, 8 * n)),
  call(helper, i32.const(helperNumber(name))),
  set(flags, i64.or(get(flags), i64.load(i32.const(HELPER_AT), 8))),
];

/** An effect whose locals nobody needs behind it. */
const temporarily = (g: Graph, nodes: readonly Node[], emit: (...codes: Code[]) => Code): void =>
  g.effect(nodes, (_depth, ...codes) => g.locals.within(() => emit(...codes)));

/** One element of each operand. */
export function floatElement(g: Graph, helper: number, name: string, operands: readonly Node[], mxcsr: Node): { value: Node; flags: Node } {
  const scalar = scalarFormula(name);
  const [format, operation, target] = name.split('.') as [string, string, string | undefined];
  const size = format === 'f64' ? 64 : 32;
  if (scalar === undefined && target === undefined && floatFormula(size, [operation, operation]) !== undefined) {
    const single = operands.map((o) => [o]);
    const { quads, flags } = floatVectors(g, helper, { size, operations: [operation, operation], single: true }, single, mxcsr);
    return { value: quads[0]!, flags };
  }
  const [value, flags] = [g.locals.take(I64), g.locals.take(I64)];
  temporarily(g, [mxcsr, ...operands], (control = [], ...codes) => {
    const kept = operands.map(() => g.locals.take(I64));
    const slow = g.locals.take(I32);
    const parameters = kept.map(get);
    const byHelper = [callHelper(helper, name, [...parameters, control], flags), set(value, i64.load(i32.const(HELPER_AT)))];
    const start = [kept.map((local, n) => set(local, codes[n]!)), set(flags, i64.const(0))];
    if (scalar === undefined) return [start, byHelper];
    const statements: Code[] = [];
    const keep = (bits: Code): Code => {
      const local = g.locals.take(I64);
      statements.push(set(local, bits));
      return get(local);
    };
    const { value: own, fits, exact } = scalar(keep, parameters[0]!, parameters[1] ?? [], parameters[2] ?? []);
    return [start, statements, decide(slow, control, fits, exact && (() => exact)), iff(get(slow), byHelper, set(value, own))];
  });
  return { value: g.node([], () => get(value), { pinned: true }), flags: g.node([], () => get(flags), { pinned: true }) };
}

/** What is done to the elements of vectors. */
export interface VectorOperation {
  readonly size: 32 | 64;
  /** On the even and on the odd elements. */
  readonly operations: readonly [string, string];
  /** Each operand is one element. */
  readonly single: boolean;
}

/** All elements of quadwords, or single ones. */
export function floatVectors(
  g: Graph,
  helper: number,
  operation: VectorOperation,
  operands: readonly (readonly Node[])[],
  mxcsr: Node,
): { quads: Node[]; flags: Node } {
  const { size, single } = operation;
  const flags = g.locals.take(I64);
  g.effect([], () => set(flags, i64.const(0)));
  const quads: Node[] = [];
  for (let q = 0; q < operands[0]!.length; q += 2) {
    const parts = operands.map((quadwords) => quadwords.slice(q, q + 2));
    const result = block(g, helper, operation, parts, mxcsr, flags);
    parts[0]!.forEach((_, n) => {
      const code = single && size === 32 ? i64.extend(i32x4.extract(get(result), 0)) : i64x2.extract(get(result), n);
      quads.push(g.node([], () => code, { pinned: true }));
    });
  }
  return { quads, flags: g.node([], () => get(flags), { pinned: true }) };
}

/** 128 bits: gives the local of the result. */
function block(
  g: Graph,
  helper: number,
  { size, operations, single }: VectorOperation,
  operands: readonly (readonly Node[])[],
  mxcsr: Node,
  flags: number,
): number {
  const result = g.locals.take(V128);
  const splat = (code: Code): Code => (size === 32 && single ? i32x4.splat(i32.wrap(code)) : i64x2.splat(code));
  const each = operands[0]!.length;
  temporarily(g, [mxcsr, ...operands.flat()], (control = [], ...codes) => {
    const vectors = operands.map(() => g.locals.take(V128));
    const slow = g.locals.take(I32);
    const start = vectors.map((local, n) => {
      const [low, high] = codes.slice(n * each, (n + 1) * each);
      return set(local, high === undefined ? splat(low!) : i64x2.replace(splat(low!), 1, high));
    });
    const elements = single ? 1 : (each * 64) / size;
    const byHelper = Array.from({ length: elements }, (_, n) => {
      const parameters = vectors.map((v) => (size === 64 ? i64x2.extract(get(v), n) : i64.extend(i32x4.extract(get(v), n))));
      const value = i64.load(i32.const(HELPER_AT));
      return [
        callHelper(helper, `f${size}.${operations[n & 1]}`, [...parameters, control], flags),
        set(result, size === 64 ? i64x2.replace(get(result), n, value) : i32x4.replace(get(result), n, i32.wrap(value))),
      ];
    });
    const formula = floatFormula(size, operations);
    if (formula === undefined) return [start, byHelper];
    const keeper =
      (statements: Code[]): Keep =>
      (vector) => {
        const local = g.locals.take(V128);
        statements.push(set(local, vector));
        return get(local);
      };
    const statements: Code[] = [];
    const made: FloatFormula = formula(keeper(statements), vectors.map(get), single);
    const allTrue = size === 64 ? i64x2.allTrue : i32x4.allTrue;
    const { exact } = made;
    return [
      start,
      statements,
      set(result, made.value),
      decide(slow, control, allTrue(made.fits), exact && ((more) => allTrue(exact(keeper(more))))),
      iff(get(slow), byHelper),
    ];
  });
  return result;
}
