import { DF, EXTENDED_AT, gprOffset, OFFSET, type StateWord, ymmOffset } from '../isa/core-state.ts';
import { helperNumber } from '../isa/helpers/index.ts';
import type { Instruction, Operand, Size } from '../isa/instruction.ts';
import { RECORD, type RecordFields } from '../isa/record.ts';
import { linearAddress, segmentFor } from '../isa/segments.ts';
import type { AccessKind, Vocabulary } from '../isa/vocabulary.ts';
import { type FloatFunctions, floatElement, floatVectors } from './float-code.ts';
import type { Graph, Node } from './graph.ts';
import { CORE, HELPER_AT, Stop, TLB } from './layout.ts';
import type { Features, MemoryFunctions } from './memory-abi.ts';
import { holdsCode, tlbEntry } from './tlb-code.ts';
import { type Code, call, get, globalGet, globalSet, I32, I64, i32, i64, i64x2, iff, set, uleb, V128, v128 } from './wasm/code.ts';
import { WasmFlags } from './wasm-flags.ts';

/** What a handler's code needs to know of the function that it is emitted into. */
export interface HandlerContext {
  /** Locals that hold the core's block and the record. */
  readonly core: number;
  readonly record: number;
  readonly memory: MemoryFunctions;
  readonly features: Features;
  /** Inline the TLB hit of memory accesses: for handlers that are hot. */
  readonly inlineTlb: boolean;
  /** Functions imported or defined beside the handlers. */
  readonly system: number;
  readonly fence: number;
  readonly helper: number;
  readonly float: FloatFunctions;
  readonly storeHit: Readonly<Record<8 | 16 | 32 | 64, number>>;
  /** Local that holds RIP, where it is kept in one beside memory; and what must be done after TypeScript may have run. */
  readonly rip?: number;
  readonly afterCall?: Code;
  /** Where the instruction is one of a region: what of it is known, and where registers are. */
  readonly fixed?: FixedPlace;
  /** Leaves the handler with a stop noted; `depth` is how many blocks the handler has opened. */
  leave(depth: number): Code;
  /** Leaves with the instruction retired but the machine to be asked before the next one. */
  leaveRetired(depth: number): Code;
}

/** An instruction at a known address with known operands, between others: general registers and flags are in locals (`region-code.ts`). */
export interface FixedPlace {
  readonly fields: RecordFields;
  /** Linear address. */
  readonly rip: bigint;
  /** Local of general register `n`; `write` where it is going to be changed. */
  gpr(n: number, write: boolean): number;
  /** Local of the low (even `n`) or the high half of YMM register `n >> 1`. */
  vector(n: number, write: boolean): number;
  /** Local of a lazy flag word. */
  flagWord(word: 'flagResult' | 'flagCarry', write: boolean): number;
  /** Everything that is in locals goes to the core's block, with RIP at this instruction. */
  readonly spill: Code;
  /** The same before a call that may look at the core, stop it or change what comes next, with a note that the instruction has made one. `write`: it may change text. */
  call(write: boolean): Code;
  /** Goes on at an address that is known: the code for it, or the way out. */
  jump(target: bigint, depth: number): Code;
  /** Goes on at the address in a local. */
  jumpTo(target: number, depth: number): Code;
  /** Called when the instruction is one that regions do not take. */
  decline(): void;
  /** Offset of RAM in linear memory. */
  readonly ram: number;
}

/** Offsets below are those of general registers. */
const GPR_BYTES = 128;
/** The offset of a vector register, of which XMM and YMM have the same. What is there has an index of zero where it is given as one of a stack. */
const isVector = (offset: number): boolean => offset >= ymmOffset(0) && offset < ymmOffset(16);
const KINDS: Record<AccessKind, number> = { data: 0, stack: 1, operand: 2, destination: 0 };

/** The vocabulary as a generator of WebAssembly: one handler for one static form. */
export class WasmProvider extends WasmFlags implements Vocabulary<Node> {
  readonly #i: Instruction;
  readonly #c: HandlerContext;
  readonly #next: Node;
  #nextLocal: number | undefined;
  #jumps = false;
  #ownsRip = false;
  #lockBegun = false;
  #addressCache: Node | undefined;
  #oldFlags: number | undefined;

