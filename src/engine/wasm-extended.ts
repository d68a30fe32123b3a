import { eachBlock } from '../isa/blocks.ts';
import { EXTENDED_AT, ymmOffset } from '../isa/core-state.ts';
import type { Operand, Size } from '../isa/instruction.ts';
import type { BlockOperation } from '../isa/vocabulary.ts';
import { floatElement, floatVectors } from './float-code.ts';
import type { Node } from './graph.ts';
import { CORE, TLB } from './layout.ts';
import { tlbEntry } from './tlb-code.ts';
import { type Code, call, get, globalGet, I32, I64, i32, i64, i64x2, iff, set, V128, v128 } from './wasm/code.ts';
import { blockOf } from './wasm-blocks.ts';
import { KINDS, WasmMemory } from './wasm-memory.ts';

/** The offset of a vector register, of which XMM and YMM have the same. What is there has an index of zero where it is given as one of a stack. */
const isVector = (offset: number): boolean => offset >= ymmOffset(0) && offset < ymmOffset(16);

/** The part of the vocabulary for the extended state, x87, MMX, SSE and AVX: its registers, vectors in memory, helpers and floating point. */
export abstract class WasmExtended extends WasmMemory {
  useExtended(): void {
    const { core, memory } = this.context;
    this.g.effect([], () => iff(i32.eqz(i32.load(get(core), CORE.extendedUsed)), call(memory.beginExtended, get(core))));
  }

  readQuads(operand: Operand, size: Size = operand.size): Node[] {
    const count = size / 64;
    if (operand.kind === 'memory') {
      const address = this.address(operand);
      if (count > 1 && this.#wholeVectors) return this.#loadQuads(this.linear(address, 8 * count, 'operand', 'read'), count);
      // A segment holds all of it or none; which of its pages is missing comes behind that.
      if (this.instruction.codeSize !== 64) this.linear(address, 8 * count, 'operand', 'read');
      return Array.from({ length: count }, (_, n) => this.load(this.add(address, this.constant(8 * n)), 64, 'operand'));
    }
    if (operand.kind !== 'vector') throw new Error(`${this.instruction.mnemonic} has no quadwords in a ${operand.kind} operand`);
    const first = this.#vectorHalf(operand);
    if (first !== undefined) {
      const locals = Array.from({ length: Math.ceil(count / 2) }, (_, n) => this.context.fixed!.vector(first + n, false));
      return locals.flatMap((local) => this.g.halves(local)).slice(0, count);
    }
    const address = this.registerAddress(operand.slot);
    return Array.from({ length: Math.ceil(count / 2) }, (_, pair) => {
      const n = Math.min(2, count - 2 * pair);
      const vector = n === 2 ? this.g.node([address], (a) => v128.load(a, 16 * pair), { pinned: 'used', type: V128 }) : undefined;
      return Array.from({ length: n }, (_, k) => {
        const half = vector && { vector, n: k as 0 | 1 };
        return this.g.node([address], (a) => i64.load(a, 16 * pair + 8 * k), { pinned: 'used', half });
      });
    }).flat();
  }

  writeQuads(operand: Operand, values: readonly Node[], clearUpper = false): void {
    if (operand.kind === 'memory') {
      const address = this.address(operand);
      if (values.length > 1 && this.#wholeVectors && !this.context.features.journal) {
        this.#storeQuads(this.linear(address, 8 * values.length, 'operand', 'write'), values);
        return;
      }
      if (values.length > 1) this.probe(address, 8 * values.length, 'operand');
      values.forEach((v, n) => this.store(this.add(address, this.constant(8 * n)), 64, v, 'operand'));
      return;
    }
    if (operand.kind !== 'vector') throw new Error(`${this.instruction.mnemonic} has no quadwords in a ${operand.kind} operand`);
    const half = this.#vectorHalf(operand);
    const all = clearUpper ? [...values, ...Array.from({ length: 4 - values.length }, () => this.constant(0))] : values;
    if (half !== undefined) {
      this.#writeHalves(half, all);
      return;
    }
    const address = this.registerAddress(operand.slot);
    // An MMX register is a quadword and an exponent.
    if (operand.size < 128 || all.length % 2 !== 0) {
      this.g.effect([address, ...all], (_depth, a, ...codes) => codes.map((code, n) => i64.store(a ?? [], code, 8 * n)));
      return;
    }
    this.g.effect([address, ...this.#pairs(all)], (_depth, a, ...codes) => codes.map((code, n) => v128.store(a ?? [], code, 16 * n)));
  }

  /** Whether vectors in memory are looked up in the TLB once. Where accesses are visible each quadword is one. */
  get #wholeVectors(): boolean {
    return this.context.inlineTlb && !this.context.features.explore;
  }

  /** Which half of a vector register an operand begins with, where those are in locals. */
  #vectorHalf(operand: Extract<Operand, { kind: 'vector' }>): number | undefined {
    const { fixed } = this.context;
    if (fixed === undefined) return undefined;
    const offset = operand.slot === 3 ? Number(fixed.fields.immediate & 0xffffn) : fixed.fields.registers[operand.slot];
    return isVector(offset) ? (offset - EXTENDED_AT) >> 4 : undefined;
  }

  #writeHalves(first: number, quads: readonly Node[]): void {
    const locals = Array.from({ length: Math.ceil(quads.length / 2) }, (_, n) => this.context.fixed!.vector(first + n, true));
    const values = locals.map((local, n) => {
      const [low, high] = quads.slice(2 * n, 2 * n + 2) as [Node, Node | undefined];
      if (high !== undefined) return this.g.pair(low, high);
      return this.g.withLow(
        this.g.node([], () => get(local), { type: V128 }),
        low,
      );
    });
    this.g.effect(values, (_depth, ...codes) => codes.map((code, n) => set(locals[n] as number, code)));
  }

