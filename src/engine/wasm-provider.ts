import { AF, CF, DF, gprOffset, OF, OFFSET, PF, SF, type StateWord, ZF } from '../isa/core-state.ts';
import type { Instruction, Operand, Size } from '../isa/instruction.ts';
import { RECORD } from '../isa/record.ts';
import type { AccessKind, FlagName, Vocabulary } from '../isa/vocabulary.ts';
import { comparison, type Graph, type Node, truth } from './graph.ts';
import { CORE, Stop, TLB } from './layout.ts';
import type { Features, MemoryFunctions } from './memory-abi.ts';
import { tlbEntry } from './tlb-code.ts';
import { block, br, brIf, type Code, call, get, globalGet, globalSet, I32, I64, i32, i64, iff, loop, select, set } from './wasm/code.ts';

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
  readonly storeHit: Readonly<Record<8 | 16 | 32 | 64, number>>;
  /** Local that holds RIP, where it is kept in one beside memory; and what must be done after TypeScript may have run. */
  readonly rip?: number;
  readonly afterCall?: Code;
  /** Leaves the handler with a stop noted; `depth` is how many blocks the handler has opened. */
  leave(depth: number): Code;
  /** Leaves with the instruction retired but the machine to be asked before the next one. */
  leaveRetired(depth: number): Code;
}

const KINDS: Record<AccessKind, number> = { data: 0, stack: 1, operand: 2 };
const ONE = 1n;

