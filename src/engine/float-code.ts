import { helperNumber } from '../isa/helpers/index.ts';
import { MASKS_AT, PE, ROUNDING_AT } from '../isa/helpers/mxcsr.ts';
import { scalarFormula } from './float-scalars.ts';
import { floatFormula, type Keep, quickFormula } from './float-vectors.ts';
import { type Graph, Locals, type Node } from './graph.ts';
import { FLOAT_AT, HELPER_AT } from './layout.ts';
import { QuickFunctions } from './quick-code.ts';
import {
  brIf,
  type Code,
  call,
  get,
  I32,
  I64,
  i32,
  i32x4,
  i64,
  i64x2,
  iff,
  loop,
  select,
  set,
  V128,
  type ValueType,
  v128,
} from './wasm/code.ts';
import type { ModuleBuilder } from './wasm/module.ts';
import { X87_FORMULAS } from './x87-code.ts';

/**
 * Floating-point operations as code: a formula of WebAssembly where it is known to give the same and to raise nothing that is not masked and set already, else
 * the helper, element by element.
 */

/** Rounding is to nearest and precision exceptions are masked. */
const plainControl = (mxcsr: Code): Code =>
  i64.eq(i64.and(mxcsr, i64.const((3 << ROUNDING_AT) | (PE << MASKS_AT))), i64.const(PE << MASKS_AT));
/** Some result was inexact before: another one changes nothing. */
const isSticky = (mxcsr: Code): Code => i64.ne(i64.and(mxcsr, i64.const(PE)), i64.const(0));

