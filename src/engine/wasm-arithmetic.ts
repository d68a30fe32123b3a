import type { Size } from '../isa/instruction.ts';
import { comparison, type Graph, type Node, truth } from './graph.ts';
import { block, br, brIf, get, I64, i32, i64, iff, loop, select, set } from './wasm/code.ts';

const ONE = 1n;

/** The part of the vocabulary that only computes: arithmetic, comparisons, branches, loops and variables, as WebAssembly. */
export class WasmArithmetic {
  protected readonly g: Graph;

  constructor(graph: Graph) {
    this.g = graph;
  }

  /** What is known of both operands is known of the result: an immediate of an instruction in a region, mostly. */
  #known(a: Node, b: Node, result: (a: bigint, b: bigint) => bigint): Node | undefined {
    return a.constant === undefined || b.constant === undefined
      ? undefined
      : this.constant(BigInt.asUintN(64, result(a.constant, b.constant)));
  }

  constant(value: bigint | number): Node {
    return this.g.constant(BigInt(value));
  }
  add(a: Node, b: Node): Node {
    return a.constant === 0n ? b : b.constant === 0n ? a : this.g.node([a, b], i64.add);
  }
  sub(a: Node, b: Node): Node {
    return b.constant === 0n ? a : this.g.node([a, b], i64.sub);
  }
  mul(a: Node, b: Node): Node {
    return this.#known(a, b, (x, y) => x * y) ?? this.g.node([a, b], i64.mul);
  }

  mulHighUnsigned(a: Node, b: Node): Node {
    const low = 0xffffffffn;
    const [al, ah] = [this.and(a, this.constant(low)), this.shr(a, this.constant(32))];
    const [bl, bh] = [this.and(b, this.constant(low)), this.shr(b, this.constant(32))];
    const mid1 = this.add(this.mul(ah, bl), this.shr(this.mul(al, bl), this.constant(32)));
    const mid2 = this.add(this.mul(al, bh), this.and(mid1, this.constant(low)));
    return this.add(this.add(this.mul(ah, bh), this.shr(mid1, this.constant(32))), this.shr(mid2, this.constant(32)));
  }

  mulHighSigned(a: Node, b: Node): Node {
    const unsigned = this.mulHighUnsigned(a, b);
    const minusB = this.and(this.sar(a, this.constant(63)), b);
    const minusA = this.and(this.sar(b, this.constant(63)), a);
    return this.sub(this.sub(unsigned, minusB), minusA);
  }

  and(a: Node, b: Node): Node {
    return this.#known(a, b, (x, y) => x & y) ?? this.g.node([a, b], i64.and, { bits: Math.min(a.bits, b.bits) });
  }
  or(a: Node, b: Node): Node {
    return this.#known(a, b, (x, y) => x | y) ?? this.g.node([a, b], i64.or, { bits: Math.max(a.bits, b.bits) });
  }
  xor(a: Node, b: Node): Node {
    return this.#known(a, b, (x, y) => x ^ y) ?? this.g.node([a, b], i64.xor, { bits: Math.max(a.bits, b.bits) });
  }
  not(a: Node): Node {
    return this.g.node([a], (x) => i64.xor(x, i64.const(-1)));
  }
  shl(a: Node, count: Node): Node {
    return this.#known(a, count, (x, n) => x << (n & 63n)) ?? this.g.node([a, count], i64.shl);
  }
  shr(a: Node, count: Node): Node {
    const bits = count.constant === undefined ? a.bits : Math.max(0, a.bits - Number(count.constant & 63n));
    return this.#known(a, count, (x, n) => x >> (n & 63n)) ?? this.g.node([a, count], i64.shrU, { bits });
  }
  sar(a: Node, count: Node): Node {
    return this.g.node([a, count], i64.shrS);
  }
  rotl(a: Node, count: Node): Node {
    return this.g.node([a, count], i64.rotl);
  }
  clz(a: Node): Node {
    return this.g.node([a], i64.clz, { bits: 7 });
  }
  ctz(a: Node): Node {
    return this.g.node([a], i64.ctz, { bits: 7 });
  }
  popcnt(a: Node): Node {
    return this.g.node([a], i64.popcnt, { bits: 7 });
  }
  eq(a: Node, b: Node): Node {
    const known = this.#known(a, b, (x, y) => (x === y ? 1n : 0n));
    if (known !== undefined) return known;
    return b.constant === 0n ? comparison(this.g, [a], i64.eqz) : comparison(this.g, [a, b], i64.eq);
  }
  ne(a: Node, b: Node): Node {
    return this.#known(a, b, (x, y) => (x === y ? 0n : 1n)) ?? comparison(this.g, [a, b], i64.ne);
  }
  ltUnsigned(a: Node, b: Node): Node {
    return comparison(this.g, [a, b], i64.ltU);
  }
  ltSigned(a: Node, b: Node): Node {
    return comparison(this.g, [a, b], i64.ltS);
  }
  select(condition: Node, a: Node, b: Node): Node {
    if (condition.constant !== undefined) return condition.constant === 0n ? b : a;
    return this.g.node([a, b, truth(this.g, condition)], select, { bits: Math.max(a.bits, b.bits) });
  }

  zeroExtend(a: Node, size: Size): Node {
    if (a.bits <= size || size >= 64) return a;
    return this.g.node([a], (x) => i64.and(x, i64.const((ONE << BigInt(size)) - 1n)), { bits: size });
  }

  signExtend(a: Node, size: Size): Node {
    if (size >= 64) return a;
    if (size === 8) return this.g.node([a], i64.extend8S);
    if (size === 16) return this.g.node([a], i64.extend16S);
    return this.g.node([a], i64.extend32S);
  }

  /** One 64-bit hardware division where the high half is zero, else two for the two halves of the quotient (Knuth, "The Art of Computer Programming", 4.3.1, algorithm D). */
  divideUnsigned(high: Node, low: Node, divisor: Node): { quotient: Node; remainder: Node } {
    const short = {
      quotient: () => this.g.node([low, divisor], i64.divU, { pinned: true }),
      remainder: () => this.g.node([low, divisor], i64.remU, { pinned: true }),
    };
    if (high.constant === 0n) return { quotient: short.quotient(), remainder: short.remainder() };
    const q = this.variable(low);
    const r = this.variable(high);
    this.when(
      this.eq(high, this.constant(0)),
      () => {
        q.set(short.quotient());
        r.set(short.remainder());
      },
      () => {
        const places = this.clz(divisor);
        const by = this.shl(divisor, places);
        const behind = this.shr(this.shr(low, this.constant(1)), this.xor(places, this.constant(63)));
        const lower = this.shl(low, places);
        const first = this.#digit(this.or(this.shl(high, places), behind), this.shr(lower, this.constant(32)), by);
        const second = this.#digit(first.remainder, this.zeroExtend(lower, 32), by);
        q.set(this.or(this.shl(first.digit, this.constant(32)), second.digit));
        r.set(this.shr(second.remainder, places));
      },
    );
    return { quotient: q.get(), remainder: r.get() };
  }

  /** A digit of 32 bits: `rest` and 32 bits behind it by a divisor whose bit 63 is set, and which is larger than `rest`. */
  #digit(rest: Node, next: Node, divisor: Node): { digit: Node; remainder: Node } {
    const [upper, lower] = [this.shr(divisor, this.constant(32)), this.zeroExtend(divisor, 32)];
    const estimate = this.g.node([rest, upper], i64.divU);
    const over = this.sub(rest, this.mul(estimate, upper));
    // The estimate is at most two too large, and that shows in the lower half of the divisor while what is over has 32 bits.
    const exceeds = (digit: Node, left: Node): Node =>
      this.ltUnsigned(this.or(this.shl(left, this.constant(32)), next), this.mul(digit, lower));
    const once = exceeds(estimate, over);
    const closer = this.sub(estimate, once);
    const left = this.add(over, upper);
    const again = this.and(this.and(once, this.eq(this.shr(left, this.constant(32)), this.constant(0))), exceeds(closer, left));
    const digit = this.sub(closer, again);
    return { digit, remainder: this.sub(this.or(this.shl(rest, this.constant(32)), next), this.mul(digit, divisor)) };
  }

  when(condition: Node, then: () => void, otherwise?: () => void): void {
    const c = truth(this.g, condition);
    const a = this.g.nested(then);
    const b = otherwise === undefined ? undefined : this.g.nested(otherwise);
    this.g.effect([c], (depth, code) => iff(code ?? [], a(depth + 1), b?.(depth + 1)));
  }

  loop(condition: () => Node, body: () => void): void {
    let test: Node | undefined;
    const check = this.g.nested(() => {
      test = truth(this.g, condition());
      test.uses++;
    });
    const inside = this.g.nested(body);
    this.g.effect([], (depth) => {
      const before = check(depth + 2);
      return block(loop([before, brIf(1, i32.eqz(this.g.use(test as Node))), inside(depth + 2), br(0)]));
    });
  }

  variable(initial: Node): { get(): Node; set(value: Node): void } {
    const local = this.g.locals.take(I64);
    const assign = (value: Node): void => this.g.effect([value], (_depth, code) => set(local, code ?? []));
    assign(initial);
    return { get: () => this.g.node([], () => get(local), { pinned: true }), set: assign };
  }
}
