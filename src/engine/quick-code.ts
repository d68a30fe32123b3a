import { HELPERS, helperNumber } from '../isa/helpers/index.ts';
import { Graph, Locals, type Node, truth } from './graph.ts';
import { HELPER_AT } from './layout.ts';
import { block, brIf, type Code, call, get, I64, i32, i64, ret } from './wasm/code.ts';
import type { ModuleBuilder } from './wasm/module.ts';
import { WasmArithmetic } from './wasm-arithmetic.ts';

/**
 * What a helper computes in frequent cases, in the words of the vocabulary: gives its results, or finds that the case is another one (`needs`), which is the
 * helper's. One formula may end in several places (`give`).
 */
export type QuickFormula = (q: QuickCode, ...parameters: Node[]) => readonly Node[];

/** The code of a formula in the making. */
export class QuickCode extends WasmArithmetic {
  constructor(locals: Locals) {
    super(new Graph(locals));
  }

  /** Leaves everything to the helper where `condition` is zero. */
  needs(condition: Node): void {
    this.g.effect([truth(this.g, condition)], (depth, code) => brIf(depth, i32.eqz(code!)));
  }

  /** These are the results: the formula ends here. Those that come last, the status word among them, are returned in registers: the next instruction needs it. */
  give(...results: readonly Node[]): void {
    this.g.effect(results, (_depth, ...codes) => ret([...codes].reverse()));
  }

  /** A value that one of WebAssembly's own instructions makes. */
  own(arguments_: readonly Node[], make: (...codes: Code[]) => Code): Node {
    return this.g.node(arguments_, make);
  }

  parameter(n: number): Node {
    return this.g.node([], () => get(n));
  }

  finish(): Code {
    return this.g.emit();
  }
}

const resultsOf = (name: string): number => HELPERS[helperNumber(name)]!.results;

/** Calls a helper: it finds its parameters and leaves its results at `HELPER_AT`. Its results are on the stack then, the first one on top. */
const callHelper = (helper: number, name: string, parameters: readonly Code[]): Code => [
  parameters.map((code, n) => i64.store(i32.const(HELPER_AT), code, 8 * n)),
  call(helper, i32.const(helperNumber(name))),
  Array.from({ length: resultsOf(name) }, (_, n) => i64.load(i32.const(HELPER_AT), 8 * n)).reverse(),
];

/** Functions of one module for helpers that have formulas: each made when it is asked for first. */
export class QuickFunctions {
  readonly #m: ModuleBuilder;
  readonly #helper: number;
  readonly #formulas: ReadonlyMap<string, QuickFormula>;
  readonly #known = new Map<string, number>();

  constructor(m: ModuleBuilder, helper: number, formulas: ReadonlyMap<string, QuickFormula>) {
    this.#m = m;
    this.#helper = helper;
    this.#formulas = formulas;
  }

  /** Code that leaves the results of a helper on the stack, the first one on top. */
  compute(name: string, parameters: readonly Code[]): Code {
    const formula = this.#formulas.get(name);
    if (formula === undefined) return callHelper(this.#helper, name, parameters);
    let fn = this.#known.get(name);
    if (fn === undefined) {
      fn = this.#m.declare({ params: parameters.map(() => I64), results: Array(resultsOf(name)).fill(I64) });
      this.#known.set(name, fn);
      this.#define(fn, name, formula, parameters.length);
    }
    return call(fn, ...parameters);
  }

  #define(fn: number, name: string, formula: QuickFormula, count: number): void {
    const locals = new Locals(count);
    const q = new QuickCode(locals);
    const parameters = Array.from({ length: count }, (_, n) => q.parameter(n));
    q.give(...formula(q, ...parameters));
    const body = block(q.finish());
    const slow = callHelper(
      this.#helper,
      name,
      parameters.map((_, n) => get(n)),
    );
    this.#m.define(fn, locals.types, [body, slow]);
  }
}