/** Sets local `slow` to whether the helper is needed, by what a formula says. */
function decide(slow: number, mxcsr: Code, fits: Code, exact: Code | undefined): Code {
  if (exact === undefined) return set(slow, i32.eqz(fits));
  return [
    set(slow, i32.eqz(i32.and(plainControl(mxcsr), fits))),
    iff(i32.eqz(i32.or(get(slow), isSticky(mxcsr))), set(slow, i32.eqz(exact))),
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
export function floatElement(
  g: Graph,
  functions: FloatFunctions,
  name: string,
  operands: readonly Node[],
  mxcsr: Node,
): { value: Node; flags: Node } {
  const scalar = scalarFormula(name);
  const [format, operation, target] = name.split('.') as [string, string, string | undefined];
  const size = format === 'f64' ? 64 : 32;
  if (scalar === undefined && target === undefined && floatFormula(size, [operation, operation]) !== undefined) {
    const single = operands.map((o) => [o]);
    const { quads, flags } = floatVectors(g, functions, { size, operations: [operation, operation], single: true }, single, mxcsr);
    return { value: quads[0]!, flags };
  }
  const [value, flags] = [g.locals.take(I64), g.locals.take(I64)];
  temporarily(g, [mxcsr, ...operands], (control = [], ...codes) => {
    const kept = operands.map(() => g.locals.take(I64));
    const slow = g.locals.take(I32);
    const parameters = kept.map(get);
    const byHelper = [callHelper(functions.helper, name, [...parameters, control], flags), set(value, i64.load(i32.const(HELPER_AT)))];
    const start = [kept.map((local, n) => set(local, codes[n]!)), set(flags, i64.const(0))];
    if (scalar === undefined) return [start, byHelper];
    const statements: Code[] = [];
    const keep = (bits: Code): Code => {
      const local = g.locals.take(I64);
      statements.push(set(local, bits));
      return get(local);
    };
    const { value: own, fits, exact } = scalar(keep, parameters[0]!, parameters[1] ?? [], parameters[2] ?? []);
    return [start, statements, decide(slow, control, fits, exact), iff(get(slow), byHelper, set(value, own))];
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
  functions: FloatFunctions,
  operation: VectorOperation,
  operands: readonly (readonly Node[])[],
  mxcsr: Node,
): { quads: Node[]; flags: Node } {
  const { size, single } = operation;
  const flags = g.locals.take(I64);
  const ready = g.locals.take(I32);
  // Minima and maxima are never rounded.
  const rounds = !/^m(in|ax)$/.test(operation.operations[0]);
  g.effect([mxcsr], (_depth, control) => [
    set(flags, i64.const(0)),
    set(ready, rounds ? i32.and(plainControl(control!), isSticky(control!)) : i32.const(1)),
  ]);
  const quads: Node[] = [];
  for (let q = 0; q < operands[0]!.length; q += 2) {
    const parts = operands.map((quadwords) => quadwords.slice(q, q + 2));
    const result = block(g, functions, operation, parts, mxcsr, [flags, ready]);
    if (parts[0]!.length === 2) quads.push(...g.halves(result));
    else if (single && size === 32) quads.push(g.node([], () => i64.extend(i32x4.extract(get(result), 0)), { pinned: true }));
    else quads.push(g.halves(result)[0]);
  }
  return { quads, flags: g.node([], () => get(flags), { pinned: true }) };
}

/** 128 bits: gives the local of the result. `ready` is a local: whether rounding is to nearest and inexact results are nothing new. */
function block(
  g: Graph,
  functions: FloatFunctions,
  operation: VectorOperation,
  operands: readonly (readonly Node[])[],
  mxcsr: Node,
  [flags, ready]: readonly [number, number],
): number {
  const { size, operations, single } = operation;
  const result = g.locals.take(V128);
  const splat = (code: Code): Code => (size === 32 && single ? i32x4.splat(i32.wrap(code)) : i64x2.splat(code));
  const each = operands[0]!.length;
  const given = operands.map(([low, high]) =>
    high !== undefined ? g.pair(low!, high) : size === 64 ? g.twice(low!) : g.node([low!], splat, { type: V128 }),
  );
  temporarily(g, [mxcsr, ...given], (control = [], ...codes) => {
    const vectors = operands.map(() => g.locals.take(V128));
    const start = vectors.map((local, n) => set(local, codes[n]!));
    const elements = single ? 1 : (each * 64) / size;
    const wholly: Code = [
      set(result, functions.wholly(operation, elements, vectors.map(get), control)),
      set(flags, i64.or(get(flags), i64.load(i32.const(FLOAT_AT), FLAGS))),
    ];
    const formula = quickFormula(size, operations);
    if (formula === undefined) return [start, wholly];
    const { statements, keep } = keeper(g.locals);
    const made = formula(keep, vectors.map(get), single);
    return [start, statements, set(result, made.value), iff(i32.eqz(i32.and(get(ready), allTrue(size, made.fits))), wholly)];
  });
  return result;
}

const allTrue = (size: 32 | 64, mask: Code): Code => (size === 64 ? i64x2.allTrue : i32x4.allTrue)(mask);

/** Statements that set locals to vectors. */
function keeper(locals: Locals): { statements: Code[]; keep: Keep } {
  const statements: Code[] = [];
  const keep = (vector: Code): Code => {
    const local = locals.take(V128);
    statements.push(set(local, vector));
    return get(local);
  };
  return { statements, keep };
}

/** Offsets from `FLOAT_AT`: operands of 16 bytes, the result, the exceptions. */
const [RESULT, FLAGS] = [48, 64];

/**
 * Functions of one module for what is not done in place: whether a formula is exact, or the helper for each element. One for each operation that the module
 * has, made when it is asked for.
 */
export class FloatFunctions {
  readonly #m: ModuleBuilder;
  readonly #helper: number;
  readonly #known = new Map<string, number>();
  /** All other helpers. */
  readonly quick: QuickFunctions;

  constructor(m: ModuleBuilder, helper: number) {
    this.#m = m;
    this.#helper = helper;
    this.quick = new QuickFunctions(m, helper, X87_FORMULAS);
  }

  /** The function that runs a helper on what is at `HELPER_AT`. */
  get helper(): number {
    return this.#helper;
  }

  /** The result of an operation on the first elements of vectors; the exceptions that it raised are at `FLOAT_AT`. */
  wholly(operation: VectorOperation, elements: number, vectors: readonly Code[], mxcsr: Code): Code {
    const name = [operation.size, ...operation.operations, operation.single, elements, vectors.length].join();
    let fn = this.#known.get(name);
    if (fn === undefined) {
      const params = [...vectors.map((): ValueType => V128), I64 as ValueType];
      fn = this.#m.declare({ params, results: [V128] });
      this.#known.set(name, fn);
      const locals = new Locals(params.length);
      const body = this.#body(operation, elements, vectors.length, locals);
      this.#m.define(fn, locals.types, body);
    }
    return call(fn, ...vectors, mxcsr);
  }

  #body({ size, operations, single }: VectorOperation, elements: number, count: number, locals: Locals): Code {
    const vectors = Array.from({ length: count }, (_, n) => get(n));
    const mxcsr = get(count);
    const [slow, at, end] = [locals.take(I32), locals.take(I32), locals.take(I32)];
    const bytes = size / 8;
    const element = (offset: number): Code => (size === 64 ? i64.load : i64.load32)(get(at), FLOAT_AT + offset);
    const [even, odd] = operations.map((name) => i32.const(helperNumber(`f${size}.${name}`))) as [Code, Code];
    // Element by element, in memory.
    const byHelper: Code = [
      vectors.map((vector, n) => v128.store(i32.const(FLOAT_AT), vector, 16 * n)),
      set(at, i32.const(0)),
      set(end, i32.const(elements * bytes)),
      loop([
        vectors.map((_, n) => i64.store(i32.const(HELPER_AT), element(16 * n), 8 * n)),
        i64.store(i32.const(HELPER_AT), mxcsr, 8 * count),
        call(this.#helper, operations[0] === operations[1] ? even : select(odd, even, i32.and(get(at), i32.const(bytes)))),
        (size === 64 ? i64.store : i64.store32)(get(at), i64.load(i32.const(HELPER_AT)), FLOAT_AT + RESULT),
        i64.store(i32.const(FLOAT_AT), i64.or(i64.load(i32.const(FLOAT_AT), FLAGS), i64.load(i32.const(HELPER_AT), 8)), FLAGS),
        set(at, i32.add(get(at), i32.const(bytes))),
        brIf(0, i32.ltU(get(at), get(end))),
      ]),
      v128.load(i32.const(FLOAT_AT), RESULT),
    ];
    const start = i64.store(i32.const(FLOAT_AT), i64.const(0), FLAGS);
    const formula = floatFormula(size, operations);
    if (formula === undefined) return [start, byHelper];
    const { statements, keep } = keeper(locals);
    const { value, fits, exact } = formula(keep, vectors, single);
    const more = keeper(locals);
    const isExact = exact && allTrue(size, exact(more.keep));
    return [
      start,
      statements,
      decide(slow, mxcsr, allTrue(size, fits), isExact && [more.statements, isExact]),
      iff(get(slow), byHelper, value, V128),
    ];
  }
}
