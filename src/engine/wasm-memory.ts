import { OFFSET } from '../isa/core-state.ts';
import type { Instruction, Operand, Size } from '../isa/instruction.ts';
import { RECORD } from '../isa/record.ts';
import { linearAddress, segmentFor } from '../isa/segments.ts';
import type { AccessKind } from '../isa/vocabulary.ts';
import type { Graph, Node } from './graph.ts';
import type { FixedPlace, HandlerContext } from './handler-context.ts';
import { TLB } from './layout.ts';
import { holdsCode, tlbEntry } from './tlb-code.ts';
import { type Code, call, get, globalGet, I32, I64, i32, i64, iff, set } from './wasm/code.ts';
import { GPR_BYTES, WasmRegisters } from './wasm-registers.ts';

/** Numbers of the kinds of access, as the memory functions take them. */
export const KINDS: Record<AccessKind, number> = { data: 0, stack: 1, operand: 2, destination: 0 };

/** The part of the vocabulary that addresses, loads and stores up to a quadword: a hit of the TLB where it is hot, a call of the memory functions else. */
export abstract class WasmMemory extends WasmRegisters {
  readonly #addressCache: Node | undefined;
  #lockBegun = false;

  constructor(graph: Graph, instruction: Instruction, context: HandlerContext) {
    super(graph, instruction, context);
    // Made first, so that every branch of the handler may use it. POP takes its address after RSP moved.
    const memory = instruction.operands.find((o) => o.kind === 'memory');
    if (memory !== undefined && instruction.mnemonic !== 'pop' && instruction.mnemonic !== 'lea') this.#addressCache = this.address(memory);
  }

  abstract raise(vector: number, errorCode?: bigint | number | Node): void;

  offset(operand: Operand): Node {
    if (operand.kind !== 'memory') throw new Error('only a memory operand has an address');
    const c = this.context;
    if (c.fixed !== undefined) return this.#fixedOffset(c.fixed);
    const base = i64.load(i32.add(get(c.core), i32.load16(get(c.record), RECORD.base)));
    const index = i64.load(i32.add(get(c.core), i32.load16(get(c.record), RECORD.index)));
    const scaled = i64.shl(index, i64.and(i64.load8(get(c.record), RECORD.scale), i64.const(3)));
    const sum = this.g.node([], () => i64.add(i64.add(base, scaled), i64.load32S(get(c.record), RECORD.displacement)), { pinned: true });
    return this.instruction.addressSize === 64 ? sum : this.zeroExtend(sum, this.instruction.addressSize);
  }