/** The vocabulary as a generator of WebAssembly: one handler for one static form. */
export class WasmProvider implements Vocabulary<Node> {
  readonly #g: Graph;
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
    this.#g = graph;
    this.#i = instruction;
    this.#c = context;
    const rip = context.rip === undefined ? i64.load(get(context.core), OFFSET.rip) : get(context.rip);
    this.#next = graph.node([], () => i64.add(rip, i64.load8(get(context.record), RECORD.length)), { pinned: true });
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
    const body = this.#g.emit();
    const { rip } = this.#c;
    if (this.#ownsRip) return rip === undefined ? body : [body, set(rip, i64.load(get(this.#c.core), OFFSET.rip))];
    const target = start === undefined || !this.#jumps ? this.#g.use(this.#next) : get(start);
    const retire: Code =
      rip === undefined
        ? [body, i64.store(get(this.#c.core), target, OFFSET.rip)]
        : [body, set(rip, target), i64.store(get(this.#c.core), get(rip), OFFSET.rip)];
    if (this.#oldFlags === undefined) return retire;
    const changed = i64.and(i64.xor(get(this.#oldFlags), i64.load(get(this.#c.core), OFFSET.flagSystem)), i64.const(~DF));
    return [retire, iff(i64.ne(changed, i64.const(0)), this.#c.leaveRetired(1))];
  }

  constant(value: bigint | number): Node {
    return this.#g.constant(BigInt(value));
  }
  add(a: Node, b: Node): Node {
    return a.constant === 0n ? b : b.constant === 0n ? a : this.#g.node([a, b], i64.add);
  }
  sub(a: Node, b: Node): Node {
    return b.constant === 0n ? a : this.#g.node([a, b], i64.sub);
  }
  mul(a: Node, b: Node): Node {
    return this.#g.node([a, b], i64.mul);
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
    return this.#g.node([a, b], i64.and, { bits: Math.min(a.bits, b.bits) });
  }
  or(a: Node, b: Node): Node {
    return this.#g.node([a, b], i64.or, { bits: Math.max(a.bits, b.bits) });
  }
  xor(a: Node, b: Node): Node {
    return this.#g.node([a, b], i64.xor, { bits: Math.max(a.bits, b.bits) });
  }
  not(a: Node): Node {
    return this.#g.node([a], (x) => i64.xor(x, i64.const(-1)));
  }
  shl(a: Node, count: Node): Node {
    return this.#g.node([a, count], i64.shl);
  }
  shr(a: Node, count: Node): Node {
    const bits = count.constant === undefined ? a.bits : Math.max(0, a.bits - Number(count.constant & 63n));
    return this.#g.node([a, count], i64.shrU, { bits });
  }
  sar(a: Node, count: Node): Node {
    return this.#g.node([a, count], i64.shrS);
  }
  rotl(a: Node, count: Node): Node {
    return this.#g.node([a, count], i64.rotl);
  }
  clz(a: Node): Node {
    return this.#g.node([a], i64.clz, { bits: 7 });
  }
  ctz(a: Node): Node {
    return this.#g.node([a], i64.ctz, { bits: 7 });
  }
  popcnt(a: Node): Node {
    return this.#g.node([a], i64.popcnt, { bits: 7 });
  }
  eq(a: Node, b: Node): Node {
    return b.constant === 0n ? comparison(this.#g, [a], i64.eqz) : comparison(this.#g, [a, b], i64.eq);
  }
  ne(a: Node, b: Node): Node {
    return comparison(this.#g, [a, b], i64.ne);
  }
  ltUnsigned(a: Node, b: Node): Node {
    return comparison(this.#g, [a, b], i64.ltU);
  }
  ltSigned(a: Node, b: Node): Node {
    return comparison(this.#g, [a, b], i64.ltS);
  }
  select(condition: Node, a: Node, b: Node): Node {
    return this.#g.node([a, b, truth(this.#g, condition)], select, { bits: Math.max(a.bits, b.bits) });
  }

  zeroExtend(a: Node, size: Size): Node {
    if (a.bits <= size || size >= 64) return a;
    return this.#g.node([a], (x) => i64.and(x, i64.const((ONE << BigInt(size)) - 1n)), { bits: size });
  }

  signExtend(a: Node, size: Size): Node {
    if (size >= 64) return a;
    if (size === 8) return this.#g.node([a], i64.extend8S);
    if (size === 16) return this.#g.node([a], i64.extend16S);
    return this.#g.node([a], i64.extend32S);
  }

  /** Shift-subtract division; one 64-bit hardware division where the high half is zero. */
  divideUnsigned(high: Node, low: Node, divisor: Node): { quotient: Node; remainder: Node } {
    const q = this.variable(low);
    const r = this.variable(high);
    this.when(
      this.eq(high, this.constant(0)),
      () => {
        const quotient = this.#g.node([low, divisor], i64.divU, { pinned: true });
        r.set(this.#g.node([low, divisor], i64.remU, { pinned: true }));
        q.set(quotient);
      },
      () => {
        const n = this.variable(this.constant(0));
        this.loop(
          () => this.ltUnsigned(n.get(), this.constant(64)),
          () => {
            const [remainder, quotient] = [r.get(), q.get()];
            const carry = this.shr(remainder, this.constant(63));
            const shifted = this.or(this.shl(remainder, this.constant(1)), this.shr(quotient, this.constant(63)));
            const fits = this.or(carry, this.eq(this.ltUnsigned(shifted, divisor), this.constant(0)));
            r.set(this.select(fits, this.sub(shifted, divisor), shifted));
            q.set(this.or(this.shl(quotient, this.constant(1)), this.zeroExtend(fits, 8)));
            n.set(this.add(n.get(), this.constant(1)));
          },
        );
      },
    );
    return { quotient: q.get(), remainder: r.get() };
  }

  when(condition: Node, then: () => void, otherwise?: () => void): void {
    const c = truth(this.#g, condition);
    const a = this.#g.nested(then);
    const b = otherwise === undefined ? undefined : this.#g.nested(otherwise);
    this.#g.effect([c], (depth, code) => iff(code ?? [], a(depth + 1), b?.(depth + 1)));
  }

  loop(condition: () => Node, body: () => void): void {
    let test: Node | undefined;
    const check = this.#g.nested(() => {
      test = truth(this.#g, condition());
      test.uses++;
    });
    const inside = this.#g.nested(body);
    this.#g.effect([], (depth) => {
      const before = check(depth + 2);
      return block(loop([before, brIf(1, i32.eqz(this.#g.use(test as Node))), inside(depth + 2), br(0)]));
    });
  }

  variable(initial: Node): { get(): Node; set(value: Node): void } {
    const local = this.#g.locals.take(I64);
    const assign = (value: Node): void => this.#g.effect([value], (_depth, code) => set(local, code ?? []));
    assign(initial);
    return { get: () => this.#g.node([], () => get(local), { pinned: true }), set: assign };
  }

  read(operand: Operand): Node {
    if (operand.kind === 'register') return this.#readRegister(this.#registerAddress(operand.slot), operand.size);
    if (operand.kind === 'memory') return this.load(this.address(operand), operand.size, 'operand');
    const immediate = this.#g.node([], () => i64.load(get(this.#c.record), RECORD.immediate));
    return operand.size >= 64 ? immediate : this.zeroExtend(immediate, operand.size);
  }

  readModify(operand: Operand): Node {
    return operand.kind === 'memory' ? this.loadModify(this.address(operand), operand.size, 'operand') : this.read(operand);
  }

  write(operand: Operand, value: Node): void {
    if (operand.kind === 'memory') this.store(this.address(operand), operand.size, value, 'operand');
    else if (operand.kind === 'register') this.#writeRegister(this.#registerAddress(operand.slot), operand.size, value);
    else throw new Error(`${this.#i.mnemonic} writes an immediate`);
  }

  #registerAddress(slot: 0 | 1 | 2): Node {
    const field = [RECORD.reg0, RECORD.reg1, RECORD.reg2][slot] as number;
    return this.#g.node([], () => i32.add(get(this.#c.core), i32.load16(get(this.#c.record), field)), { type: I32 });
  }

  #readRegister(address: Node, size: Size): Node {
    const op = size === 64 ? i64.load : size === 32 ? i64.load32 : size === 16 ? i64.load16 : i64.load8;
    return this.#g.node([address], (a) => op(a), { pinned: true, bits: size });
  }

  #writeRegister(address: Node, size: Size, value: Node): void {
    const v = size === 32 ? this.zeroExtend(value, 32) : value;
    const op = size >= 32 ? i64.store : size === 16 ? i64.store16 : i64.store8;
    this.#g.effect([address, v], (_depth, a, x) => op(a ?? [], x ?? []));
  }

  offset(operand: Operand): Node {
    if (operand.kind !== 'memory') throw new Error('only a memory operand has an address');
    const c = this.#c;
    const base = i64.load(i32.add(get(c.core), i32.load16(get(c.record), RECORD.base)));
    const index = i64.load(i32.add(get(c.core), i32.load16(get(c.record), RECORD.index)));
    const scaled = i64.shl(index, i64.and(i64.load8(get(c.record), RECORD.scale), i64.const(3)));
    const sum = this.#g.node([], () => i64.add(i64.add(base, scaled), i64.load32S(get(c.record), RECORD.displacement)), { pinned: true });
    return this.#i.addressSize === 32 ? this.zeroExtend(sum, 32) : sum;
  }

  address(operand: Operand): Node {
    if (this.#addressCache !== undefined) return this.#addressCache;
    const offset = this.offset(operand);
    return this.#i.addressForm === 'general' ? this.add(offset, this.segmentBase()) : offset;
  }

  segmentBase(): Node {
    const c = this.#c;
    return this.#g.node([], () => i64.load(i32.add(get(c.core), i32.load16(get(c.record), RECORD.segment))), { pinned: true });
  }

  register(n: number, size: Size): Node {
    const op = size === 64 ? i64.load : size === 32 ? i64.load32 : size === 16 ? i64.load16 : i64.load8;
    return this.#g.node([], () => op(get(this.#c.core), gprOffset(n)), { pinned: true, bits: size });
  }

  setRegister(n: number, size: Size, value: Node): void {
    const v = size === 32 ? this.zeroExtend(value, 32) : value;
    const op = size >= 32 ? i64.store : size === 16 ? i64.store16 : i64.store8;
    this.#g.effect([v], (_depth, x) => op(get(this.#c.core), x ?? [], gprOffset(n)));
  }

  state(word: StateWord): Node {
    return this.#g.node([], () => i64.load(get(this.#c.core), OFFSET[word]), { pinned: true });
  }

  /** Changes of IF, TF and their like make the machine look at the core before the next instruction. */
  setState(word: StateWord, value: Node): void {
    if (word === 'flagSystem') {
      this.#oldFlags = this.#g.locals.take(I64);
      const local = this.#oldFlags;
      this.#g.effect([], () => set(local, i64.load(get(this.#c.core), OFFSET.flagSystem)));
    }
    this.#g.effect([value], (_depth, x) => i64.store(get(this.#c.core), x ?? [], OFFSET[word]));
  }

  load(address: Node, size: Size, through: AccessKind = 'data'): Node {
    return this.#load(address, size, through, false);
  }

  loadModify(address: Node, size: Size, through: AccessKind = 'data'): Node {
    const whole = this.#i.mnemonic === 'cmpxchg16b' ? 16 : size / 8;
    if (this.#i.lock && !this.#lockBegun) {
      this.#lockBegun = true;
      const { memory, core } = this.#c;
      this.#g.effect([address], (_depth, a) => call(memory.lockBegin, get(core), a ?? [], i32.const(whole), i32.const(KINDS[through])));
      this.#leaveOnStop();
    }
    return this.#load(address, size, through, true);
  }

  #load(address: Node, size: Size, through: AccessKind, modify: boolean): Node {
    const { core, memory, inlineTlb } = this.#c;
    const bytes = size / 8;
    const slow = (a: Code): Code => call(memory.load, get(core), a, i32.const(bytes), i32.const(KINDS[through]), i32.const(modify ? 1 : 0));
    if (!inlineTlb) {
      const value = this.#g.node([address], slow, { pinned: true, bits: size });
      value.uses++;
      this.#leaveOnStop();
      return value;
    }
    const local = this.#g.locals.take(I64);
    const entry = this.#g.locals.take(I32);
    const at = this.#g.locals.take(I64);
    const op = size === 64 ? i64.load : size === 32 ? i64.load32 : size === 16 ? i64.load16 : i64.load8;
    this.#g.effect([address], (depth, a) => [
      set(at, a ?? []),
      set(entry, tlbEntry(core, get(at))),
      iff(
        i64.eq(i64.load(get(entry), modify ? TLB.tagWrite : TLB.tagRead), i64.and(get(at), i64.const(-4096n | BigInt(bytes - 1)))),
        set(local, op(i32.add(i32.wrap(get(at)), i32.load(get(entry), TLB.delta)))),
        [set(local, slow(get(at))), this.#c.afterCall ?? [], iff(globalGet(memory.globals.stop), this.#c.leave(depth + 2))],
      ),
    ]);
    return this.#g.node([], () => get(local), { pinned: true, bits: size });
  }

  store(address: Node, size: Size, value: Node, through: AccessKind = 'data'): void {
    const { core, memory, inlineTlb, storeHit, features } = this.#c;
    const bytes = size / 8;
    const slow = (a: Code, v: Code): Code => call(memory.store, get(core), a, i32.const(bytes), v, i32.const(KINDS[through]));
    const narrow = this.zeroExtend(value, size);
    if (!inlineTlb) {
      this.#g.effect([address, narrow], (_depth, a, v) => slow(a ?? [], v ?? []));
      this.#leaveOnStop();
      return;
    }
    const entry = this.#g.locals.take(I32);
    const at = this.#g.locals.take(I64);
    const kept = this.#g.locals.take(I64);
    const plain = size === 64 ? i64.store : size === 32 ? i64.store32 : size === 16 ? i64.store16 : i64.store8;
    this.#g.effect([address, narrow], (depth, a, v) => {
      const host = i32.add(i32.wrap(get(at)), i32.load(get(entry), TLB.delta));
      return [
        set(at, a ?? []),
        set(kept, v ?? []),
        set(entry, tlbEntry(core, get(at))),
        iff(
          i64.eq(i64.load(get(entry), TLB.tagWrite), i64.and(get(at), i64.const(-4096n | BigInt(bytes - 1)))),
          features.journal
            ? call(storeHit[size as 8 | 16 | 32 | 64], host, get(kept), i32.load(get(entry), TLB.info))
            : plain(host, get(kept)),
          [slow(get(at), get(kept)), this.#c.afterCall ?? [], iff(globalGet(memory.globals.stop), this.#c.leave(depth + 2))],
        ),
      ];
    });
  }

  #leaveOnStop(): void {
    this.#g.effect([], (depth) => iff(globalGet(this.#c.memory.globals.stop), this.#c.leave(depth + 1)));
  }

  flagsLogic(result: Node, size: Size): void {
    this.#setLazy(this.signExtend(result, size), this.constant(0));
  }

  flagsArithmetic(result: Node, carries: Node, size: Size): void {
    const top = size === 64 ? carries : this.shl(carries, this.constant(64 - size));
    const kept =
      size === 64
        ? this.and(carries, this.constant(0xc000000000000008n))
        : this.or(this.and(top, this.constant(0xc000000000000000n)), this.and(carries, this.constant(8)));
    this.#setLazy(this.signExtend(result, size), kept);
  }

  flagsArithmeticKeepCarry(result: Node, carries: Node, size: Size): void {
    const cf = this.and(this.state('flagCarry'), this.constant(1n << 63n));
    const top = size === 64 ? carries : this.shl(carries, this.constant(64 - size));
    // OF = carry out xor carry in of the sign bit; bit 62 holds CF xor OF.
    const of = this.and(this.xor(top, this.shl(top, this.constant(1))), this.constant(1n << 63n));
    const bit62 = this.shr(this.xor(cf, of), this.constant(1));
    this.#setLazy(this.signExtend(result, size), this.or(this.or(cf, bit62), this.and(carries, this.constant(8))));
  }

  #setLazy(result: Node, carry: Node): void {
    this.#g.effect([result, carry], (_depth, r, c) => [
      i64.store(get(this.#c.core), r ?? [], OFFSET.flagResult),
      i64.store(get(this.#c.core), c ?? [], OFFSET.flagCarry),
    ]);
  }

  setFlags(flags: Partial<Record<FlagName, Node>>): void {
    const of = (name: FlagName): Node => flags[name] ?? this.flag(name);
    if (flags.ZF === undefined && flags.SF === undefined && flags.PF === undefined) {
      const old = this.state('flagCarry');
      const cf = of('CF');
      const carry = this.or(this.shl(cf, this.constant(63)), this.shl(this.xor(cf, of('OF')), this.constant(62)));
      const af = flags.AF === undefined ? this.and(old, this.constant(8)) : this.shl(flags.AF, this.constant(3));
      this.#setLazy(this.state('flagResult'), this.or(this.or(carry, af), this.and(old, this.constant(3))));
      return;
    }
    this.#encodeFlags({ CF: of('CF'), PF: of('PF'), AF: of('AF'), ZF: of('ZF'), SF: of('SF'), OF: of('OF') });
  }

  /** See `lazyFlags`: result 0 for ZF, else 1; the two corrections make up for its sign and parity. */
  #encodeFlags(f: Record<FlagName, Node>): void {
    const one = this.constant(1);
    const result = this.xor(f.ZF, one);
    const parity = f.ZF;
    const carry = this.or(
      this.or(this.shl(f.CF, this.constant(63)), this.shl(this.xor(f.CF, f.OF), this.constant(62))),
      this.or(this.shl(f.AF, this.constant(3)), this.or(this.shl(f.SF, one), this.xor(f.PF, parity))),
    );
    this.#setLazy(result, carry);
  }

  flag(name: FlagName): Node {
    const bit = (n: Node, at: number): Node => this.and(this.shr(n, this.constant(at)), this.constant(1));
    const carry = (): Node => this.state('flagCarry');
    const result = (): Node => this.state('flagResult');
    switch (name) {
      case 'ZF':
        return this.eq(result(), this.constant(0));
      case 'CF':
        return this.shr(carry(), this.constant(63));
      case 'AF':
        return bit(carry(), 3);
      case 'SF':
        return this.xor(this.shr(result(), this.constant(63)), bit(carry(), 1));
      case 'OF': {
        const c = carry();
        return this.xor(this.shr(c, this.constant(63)), bit(c, 62));
      }
      case 'PF': {
        const odd = this.and(this.popcnt(this.and(result(), this.constant(0xff))), this.constant(1));
        return this.xor(this.xor(odd, this.constant(1)), this.and(carry(), this.constant(1)));
      }
    }
  }

  arithmeticFlags(): Node {
    const at = (name: FlagName, mask: number): Node => this.shl(this.flag(name), this.constant(Math.log2(mask)));
    const pairs: [FlagName, number][] = [
      ['CF', CF],
      ['PF', PF],
      ['AF', AF],
      ['ZF', ZF],
      ['SF', SF],
      ['OF', OF],
    ];
    return pairs.map(([n, m]) => at(n, m)).reduce((a, b) => this.or(a, b));
  }

  setArithmeticFlags(value: Node): void {
    const bit = (mask: number): Node => this.and(this.shr(value, this.constant(Math.log2(mask))), this.constant(1));
    this.#encodeFlags({ CF: bit(CF), PF: bit(PF), AF: bit(AF), ZF: bit(ZF), SF: bit(SF), OF: bit(OF) });
  }

  next(): Node {
    return this.#next;
  }
  current(): Node {
    return this.state('rip');
  }

  checkCanonical(target: Node): void {
    const sign = this.sar(this.shl(target, this.constant(16)), this.constant(16));
    this.when(this.ne(sign, target), () => this.raise(13, 0));
  }

  #nextVariable(): number {
    if (this.#nextLocal === undefined) {
      // Taken before any jump can be emitted: the handler's first statement must set it, whatever branch runs.
      this.#nextLocal = this.#g.locals.take(I64);
      const local = this.#nextLocal;
      this.#g.prepend((next) => set(local, next), this.#next);
    }
    this.#jumps = true;
    return this.#nextLocal;
  }

  jump(target: Node): void {
    const local = this.#nextVariable();
    this.#g.effect([target], (_depth, t) => set(local, t ?? []));
  }

  relativeTarget(): Node {
    const displacement = this.#g.node([], () => i64.load(get(this.#c.record), RECORD.immediate));
    return this.add(this.#next, displacement);
  }

  again(): void {
    this.jump(this.current());
  }

  raise(vector: number, errorCode: bigint | number | Node = 0): void {
    const error = typeof errorCode === 'object' ? errorCode : this.constant(errorCode);
    this.#event(this.constant(vector), error, 0);
  }

  trap(vector: number): void {
    this.#event(this.constant(vector), this.constant(0), 1);
  }
  softwareInterrupt(vector: Node): void {
    this.#event(vector, this.constant(0), 2);
  }

  #event(vector: Node, error: Node, kind: 0 | 1 | 2): void {
    const { core, memory } = this.#c;
    this.#g.effect([vector, error, this.#next], (depth, v, e, n) => [
      i64.store(get(core), v ?? [], CORE.stopVector),
      i64.store(get(core), e ?? [], CORE.stopError),
      i64.store(get(core), i64.const(kind), CORE.stopKind),
      i64.store(get(core), n ?? [], CORE.stopNext),
      globalSet(memory.globals.stop, i32.const(Stop.exception + 1)),
      this.#c.leave(depth),
    ]);
  }

  drainStoreBuffer(): void {
    const { core, memory, features, fence } = this.#c;
    if (features.tso) {
      this.#g.effect([], (depth) =>
        iff(i32.load(get(core), CORE.storeBufferCount), [
          globalSet(memory.globals.stop, i32.const(Stop.drain + 1)),
          this.#c.leave(depth + 1),
        ]),
      );
    }
    if (features.fence && this.#i.mnemonic === 'mfence') {
      this.#g.effect([], (depth) => iff(call(fence, get(core)), this.#c.leave(depth + 1)));
    }
  }

  system(): void {
    const { core, record, system } = this.#c;
    this.#ownsRip = true;
    const status = this.#g.locals.take(I32);
    this.#g.effect([], (depth) => [
      set(status, call(system, get(core), get(record))),
      this.#c.afterCall ?? [],
      iff(i32.eq(get(status), i32.const(1)), this.#c.leave(depth + 1)),
      iff(i32.eq(get(status), i32.const(2)), this.#c.leaveRetired(depth + 1)),
    ]);
  }
}
