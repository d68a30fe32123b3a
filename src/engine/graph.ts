import { type Code, f64x2, get, halvesOf, I32, I64, i64, i64x2, set, V128, type ValueType, v128 } from './wasm/code.ts';

/**
 * A value in the making. Pure values that are used once are emitted where they are used; others are kept in a local where
 * they were made. Pinned ones (memory and register reads) are always emitted where they were made, because what follows
 * may change what they read; those of which there are two ways to read them (`'used'`) only where they are used.
 */
export interface Node {
  readonly make: () => Code;
  readonly type: ValueType;
  readonly pinned: boolean | 'used';
  uses: number;
  local: number | undefined;
  /** Known constant. */
  readonly constant: bigint | undefined;
  /** Bits above this many are known to be zero. */
  readonly bits: number;
  /** The same truth value as an i32, when this is a 0/1 made by a comparison. */
  readonly condition: Node | undefined;
  /** The vector that it is the low (0) or the high quadword of. */
  readonly half: { readonly vector: Node; readonly n: 0 | 1 } | undefined;
}

type Statement = { readonly kind: 'node'; readonly node: Node } | { readonly kind: 'effect'; readonly emit: (depth: number) => Code };

const each = <T>(make: () => T): Record<ValueType, T> => ({ [I32]: make(), [I64]: make(), [V128]: make() });

/** Hands out locals of a function. */
export class Locals {
  #next = each(() => 0);
  readonly #first: number;
  /** Those of each type that were ever in use at a time. */
  readonly #made = each<number[]>(() => []);
  /** The types of all of them, in the order of their indices. */
  readonly types: ValueType[] = [];

  /** `first` is the index of the first of them. */
  constructor(first: number) {
    this.#first = first;
  }