  #pairs(quads: readonly Node[]): Node[] {
    return Array.from({ length: quads.length / 2 }, (_, n) => this.g.pair(quads[2 * n] as Node, quads[2 * n + 1] as Node));
  }

  #loadQuads(address: Node, count: number): Node[] {
    const { core, memory } = this.context;
    const kept = Array.from({ length: count / 2 }, () => this.g.locals.take(V128));
    const [at, entry] = [this.g.locals.take(I64), this.g.locals.take(I32)];
    this.g.effect([address], (depth, a) => [
      set(at, a ?? []),
      set(entry, tlbEntry(core, get(at))),
      iff(
        i64.eq(i64.load(get(entry), TLB.tagRead), this.pageOf(at, 8 * count, false)),
        [
          set(entry, i32.add(i32.wrap(get(at)), i32.load(get(entry), TLB.delta))),
          kept.map((local, n) => set(local, v128.load(get(entry), 16 * n))),
        ],
        [
          this.spilled(false),
          Array.from({ length: count }, (_, n) => {
            const local = kept[n >> 1] as number;
            const from = i64.add(get(at), i64.const(8 * n));
            return [
              set(
                local,
                i64x2.replace(get(local), n & 1, call(memory.load, get(core), from, i32.const(8), i32.const(KINDS.operand), i32.const(0))),
              ),
              n === 0 ? (this.context.afterCall ?? []) : [],
              iff(globalGet(memory.globals.stop), this.context.leave(depth + 2)),
            ];
          }),
        ],
      ),
    ]);
    return kept.flatMap((local) => this.g.halves(local));
  }

  #storeQuads(address: Node, values: readonly Node[]): void {
    const { core, memory } = this.context;
    const bytes = 8 * values.length;
    const [at, entry] = [this.g.locals.take(I64), this.g.locals.take(I32)];
    const kept = Array.from({ length: values.length / 2 }, () => this.g.locals.take(V128));
    this.g.effect([address, ...this.#pairs(values)], (depth, a, ...codes) => {
      const { fixed } = this.context;
      const check = (depth: number): Code => [
        this.context.afterCall ?? [],
        iff(globalGet(memory.globals.stop), this.context.leave(depth + 1)),
      ];
      const hit: Code = [
        set(entry, i32.add(i32.wrap(get(at)), i32.load(get(entry), TLB.delta))),
        kept.map((local, n) => v128.store(get(entry), get(local), 16 * n)),
      ];
      const miss = (depth: number): Code => [
        this.spilled(true),
        call(memory.probe, get(core), get(at), i32.const(bytes), i32.const(KINDS.operand)),
        check(depth),
        values.map((_, n) => {
          const quad = i64x2.extract(get(kept[n >> 1] as number), n & 1);
          return [
            call(memory.store, get(core), i64.add(get(at), i64.const(8 * n)), i32.const(8), quad, i32.const(KINDS.operand)),
            check(depth),
          ];
        }),
      ];
      return [
        set(at, a ?? []),
        kept.map((local, n) => set(local, codes[n]!)),
        set(entry, tlbEntry(core, get(at))),
        iff(
          i64.eq(i64.load(get(entry), TLB.tagWrite), this.pageOf(at, bytes, false)),
          hit,
          fixed === undefined ? miss(depth + 1) : iff(this.besideCode(entry, at, bytes, fixed.ram), hit, miss(depth + 2)),
        ),
      ];
    });
  }

  #stacked(index: Code): Code {
    return i32.add(get(this.context.core), i32.shl(i32.and(i32.wrap(index), i32.const(7)), i32.const(4)));
  }

  stacked(base: number, index: Node): Node {
    const { fixed } = this.context;
    if (fixed !== undefined && isVector(base)) {
      const local = fixed.vector((base - EXTENDED_AT) >> 4, false);
      return this.g.halves(local)[(base >> 3) & 1]!;
    }
    return this.g.node([index], (n) => i64.load(this.#stacked(n), base), { pinned: true });
  }

  setStacked(base: number, index: Node, value: Node): void {
    const { fixed } = this.context;
    if (fixed !== undefined && isVector(base)) {
      const local = fixed.vector((base - EXTENDED_AT) >> 4, true);
      this.g.effect([value], (_depth, code) => set(local, i64x2.replace(get(local), (base >> 3) & 1, code!)));
      return;
    }
    this.g.effect([index, value], (_depth, n, v) => i64.store(this.#stacked(n ?? []), v ?? [], base));
  }

  compute(helper: string, parameters: readonly Node[], results: number): Node[] {
    const locals = Array.from({ length: results }, () => this.g.locals.take(I64));
    this.g.effect(parameters, (_depth, ...codes) => [
      this.context.float.quick.compute(helper, codes),
      locals.map((local) => set(local, [])),
    ]);
    return locals.map((local) => this.g.node([], () => get(local)));
  }

  float(helper: string, operands: readonly Node[], mxcsr: Node): { value: Node; flags: Node } {
    return floatElement(this.g, this.context.float, helper, operands, mxcsr);
  }

  floatQuads(
    operations: readonly [string, string],
    size: 32 | 64,
    operands: readonly (readonly Node[])[],
    mxcsr: Node,
  ): { quads: Node[]; flags: Node } {
    return floatVectors(this.g, this.context.float, { size, operations, single: false }, operands, mxcsr);
  }

  blockwise(
    name: BlockOperation,
    operands: readonly (readonly Node[])[],
    meaning: (...blocks: Node[][]) => Node[],
    control?: Node,
  ): Node[] {
    return eachBlock(
      operands,
      (...blocks) => (blocks[0]!.length === 2 ? blockOf(this.g, name, blocks, control) : undefined) ?? meaning(...blocks),
    );
  }
}