  #fixedOffset(fixed: FixedPlace): Node {
    const { base, index, scale, displacement } = fixed.fields;
    const word = (offset: number): Node =>
      offset < GPR_BYTES ? this.readGpr(fixed, offset, 64) : offset === OFFSET.rip ? this.constant(fixed.rip) : this.constant(0);
    const scaled = index < GPR_BYTES ? this.shl(word(index), this.constant(scale)) : this.constant(0);
    const sum = this.add(this.add(word(base), scaled), this.constant(displacement));
    const folded = base === OFFSET.rip && index >= GPR_BYTES ? this.constant(BigInt.asUintN(64, fixed.rip + BigInt(displacement))) : sum;
    return this.instruction.addressSize === 64 ? folded : this.zeroExtend(folded, this.instruction.addressSize);
  }

  indexScale(): Node {
    const { fixed } = this.context;
    if (fixed !== undefined) return this.constant(fixed.fields.scale);
    return this.g.node([], () => i64.and(i64.load8(get(this.context.record), RECORD.scale), i64.const(3)), { bits: 2 });
  }

  address(operand: Operand): Node {
    if (this.#addressCache !== undefined) return this.#addressCache;
    const offset = this.offset(operand);
    return this.instruction.addressForm === 'general' ? this.add(offset, this.segmentBase()) : offset;
  }

  segmentBase(): Node {
    const c = this.context;
    if (c.fixed !== undefined) {
      const { segment } = c.fixed.fields;
      if (segment === OFFSET.zero) return this.constant(0);
      return this.g.node([], () => i64.load(get(c.core), segment), { pinned: true });
    }
    return this.g.node([], () => i64.load(i32.add(get(c.core), i32.load16(get(c.record), RECORD.segment))), { pinned: true });
  }

  /** What accesses are given in 16- and 32-bit code is an offset. */
  protected linear(address: Node, bytes: number, through: AccessKind, access: 'read' | 'write'): Node {
    return this.instruction.codeSize === 64
      ? address
      : linearAddress<Node>(this, segmentFor(this.instruction, through), address, bytes, access);
  }

  load(address: Node, size: Size, through: AccessKind = 'data'): Node {
    return this.#load(this.linear(address, size / 8, through, 'read'), size, through, false);
  }

  loadModify(address: Node, size: Size, through: AccessKind = 'data'): Node {
    const whole = this.instruction.mnemonic === 'cmpxchg16b' ? 16 : size / 8;
    const linear = this.linear(address, size / 8, through, 'write');
    if (this.instruction.lock && !this.#lockBegun && (this.context.fixed === undefined || this.context.features.explore)) {
      this.#lockBegun = true;
      const { memory, core } = this.context;
      this.g.effect([linear], (_depth, a) => [
        this.spilled(true),
        call(memory.lockBegin, get(core), a ?? [], i32.const(whole), i32.const(KINDS[through])),
      ]);
      this.leaveOnStop();
    }
    return this.#load(linear, size, through, true);
  }

  #load(address: Node, size: Size, through: AccessKind, modify: boolean): Node {
    const { core, memory, inlineTlb } = this.context;
    const bytes = size / 8;
    const slow = (a: Code): Code => [
      this.spilled(false),
      call(memory.load, get(core), a, i32.const(bytes), i32.const(KINDS[through]), i32.const(modify ? 1 : 0)),
    ];
    if (!inlineTlb) {
      const value = this.g.node([address], slow, { pinned: true, bits: size });
      value.uses++;
      this.leaveOnStop();
      return value;
    }
    const local = this.g.locals.take(I64);
    const entry = this.g.locals.take(I32);
    const at = this.g.locals.take(I64);
    const op = size === 64 ? i64.load : size === 32 ? i64.load32 : size === 16 ? i64.load16 : i64.load8;
    const { explore } = this.context.features;
    const tag = i64.load(get(entry), modify ? TLB.tagWrite : TLB.tagRead);
    this.g.effect([address], (depth, a) => [
      set(at, a ?? []),
      set(entry, tlbEntry(core, get(at))),
      iff(
        // Only what is stored may be code.
        i64.eq(modify && !explore ? i64.and(tag, i64.const(~TLB.holdsCode)) : tag, this.pageOf(at, bytes, explore)),
        set(local, op(i32.add(i32.wrap(get(at)), i32.load(get(entry), TLB.delta)))),
        [set(local, slow(get(at))), this.context.afterCall ?? [], iff(globalGet(memory.globals.stop), this.context.leave(depth + 2))],
      ),
    ]);
    return this.g.node([], () => get(local), { pinned: true, bits: size });
  }

  store(offset: Node, size: Size, value: Node, through: AccessKind = 'data'): void {
    const address = this.linear(offset, size / 8, through, 'write');
    const { core, memory, inlineTlb, storeHit, features } = this.context;
    const bytes = size / 8;
    const slow = (a: Code, v: Code): Code => [
      this.spilled(true),
      call(memory.store, get(core), a, i32.const(bytes), v, i32.const(KINDS[through])),
    ];
    const narrow = this.zeroExtend(value, size);
    if (!inlineTlb) {
      this.g.effect([address, narrow], (_depth, a, v) => slow(a ?? [], v ?? []));
      this.leaveOnStop();
      return;
    }
    const entry = this.g.locals.take(I32);
    const at = this.g.locals.take(I64);
    const kept = this.g.locals.take(I64);
    const plain = size === 64 ? i64.store : size === 32 ? i64.store32 : size === 16 ? i64.store16 : i64.store8;
    this.g.effect([address, narrow], (depth, a, v) => {
      const host = i32.add(i32.wrap(get(at)), i32.load(get(entry), TLB.delta));
      const hit = features.journal
        ? call(storeHit[size as 8 | 16 | 32 | 64], host, get(kept), i32.load(get(entry), TLB.info))
        : plain(host, get(kept));
      const miss = (depth: number): Code => [
        slow(get(at), get(kept)),
        this.context.afterCall ?? [],
        iff(globalGet(memory.globals.stop), this.context.leave(depth + 1)),
      ];
      const { fixed } = this.context;
      return [
        set(at, a ?? []),
        set(kept, v ?? []),
        set(entry, tlbEntry(core, get(at))),
        iff(
          i64.eq(i64.load(get(entry), TLB.tagWrite), this.pageOf(at, bytes, features.journal)),
          hit,
          // The explorer learns of every store to a page with code which text is written.
          fixed === undefined || features.explore
            ? miss(depth + 1)
            : iff(this.besideCode(entry, at, bytes, fixed.ram), hit, miss(depth + 2)),
        ),
      ];
    });
  }

  probe(offset: Node, bytes: number, through: AccessKind = 'data'): void {
    const address = this.linear(offset, bytes, through, 'write');
    const { core, memory } = this.context;
    this.g.effect([address], (_depth, a) => [
      this.spilled(true),
      call(memory.probe, get(core), a ?? [], i32.const(bytes), i32.const(KINDS[through])),
    ]);
    this.leaveOnStop();
  }

  /**
   * The page of an access at the address in local `at`, to be compared with the tag of its TLB entry: something else where the access goes on on the next page, or,
   * with `aligned`, is not aligned (the journal keeps quadwords).
   */
  protected pageOf(at: number, bytes: number, aligned: boolean): Code {
    if (aligned) return i64.and(get(at), i64.const(-4096n | BigInt(bytes - 1)));
    // The entry of the page in front never has the tag of the next one.
    return i64.and(bytes === 1 ? get(at) : i64.add(get(at), i64.const(bytes - 1)), i64.const(-4096));
  }

  /** Whether a store takes the slow path only because decoded instructions lie on its page, and not where it stores. */
  protected besideCode(entry: number, at: number, bytes: number, ram: number): Code {
    const aligned = this.context.features.journal;
    // Added, not or-ed: an address that is not aligned is no match.
    const onPage = i64.eq(i64.load(get(entry), TLB.tagWrite), i64.add(this.pageOf(at, bytes, aligned), i64.const(TLB.holdsCode)));
    const physical = i32.sub(i32.add(i32.wrap(get(at)), i32.load(get(entry), TLB.delta)), i32.const(ram));
    const quads = aligned || bytes === 1 ? 1 : Math.ceil(bytes / 8) + 1;
    return iff(onPage, i32.eqz(holdsCode(physical, quads)), i32.const(0), I32);
  }

  /** In front of a call outside. */
  protected spilled(write: boolean): Code {
    return this.context.fixed?.call(write) ?? [];
  }

  protected leaveOnStop(): void {
    this.g.effect([], (depth) => iff(globalGet(this.context.memory.globals.stop), this.context.leave(depth + 1)));
  }
}