  take(type: ValueType): number {
    const n = this.#next[type]++;
    const made = this.#made[type];
    if (n === made.length) made.push(this.#first + this.types.push(type) - 1);
    return made[n] as number;
  }

  /** Locals that `body` takes are free again behind it. */
  within<T>(body: () => T): T {
    const before = { ...this.#next };
    const made = body();
    this.#next = before;
    return made;
  }

  /** Starts again: the next handler reuses the same locals. */
  reset(): void {
    this.#next = each(() => 0);
  }
}

/** Records the statements of one handler and emits them as WebAssembly. */
export class Graph {
  readonly locals: Locals;
  #statements: Statement[] = [];
  readonly #prologue: (() => Code)[] = [];

  constructor(locals: Locals) {
    this.locals = locals;
  }

  /** A value made from `args`, whose code `make` receives in order. */
  node(
    args: readonly Node[],
    make: (...codes: Code[]) => Code,
    options: { pinned?: boolean | 'used'; bits?: number; type?: ValueType; condition?: Node; half?: Node['half'] } = {},
  ): Node {
    for (const a of args) a.uses++;
    const node: Node = {
      make: () => make(...args.map((a) => this.use(a))),
      type: options.type ?? I64,
      pinned: options.pinned ?? false,
      uses: 0,
      local: undefined,
      constant: undefined,
      bits: options.bits ?? 64,
      condition: options.condition,
      half: options.half,
    };
    this.#statements.push({ kind: 'node', node });
    return node;
  }

  constant(value: bigint): Node {
    const unsigned = BigInt.asUintN(64, value);
    return {
      make: () => i64.const(value),
      type: I64,
      pinned: false,
      uses: 0,
      local: undefined,
      constant: unsigned,
      bits: unsigned === 0n ? 0 : unsigned.toString(2).length,
      condition: undefined,
      half: undefined,
    };
  }

  /** Two quadwords as a vector: the one that they came from, if they did. */
  pair(low: Node, high: Node): Node {
    if (low.half?.n === 0 && high.half?.n === 1 && low.half.vector === high.half.vector) return low.half.vector;
    const [from, other] = [low.half, high.half];
    if (from !== undefined && other !== undefined)
      return this.node([from.vector, other.vector], (x, y) => halvesOf(x, from.n, y, other.n), { type: V128 });
    if (low === high) return this.twice(low);
    const [a, b] = [low.constant, high.constant];
    if (a !== undefined && b !== undefined) return this.node([], () => v128.const(a, b), { type: V128 });
    if (b === 0n && from !== undefined) return this.node([from.vector], (x) => halvesOf(x, from.n, v128.const(0n), 0), { type: V128 });
    if (b === 0n) return this.node([low], (code) => i64x2.replace(v128.const(0n), 0, code), { type: V128 });
    return this.node([low, high], (x, y) => i64x2.replace(i64x2.splat(x), 1, y), { type: V128 });
  }

  /** A quadword in both halves of a vector. */
  twice(quad: Node): Node {
    const { half } = quad;
    if (half !== undefined) return this.node([half.vector], (x) => f64x2.splat(f64x2.extract(x, half.n)), { type: V128 });
    return this.node([quad], (code) => i64x2.splat(code), { type: V128 });
  }

  /** `vector` with a quadword in its low half. */
  withLow(vector: Node, quad: Node): Node {
    const { half } = quad;
    if (half !== undefined)
      return this.node([vector, half.vector], (x, y) => f64x2.replace(x, 0, f64x2.extract(y, half.n)), { type: V128 });
    return this.node([vector, quad], (x, code) => i64x2.replace(x, 0, code), { type: V128 });
  }

  /** The quadwords of a vector that is in a local. */
  halves(local: number): [Node, Node] {
    const vector = this.node([], () => get(local), { type: V128, pinned: 'used' });
    return [0, 1].map((n) => this.node([], () => i64x2.extract(get(local), n), { pinned: 'used', half: { vector, n: n as 0 | 1 } })) as [
      Node,
      Node,
    ];
  }

  /** Something that happens here; `emit` receives the number of blocks opened inside the handler so far. */
  effect(args: readonly Node[], emit: (depth: number, ...codes: Code[]) => Code): void {
    for (const a of args) a.uses++;
    this.#statements.push({ kind: 'effect', emit: (depth) => emit(depth, ...args.map((a) => this.use(a))) });
  }

  /** Puts a statement before all others of the handler, right after `value` is made. */
  prepend(emit: (code: Code) => Code, value: Node): void {
    value.uses++;
    this.#prologue.push(() => emit(this.use(value)));
  }

  /** The code of a value at the place of use. */
  use(node: Node): Code {
    return node.local === undefined ? node.make() : get(node.local);
  }

  /** Runs `body` into a statement list of its own and gives its emitter. */
  nested(body: () => void): (depth: number) => Code {
    const outer = this.#statements;
    this.#statements = [];
    body();
    const inner = this.#statements;
    this.#statements = outer;
    return (depth) => this.#emit(inner, depth);
  }

  /** Code of the whole handler. The first statement makes the address of the next instruction. */
  emit(): Code {
    const [first, ...rest] = this.#statements;
    const head = first === undefined ? [] : this.#emit([first], 0);
    return [head, this.#prologue.map((p) => p()), this.#emit(rest, 0)];
  }

  #emit(statements: readonly Statement[], depth: number): Code {
    const out: Code[] = [];
    for (const s of statements) {
      if (s.kind === 'effect') {
        out.push(s.emit(depth));
        continue;
      }
      const { node } = s;
      if (node.pinned === 'used' ? node.uses === 0 : !node.pinned && node.uses <= 1) continue;
      const code = node.make();
      node.local = this.locals.take(node.type);
      out.push(set(node.local, code));
    }
    return out;
  }
}

/** An i32 truth value of a node, without widening it first where it came from a comparison. */
export function truth(graph: Graph, node: Node): Node {
  if (node.condition !== undefined) return node.condition;
  return graph.node([node], (a) => i64.ne(a, i64.const(0)), { type: I32 });
}

/** A comparison: its 0/1 as i64, remembering the i32. */
export function comparison(graph: Graph, args: readonly Node[], make: (...codes: Code[]) => Code): Node {
  const condition = graph.node(args, make, { type: I32 });
  return graph.node([condition], (c) => i64.extend(c), { bits: 1, condition });
}