  constructor(graph: Graph, instruction: Instruction, context: HandlerContext) {
    super(graph, context.core);
    this.#i = instruction;
    this.#c = context;
    const { fixed } = context;
    const rip = context.rip === undefined ? i64.load(get(context.core), OFFSET.rip) : get(context.rip);
    this.#next =
      fixed === undefined
        ? graph.node([], () => i64.add(rip, i64.load8(get(context.record), RECORD.length)), { pinned: true })
        : graph.constant(fixed.rip + BigInt(fixed.fields.length));
    // Made first, so that every branch of the handler may use it. POP takes its address after RSP moved.
    const memory = instruction.operands.find((o) => o.kind === 'memory');
    if (memory !== undefined && instruction.mnemonic !== 'pop' && instruction.mnemonic !== 'lea') this.#addressCache = this.address(memory);
  }

  /** Once finished: whether control always goes to the instruction behind it, without a look at the machine. */
  get sequential(): boolean {
    return !this.#jumps && !this.#ownsRip && this.#oldFlags === undefined;
  }

  /** Code of the finished handler: the body, then the new RIP. */
  finish(): Code {
    const start = this.#nextLocal;
    const body = this.g.emit();
    const { rip, fixed } = this.#c;
    // Where it goes on other than behind itself, it has gone.
    if (fixed !== undefined) return body;
    if (this.#ownsRip) return rip === undefined ? body : [body, set(rip, i64.load(get(this.#c.core), OFFSET.rip))];
    const target = start === undefined || !this.#jumps ? this.g.use(this.#next) : get(start);
    const retire: Code =
      rip === undefined
        ? [body, i64.store(get(this.#c.core), target, OFFSET.rip)]
        : [body, set(rip, target), i64.store(get(this.#c.core), get(rip), OFFSET.rip)];
    if (this.#oldFlags === undefined) return retire;
    const changed = i64.and(i64.xor(get(this.#oldFlags), i64.load(get(this.#c.core), OFFSET.flagSystem)), i64.const(~DF));
    return [retire, iff(i64.ne(changed, i64.const(0)), this.#c.leaveRetired(1))];
  }

  read(operand: Operand): Node {
    const { fixed } = this.#c;
    if (operand.kind === 'register') {
      const offset = fixed?.fields.registers[operand.slot] ?? GPR_BYTES;
      if (fixed !== undefined && offset < GPR_BYTES) return this.#readGpr(fixed, offset, operand.size);
      return this.#readRegister(this.#registerAddress(operand.slot), operand.size);
    }
    if (operand.kind === 'memory') return this.load(this.address(operand), operand.size, 'operand');
    if (operand.kind !== 'immediate') throw new Error(`${this.#i.mnemonic} reads a ${operand.kind} operand as a general one`);
    const immediate =
      fixed === undefined
        ? this.g.node([], () => i64.load(get(this.#c.record), RECORD.immediate))
        : this.constant(operand.size >= 64 ? fixed.fields.immediate : BigInt.asUintN(operand.size, fixed.fields.immediate));
    return operand.size >= 64 ? immediate : this.zeroExtend(immediate, operand.size);
  }

  readModify(operand: Operand): Node {
    return operand.kind === 'memory' ? this.loadModify(this.address(operand), operand.size, 'operand') : this.read(operand);
  }

  write(operand: Operand, value: Node): void {
    if (operand.kind === 'memory') this.store(this.address(operand), operand.size, value, 'operand');
    else if (operand.kind === 'register') {
      const { fixed } = this.#c;
      const offset = fixed?.fields.registers[operand.slot] ?? GPR_BYTES;
      if (fixed !== undefined && offset < GPR_BYTES) this.#writeGpr(fixed, offset, operand.size, value);
      else this.#writeRegister(this.#registerAddress(operand.slot), operand.size, value);
    } else throw new Error(`${this.#i.mnemonic} writes a ${operand.kind} operand as a general one`);
  }

  #registerAddress(slot: 0 | 1 | 2 | 3): Node {
    const { fixed, core } = this.#c;
    if (fixed !== undefined) {
      const offset = slot === 3 ? Number(fixed.fields.immediate & 0xffffn) : fixed.fields.registers[slot];
      return this.g.node([], () => i32.add(get(core), i32.const(offset)), { type: I32 });
    }
    const field = [RECORD.reg0, RECORD.reg1, RECORD.reg2, RECORD.immediate][slot] as number;
    return this.g.node([], () => i32.add(get(this.#c.core), i32.load16(get(this.#c.record), field)), { type: I32 });
  }

  #readRegister(address: Node, size: Size): Node {
    const op = size === 64 ? i64.load : size === 32 ? i64.load32 : size === 16 ? i64.load16 : i64.load8;
    return this.g.node([address], (a) => op(a), { pinned: true, bits: size });
  }

  #writeRegister(address: Node, size: Size, value: Node): void {
    const v = size === 32 ? this.zeroExtend(value, 32) : value;
    const op = size >= 32 ? i64.store : size === 16 ? i64.store16 : i64.store8;
    this.g.effect([address, v], (_depth, a, x) => op(a ?? [], x ?? []));
  }

  /** A general register in a local; `offset` is that of its lowest byte. */
  #readGpr(fixed: FixedPlace, offset: number, size: Size): Node {
    const local = fixed.gpr(offset >> 3, false);
    const whole = this.g.node([], () => get(local), { pinned: true });
    const from = (offset & 7) === 0 ? whole : this.shr(whole, this.constant(8 * (offset & 7)));
    return size === 64 ? from : this.zeroExtend(from, size);
  }

  #writeGpr(fixed: FixedPlace, offset: number, size: Size, value: Node): void {
    const local = fixed.gpr(offset >> 3, true);
    if (size >= 32) {
      const v = size === 32 ? this.zeroExtend(value, 32) : value;
      this.g.effect([v], (_depth, x) => set(local, x ?? []));
      return;
    }
    const shift = 8 * (offset & 7);
    const mask = ((1n << BigInt(size)) - 1n) << BigInt(shift);
    const placed = this.shl(this.zeroExtend(value, size), this.constant(shift));
    this.g.effect([placed], (_depth, x) => set(local, i64.or(i64.and(get(local), i64.const(BigInt.asIntN(64, ~mask))), x ?? [])));
  }

  offset(operand: Operand): Node {
    if (operand.kind !== 'memory') throw new Error('only a memory operand has an address');
    const c = this.#c;
    if (c.fixed !== undefined) return this.#fixedOffset(c.fixed);
    const base = i64.load(i32.add(get(c.core), i32.load16(get(c.record), RECORD.base)));
    const index = i64.load(i32.add(get(c.core), i32.load16(get(c.record), RECORD.index)));
    const scaled = i64.shl(index, i64.and(i64.load8(get(c.record), RECORD.scale), i64.const(3)));
    const sum = this.g.node([], () => i64.add(i64.add(base, scaled), i64.load32S(get(c.record), RECORD.displacement)), { pinned: true });
    return this.#i.addressSize === 64 ? sum : this.zeroExtend(sum, this.#i.addressSize);
  }

  #fixedOffset(fixed: FixedPlace): Node {
    const { base, index, scale, displacement } = fixed.fields;
    const word = (offset: number): Node =>
      offset < GPR_BYTES ? this.#readGpr(fixed, offset, 64) : offset === OFFSET.rip ? this.constant(fixed.rip) : this.constant(0);
    const scaled = index < GPR_BYTES ? this.shl(word(index), this.constant(scale)) : this.constant(0);
    const sum = this.add(this.add(word(base), scaled), this.constant(displacement));
    const folded = base === OFFSET.rip && index >= GPR_BYTES ? this.constant(BigInt.asUintN(64, fixed.rip + BigInt(displacement))) : sum;
    return this.#i.addressSize === 64 ? folded : this.zeroExtend(folded, this.#i.addressSize);
  }

  indexScale(): Node {
    const { fixed } = this.#c;
    if (fixed !== undefined) return this.constant(fixed.fields.scale);
    return this.g.node([], () => i64.and(i64.load8(get(this.#c.record), RECORD.scale), i64.const(3)), { bits: 2 });
  }

  address(operand: Operand): Node {
    if (this.#addressCache !== undefined) return this.#addressCache;
    const offset = this.offset(operand);
    return this.#i.addressForm === 'general' ? this.add(offset, this.segmentBase()) : offset;
  }

  segmentBase(): Node {
    const c = this.#c;
    if (c.fixed !== undefined) {
      const { segment } = c.fixed.fields;
      if (segment === OFFSET.zero) return this.constant(0);
      return this.g.node([], () => i64.load(get(c.core), segment), { pinned: true });
    }
    return this.g.node([], () => i64.load(i32.add(get(c.core), i32.load16(get(c.record), RECORD.segment))), { pinned: true });
  }

  register(n: number, size: Size): Node {
    const { fixed } = this.#c;
    if (fixed !== undefined) return this.#readGpr(fixed, gprOffset(n), size);
    const op = size === 64 ? i64.load : size === 32 ? i64.load32 : size === 16 ? i64.load16 : i64.load8;
    return this.g.node([], () => op(get(this.#c.core), gprOffset(n)), { pinned: true, bits: size });
  }

  setRegister(n: number, size: Size, value: Node): void {
    const { fixed } = this.#c;
    if (fixed !== undefined) {
      this.#writeGpr(fixed, gprOffset(n), size, value);
      return;
    }
    const v = size === 32 ? this.zeroExtend(value, 32) : value;
    const op = size >= 32 ? i64.store : size === 16 ? i64.store16 : i64.store8;
    this.g.effect([v], (_depth, x) => op(get(this.#c.core), x ?? [], gprOffset(n)));
  }

  protected override setLazy(result: Node, carry: Node): void {
    const { fixed } = this.#c;
    if (fixed === undefined) {
      super.setLazy(result, carry);
      return;
    }
    const [r, c] = [fixed.flagWord('flagResult', true), fixed.flagWord('flagCarry', true)];
    this.g.effect([result, carry], (_depth, x, y) => [x ?? [], y ?? [], [0x21, uleb(c)], [0x21, uleb(r)]]);
  }

  state(word: StateWord): Node {
    const { fixed } = this.#c;
    if (fixed !== undefined && (word === 'flagResult' || word === 'flagCarry')) {
      const local = fixed.flagWord(word, false);
      return this.g.node([], () => get(local), { pinned: true });
    }
    if (fixed !== undefined && word === 'rip') return this.constant(fixed.rip);
    return this.g.node([], () => i64.load(get(this.#c.core), OFFSET[word]), { pinned: true });
  }

  /** Changes of IF, TF and their like make the machine look at the core before the next instruction. */
  setState(word: StateWord, value: Node): void {
    // What the machine must look at.
    if (word === 'flagSystem') this.#c.fixed?.decline();
    if (word === 'flagSystem') {
      this.#oldFlags = this.g.locals.take(I64);
      const local = this.#oldFlags;
      this.g.effect([], () => set(local, i64.load(get(this.#c.core), OFFSET.flagSystem)));
    }
    this.g.effect([value], (_depth, x) => i64.store(get(this.#c.core), x ?? [], OFFSET[word]));
  }

  setStateEarly(word: StateWord, value: Node): void {
    this.setState(word, value);
  }

  /** What accesses are given in 16- and 32-bit code is an offset. */
  #linear(address: Node, bytes: number, through: AccessKind, access: 'read' | 'write'): Node {
    return this.#i.codeSize === 64 ? address : linearAddress<Node>(this, segmentFor(this.#i, through), address, bytes, access);
  }

  load(address: Node, size: Size, through: AccessKind = 'data'): Node {
    return this.#load(this.#linear(address, size / 8, through, 'read'), size, through, false);
  }

  loadModify(address: Node, size: Size, through: AccessKind = 'data'): Node {
    const whole = this.#i.mnemonic === 'cmpxchg16b' ? 16 : size / 8;
    const linear = this.#linear(address, size / 8, through, 'write');
    if (this.#i.lock && !this.#lockBegun && (this.#c.fixed === undefined || this.#c.features.explore)) {
      this.#lockBegun = true;
      const { memory, core } = this.#c;
      this.g.effect([linear], (_depth, a) => [
        this.#spilled(true),
        call(memory.lockBegin, get(core), a ?? [], i32.const(whole), i32.const(KINDS[through])),
      ]);
      this.#leaveOnStop();
    }
    return this.#load(linear, size, through, true);
  }

  #load(address: Node, size: Size, through: AccessKind, modify: boolean): Node {
    const { core, memory, inlineTlb } = this.#c;
    const bytes = size / 8;
    const slow = (a: Code): Code => [
      this.#spilled(false),
      call(memory.load, get(core), a, i32.const(bytes), i32.const(KINDS[through]), i32.const(modify ? 1 : 0)),
    ];
    if (!inlineTlb) {
      const value = this.g.node([address], slow, { pinned: true, bits: size });
      value.uses++;
      this.#leaveOnStop();
      return value;
    }
    const local = this.g.locals.take(I64);
    const entry = this.g.locals.take(I32);
    const at = this.g.locals.take(I64);
    const op = size === 64 ? i64.load : size === 32 ? i64.load32 : size === 16 ? i64.load16 : i64.load8;
    const { explore } = this.#c.features;
    const tag = i64.load(get(entry), modify ? TLB.tagWrite : TLB.tagRead);
    this.g.effect([address], (depth, a) => [
      set(at, a ?? []),
      set(entry, tlbEntry(core, get(at))),
      iff(
        // Only what is stored may be code.
        i64.eq(modify && !explore ? i64.and(tag, i64.const(~TLB.holdsCode)) : tag, this.#pageOf(at, bytes, explore)),
        set(local, op(i32.add(i32.wrap(get(at)), i32.load(get(entry), TLB.delta)))),
        [set(local, slow(get(at))), this.#c.afterCall ?? [], iff(globalGet(memory.globals.stop), this.#c.leave(depth + 2))],
      ),
    ]);
    return this.g.node([], () => get(local), { pinned: true, bits: size });
  }

  store(offset: Node, size: Size, value: Node, through: AccessKind = 'data'): void {
    const address = this.#linear(offset, size / 8, through, 'write');
    const { core, memory, inlineTlb, storeHit, features } = this.#c;
    const bytes = size / 8;
    const slow = (a: Code, v: Code): Code => [
      this.#spilled(true),
      call(memory.store, get(core), a, i32.const(bytes), v, i32.const(KINDS[through])),
    ];
    const narrow = this.zeroExtend(value, size);
    if (!inlineTlb) {
      this.g.effect([address, narrow], (_depth, a, v) => slow(a ?? [], v ?? []));
      this.#leaveOnStop();
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
        this.#c.afterCall ?? [],
        iff(globalGet(memory.globals.stop), this.#c.leave(depth + 1)),
      ];
      const { fixed } = this.#c;
      return [
        set(at, a ?? []),
        set(kept, v ?? []),
        set(entry, tlbEntry(core, get(at))),
        iff(
          i64.eq(i64.load(get(entry), TLB.tagWrite), this.#pageOf(at, bytes, features.journal)),
          hit,
          // The explorer learns of every store to a page with code which text is written.
          fixed === undefined || features.explore
            ? miss(depth + 1)
            : iff(this.#besideCode(entry, at, bytes, fixed.ram), hit, miss(depth + 2)),
        ),
      ];
    });
  }

  /**
   * The page of an access at the address in local `at`, to be compared with the tag of its TLB entry: something else where the access goes on on the next page, or,
   * with `aligned`, is not aligned (the journal keeps quadwords).
   */
  #pageOf(at: number, bytes: number, aligned: boolean): Code {
    if (aligned) return i64.and(get(at), i64.const(-4096n | BigInt(bytes - 1)));
    // The entry of the page in front never has the tag of the next one.
    return i64.and(bytes === 1 ? get(at) : i64.add(get(at), i64.const(bytes - 1)), i64.const(-4096));
  }

  /** Whether a store takes the slow path only because decoded instructions lie on its page, and not where it stores. */
  #besideCode(entry: number, at: number, bytes: number, ram: number): Code {
    const aligned = this.#c.features.journal;
    // Added, not or-ed: an address that is not aligned is no match.
    const onPage = i64.eq(i64.load(get(entry), TLB.tagWrite), i64.add(this.#pageOf(at, bytes, aligned), i64.const(TLB.holdsCode)));
    const physical = i32.sub(i32.add(i32.wrap(get(at)), i32.load(get(entry), TLB.delta)), i32.const(ram));
    const quads = aligned || bytes === 1 ? 1 : Math.ceil(bytes / 8) + 1;
    return iff(onPage, i32.eqz(holdsCode(physical, quads)), i32.const(0), I32);
  }

  /** In front of a call outside. */
  #spilled(write: boolean): Code {
    return this.#c.fixed?.call(write) ?? [];
  }

  #leaveOnStop(): void {
    this.g.effect([], (depth) => iff(globalGet(this.#c.memory.globals.stop), this.#c.leave(depth + 1)));
  }

  // ---- the extended state ----

  useExtended(): void {
    const { core, memory } = this.#c;
    this.g.effect([], () => iff(i32.eqz(i32.load(get(core), CORE.extendedUsed)), call(memory.beginExtended, get(core))));
  }

  readQuads(operand: Operand, size: Size = operand.size): Node[] {
    const count = size / 64;
    if (operand.kind === 'memory') {
      const address = this.address(operand);
      if (count > 1 && this.#wholeVectors) return this.#loadQuads(this.#linear(address, 8 * count, 'operand', 'read'), count);
      // A segment holds all of it or none; which of its pages is missing comes behind that.
      if (this.#i.codeSize !== 64) this.#linear(address, 8 * count, 'operand', 'read');
      return Array.from({ length: count }, (_, n) => this.load(this.add(address, this.constant(8 * n)), 64, 'operand'));
    }
    if (operand.kind !== 'vector') throw new Error(`${this.#i.mnemonic} has no quadwords in a ${operand.kind} operand`);
    const first = this.#vectorHalf(operand);
    if (first !== undefined) {
      const locals = Array.from({ length: Math.ceil(count / 2) }, (_, n) => this.#c.fixed!.vector(first + n, false));
      return locals.flatMap((local) => this.g.halves(local)).slice(0, count);
    }
    const address = this.#registerAddress(operand.slot);
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
      if (values.length > 1 && this.#wholeVectors && !this.#c.features.journal) {
        this.#storeQuads(this.#linear(address, 8 * values.length, 'operand', 'write'), values);
        return;
      }
      if (values.length > 1) this.probe(address, 8 * values.length, 'operand');
      values.forEach((v, n) => this.store(this.add(address, this.constant(8 * n)), 64, v, 'operand'));
      return;
    }
    if (operand.kind !== 'vector') throw new Error(`${this.#i.mnemonic} has no quadwords in a ${operand.kind} operand`);
    const half = this.#vectorHalf(operand);
    const all = clearUpper ? [...values, ...Array.from({ length: 4 - values.length }, () => this.constant(0))] : values;
    if (half !== undefined) {
      this.#writeHalves(half, all);
      return;
    }
    const address = this.#registerAddress(operand.slot);
    // An MMX register is a quadword and an exponent.
    if (operand.size < 128 || all.length % 2 !== 0) {
      this.g.effect([address, ...all], (_depth, a, ...codes) => codes.map((code, n) => i64.store(a ?? [], code, 8 * n)));
      return;
    }
    this.g.effect([address, ...this.#pairs(all)], (_depth, a, ...codes) => codes.map((code, n) => v128.store(a ?? [], code, 16 * n)));
  }

  /** Whether vectors in memory are looked up in the TLB once. Where accesses are visible each quadword is one. */
  get #wholeVectors(): boolean {
    return this.#c.inlineTlb && !this.#c.features.explore;
  }

  /** Which half of a vector register an operand begins with, where those are in locals. */
  #vectorHalf(operand: Extract<Operand, { kind: 'vector' }>): number | undefined {
    const { fixed } = this.#c;
    if (fixed === undefined) return undefined;
    const offset = operand.slot === 3 ? Number(fixed.fields.immediate & 0xffffn) : fixed.fields.registers[operand.slot];
    return isVector(offset) ? (offset - EXTENDED_AT) >> 4 : undefined;
  }

  #writeHalves(first: number, quads: readonly Node[]): void {
    const locals = Array.from({ length: Math.ceil(quads.length / 2) }, (_, n) => this.#c.fixed!.vector(first + n, true));
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
    const { core, memory } = this.#c;
    const kept = Array.from({ length: count / 2 }, () => this.g.locals.take(V128));
    const [at, entry] = [this.g.locals.take(I64), this.g.locals.take(I32)];
    this.g.effect([address], (depth, a) => [
      set(at, a ?? []),
      set(entry, tlbEntry(core, get(at))),
      iff(
        i64.eq(i64.load(get(entry), TLB.tagRead), this.#pageOf(at, 8 * count, false)),
        [
          set(entry, i32.add(i32.wrap(get(at)), i32.load(get(entry), TLB.delta))),
          kept.map((local, n) => set(local, v128.load(get(entry), 16 * n))),
        ],
        [
          this.#spilled(false),
          Array.from({ length: count }, (_, n) => {
            const local = kept[n >> 1] as number;
            const from = i64.add(get(at), i64.const(8 * n));
            return [
              set(
                local,
                i64x2.replace(get(local), n & 1, call(memory.load, get(core), from, i32.const(8), i32.const(KINDS.operand), i32.const(0))),
              ),
              n === 0 ? (this.#c.afterCall ?? []) : [],
              iff(globalGet(memory.globals.stop), this.#c.leave(depth + 2)),
            ];
          }),
        ],
      ),
    ]);
    return kept.flatMap((local) => this.g.halves(local));
  }

  #storeQuads(address: Node, values: readonly Node[]): void {
    const { core, memory } = this.#c;
    const bytes = 8 * values.length;
    const [at, entry] = [this.g.locals.take(I64), this.g.locals.take(I32)];
    const kept = Array.from({ length: values.length / 2 }, () => this.g.locals.take(V128));
    this.g.effect([address, ...this.#pairs(values)], (depth, a, ...codes) => {
      const { fixed } = this.#c;
      const check = (depth: number): Code => [this.#c.afterCall ?? [], iff(globalGet(memory.globals.stop), this.#c.leave(depth + 1))];
      const hit: Code = [
        set(entry, i32.add(i32.wrap(get(at)), i32.load(get(entry), TLB.delta))),
        kept.map((local, n) => v128.store(get(entry), get(local), 16 * n)),
      ];
      const miss = (depth: number): Code => [
        this.#spilled(true),
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
          i64.eq(i64.load(get(entry), TLB.tagWrite), this.#pageOf(at, bytes, false)),
          hit,
          fixed === undefined ? miss(depth + 1) : iff(this.#besideCode(entry, at, bytes, fixed.ram), hit, miss(depth + 2)),
        ),
      ];
    });
  }

  probe(offset: Node, bytes: number, through: AccessKind = 'data'): void {
    const address = this.#linear(offset, bytes, through, 'write');
    const { core, memory } = this.#c;
    this.g.effect([address], (_depth, a) => [
      this.#spilled(true),
      call(memory.probe, get(core), a ?? [], i32.const(bytes), i32.const(KINDS[through])),
    ]);
    this.#leaveOnStop();
  }

  #stacked(index: Code): Code {
    return i32.add(get(this.#c.core), i32.shl(i32.and(i32.wrap(index), i32.const(7)), i32.const(4)));
  }

  stacked(base: number, index: Node): Node {
    const { fixed } = this.#c;
    if (fixed !== undefined && isVector(base)) {
      const local = fixed.vector((base - EXTENDED_AT) >> 4, false);
      return this.g.halves(local)[(base >> 3) & 1]!;
    }
    return this.g.node([index], (n) => i64.load(this.#stacked(n), base), { pinned: true });
  }

  setStacked(base: number, index: Node, value: Node): void {
    const { fixed } = this.#c;
    if (fixed !== undefined && isVector(base)) {
      const local = fixed.vector((base - EXTENDED_AT) >> 4, true);
      this.g.effect([value], (_depth, code) => set(local, i64x2.replace(get(local), (base >> 3) & 1, code!)));
      return;
    }
    this.g.effect([index, value], (_depth, n, v) => i64.store(this.#stacked(n ?? []), v ?? [], base));
  }

  compute(helper: string, parameters: readonly Node[], results: number): Node[] {
    const number = helperNumber(helper);
    this.g.effect(parameters, (_depth, ...codes) => [
      codes.map((code, n) => i64.store(i32.const(HELPER_AT), code, 8 * n)),
      call(this.#c.helper, i32.const(number)),
    ]);
    return Array.from({ length: results }, (_, n) => {
      const result = this.g.node([], () => i64.load(i32.const(HELPER_AT), 8 * n), { pinned: true });
      // Taken at once: the next helper writes there, too.
      result.uses++;
      return result;
    });
  }

  float(helper: string, operands: readonly Node[], mxcsr: Node): { value: Node; flags: Node } {
    return floatElement(this.g, this.#c.float, helper, operands, mxcsr);
  }

  floatQuads(
    operations: readonly [string, string],
    size: 32 | 64,
    operands: readonly (readonly Node[])[],
    mxcsr: Node,
  ): { quads: Node[]; flags: Node } {
    return floatVectors(this.g, this.#c.float, { size, operations, single: false }, operands, mxcsr);
  }

  next(): Node {
    return this.#next;
  }
  current(): Node {
    return this.state('rip');
  }

  checkCanonical(target: Node): void {
    if (this.#i.codeSize !== 64) {
      this.when(this.ltUnsigned(this.state('csHigh'), target), () => this.raise(13, 0));
      return;
    }
    if (target.constant !== undefined && BigInt.asUintN(64, BigInt.asIntN(48, target.constant)) === target.constant) return;
    const sign = this.sar(this.shl(target, this.constant(16)), this.constant(16));
    this.when(this.ne(sign, target), () => this.raise(13, 0));
  }

  #nextVariable(): number {
    if (this.#nextLocal === undefined) {
      // Taken before any jump can be emitted: the handler's first statement must set it, whatever branch runs.
      this.#nextLocal = this.g.locals.take(I64);
      const local = this.#nextLocal;
      this.g.prepend((next) => set(local, next), this.#next);
    }
    this.#jumps = true;
    return this.#nextLocal;
  }

  jump(target: Node): void {
    const { fixed } = this.#c;
    if (fixed !== undefined) {
      const { constant } = target;
      if (constant !== undefined) this.g.effect([], (depth) => fixed.jump(constant, depth));
      else {
        const at = this.g.locals.take(I64);
        this.g.effect([target], (depth, t) => [set(at, t ?? []), fixed.jumpTo(at, depth)]);
      }
      return;
    }
    const local = this.#nextVariable();
    this.g.effect([target], (_depth, t) => set(local, t ?? []));
  }

  relativeTarget(): Node {
    const { fixed } = this.#c;
    if (fixed !== undefined) {
      const target = fixed.rip + BigInt(fixed.fields.length) + fixed.fields.immediate;
      return this.constant(BigInt.asUintN(this.#i.size, target));
    }
    const displacement = this.g.node([], () => i64.load(get(this.#c.record), RECORD.immediate));
    const target = this.add(this.#next, displacement);
    return this.#i.size === 64 ? target : this.zeroExtend(target, this.#i.size);
  }

  again(): void {
    this.jump(this.current());
  }

  raise(vector: number, errorCode: bigint | number | Node = 0): void {
    const error = typeof errorCode === 'object' ? errorCode : this.constant(errorCode);
    this.#event(this.constant(vector), error, 0);
  }

  trap(vector: number): void {
    this.#c.fixed?.decline();
    this.#event(this.constant(vector), this.constant(0), 1);
  }
  softwareInterrupt(vector: Node): void {
    this.#c.fixed?.decline();
    this.#event(vector, this.constant(0), 2);
  }

  #event(vector: Node, error: Node, kind: 0 | 1 | 2): void {
    const { core, memory } = this.#c;
    const spill = this.#c.fixed?.spill ?? [];
    // A fault goes back to the instruction: nobody asks what is behind it.
    const behind = kind === 0 ? [] : [this.#next];
    this.g.effect([vector, error, ...behind], (depth, v, e, n) => [
      spill,
      i64.store(get(core), v ?? [], CORE.stopVector),
      i64.store(get(core), e ?? [], CORE.stopError),
      i64.store(get(core), i64.const(kind), CORE.stopKind),
      n === undefined ? [] : i64.store(get(core), n, CORE.stopNext),
      globalSet(memory.globals.stop, i32.const(Stop.exception + 1)),
      this.#c.leave(depth),
    ]);
  }

  drainStoreBuffer(): void {
    const { core, memory, features, fence } = this.#c;
    if (features.tso) {
      this.g.effect([], (depth) =>
        iff(i32.load(get(core), CORE.storeBufferCount), [
          this.#c.fixed?.spill ?? [],
          globalSet(memory.globals.stop, i32.const(Stop.drain + 1)),
          this.#c.leave(depth + 1),
        ]),
      );
    }
    if (features.fence && this.#i.mnemonic === 'mfence') {
      this.g.effect([], (depth) => [this.#spilled(false), iff(call(fence, get(core)), this.#c.leave(depth + 1))]);
    }
  }

  system(): void {
    this.#c.fixed?.decline();
    const { core, record, system } = this.#c;
    this.#ownsRip = true;
    const status = this.g.locals.take(I32);
    this.g.effect([], (depth) => [
      set(status, call(system, get(core), get(record))),
      this.#c.afterCall ?? [],
      iff(i32.eq(get(status), i32.const(1)), this.#c.leave(depth + 1)),
      iff(i32.eq(get(status), i32.const(2)), this.#c.leaveRetired(depth + 1)),
    ]);
  }
}
