import { AF, CF, OF, OFFSET, PF, SF, type StateWord, ZF } from '../isa/core-state.ts';
import type { Size } from '../isa/instruction.ts';
import type { FlagName } from '../isa/vocabulary.ts';
import type { Graph, Node } from './graph.ts';
import { get, i64 } from './wasm/code.ts';
import { WasmArithmetic } from './wasm-arithmetic.ts';

/** The part of the vocabulary that reads and sets the six arithmetic flags, on the lazy words of `isa/flags.ts`. */
export abstract class WasmFlags extends WasmArithmetic {
  protected readonly coreLocal: number;

  /** `coreLocal` holds the core's block. */
  constructor(graph: Graph, coreLocal: number) {
    super(graph);
    this.coreLocal = coreLocal;
  }

  abstract state(word: StateWord): Node;

  flagsLogic(result: Node, size: Size): void {
    this.setLazy(this.signExtend(result, size), this.constant(0));
  }

  flagsArithmetic(result: Node, carries: Node, size: Size): void {
    const top = size === 64 ? carries : this.shl(carries, this.constant(64 - size));
    const kept =
      size === 64
        ? this.and(carries, this.constant(0xc000000000000008n))
        : this.or(this.and(top, this.constant(0xc000000000000000n)), this.and(carries, this.constant(8)));
    this.setLazy(this.signExtend(result, size), kept);
  }

  flagsArithmeticKeepCarry(result: Node, carries: Node, size: Size): void {
    const cf = this.and(this.state('flagCarry'), this.constant(1n << 63n));
    const top = size === 64 ? carries : this.shl(carries, this.constant(64 - size));
    // OF = carry out xor carry in of the sign bit; bit 62 holds CF xor OF.
    const of = this.and(this.xor(top, this.shl(top, this.constant(1))), this.constant(1n << 63n));
    const bit62 = this.shr(this.xor(cf, of), this.constant(1));
    this.setLazy(this.signExtend(result, size), this.or(this.or(cf, bit62), this.and(carries, this.constant(8))));
  }

  protected setLazy(result: Node, carry: Node): void {
    this.g.effect([result, carry], (_depth, r, c) => [
      i64.store(get(this.coreLocal), r ?? [], OFFSET.flagResult),
      i64.store(get(this.coreLocal), c ?? [], OFFSET.flagCarry),
    ]);
  }

  setFlags(flags: Partial<Record<FlagName, Node>>): void {
    const of = (name: FlagName): Node => flags[name] ?? this.flag(name);
    if (flags.ZF === undefined && flags.SF === undefined && flags.PF === undefined) {
      const old = this.state('flagCarry');
      const cf = of('CF');
      const carry = this.or(this.shl(cf, this.constant(63)), this.shl(this.xor(cf, of('OF')), this.constant(62)));
      const af = flags.AF === undefined ? this.and(old, this.constant(8)) : this.shl(flags.AF, this.constant(3));
      this.setLazy(this.state('flagResult'), this.or(this.or(carry, af), this.and(old, this.constant(3))));
      return;
    }
    this.encodeFlags({ CF: of('CF'), PF: of('PF'), AF: of('AF'), ZF: of('ZF'), SF: of('SF'), OF: of('OF') });
  }

  /** See `lazyFlags`: result 0 for ZF, else 1; the two corrections make up for its sign and parity. */
  protected encodeFlags(f: Record<FlagName, Node>): void {
    const one = this.constant(1);
    const result = this.xor(f.ZF, one);
    const parity = f.ZF;
    const carry = this.or(
      this.or(this.shl(f.CF, this.constant(63)), this.shl(this.xor(f.CF, f.OF), this.constant(62))),
      this.or(this.shl(f.AF, this.constant(3)), this.or(this.shl(f.SF, one), this.xor(f.PF, parity))),
    );
    this.setLazy(result, carry);
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
    this.encodeFlags({ CF: bit(CF), PF: bit(PF), AF: bit(AF), ZF: bit(ZF), SF: bit(SF), OF: bit(OF) });
  }
}
