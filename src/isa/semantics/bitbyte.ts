import type { Instruction, Operand } from '../instruction.ts';
import type { Vocabulary } from '../vocabulary.ts';
import type { Category, Semantics } from './semantics.ts';

/** Bits of a bit string, scans and counts (SDM Vol. 2: BT, BTS, BTR, BTC, BSF, BSR, TZCNT, LZCNT, POPCNT). */

type Change = <V>(p: Vocabulary<V>, value: V, mask: V) => V;

/** CF becomes the bit; the other arithmetic flags stay. `change` makes the value to write, for all but BT. */
const bitTest =
  (change?: Change): Semantics =>
  (p, i) => {
    const [base, position] = i.operands;
    const index = p.read(position);
    const element = elementOf(p, i, base, position, index, change !== undefined);
    const n = p.and(index, p.constant(i.size - 1));
    const carry = p.and(p.shr(element.value, n), p.constant(1));
    if (change !== undefined) element.write(change(p, element.value, p.shl(p.constant(1), n)));
    p.setFlags({ CF: carry });
  };

interface Element<V> {
  readonly value: V;
  write(value: V): void;
}

/**
 * Where the bit is: the operand itself, or with memory and an offset in a register the operand-sized word that has it, up to 2^60 bytes
 * to either side (SDM Vol. 2, "Bit(BitBase, BitOffset)").
 */
function elementOf<V>(p: Vocabulary<V>, i: Instruction, base: Operand, position: Operand, index: V, modify: boolean): Element<V> {
  if (base.kind !== 'memory' || position.kind === 'immediate') {
    return { value: modify ? p.readModify(base) : p.read(base), write: (value) => p.write(base, value) };
  }
  const size = i.size;
  const words = p.sar(p.signExtend(index, size), p.constant(Math.log2(size)));
  const bytes = p.shl(words, p.constant(Math.log2(size / 8)));
  const address =
    i.addressSize === 64
      ? p.add(p.address(base), bytes)
      : p.add(p.segmentBase(), p.zeroExtend(p.add(p.offset(base), bytes), i.addressSize));
  return {
    value: modify ? p.loadModify(address, size, 'operand') : p.load(address, size, 'operand'),
    write: (value) => p.store(address, size, value, 'operand'),
  };
}

/** ZF says that the source was 0, and then the destination stays (as AMD documents; the 32-bit form keeps the upper half too). */
const scan =
  (position: <V>(p: Vocabulary<V>, value: V) => V): Semantics =>
  (p, i) => {
    const value = p.read(i.operands[1]);
    p.when(value, () => p.write(i.operands[0], position(p, value)));
    p.setFlags({ ZF: p.eq(value, p.constant(0)) });
  };

/** CF: the source was 0. ZF: the result is. Of the others, undefined in the manual, OF stays and the rest is cleared, as on AMD processors. */
const count =
  (counted: <V>(p: Vocabulary<V>, value: V, size: number) => V): Semantics =>
  (p, i) => {
    const value = p.read(i.operands[1]);
    const result = counted(p, value, i.size);
    const zero = p.constant(0);
    p.write(i.operands[0], result);
    p.setFlags({ CF: p.eq(value, zero), ZF: p.eq(result, zero), SF: zero, PF: zero, AF: zero });
  };

const popcnt: Semantics = (p, i) => {
  const value = p.read(i.operands[1]);
  const zero = p.constant(0);
  p.write(i.operands[0], p.popcnt(value));
  p.setFlags({ ZF: p.eq(value, zero), CF: zero, OF: zero, SF: zero, PF: zero, AF: zero });
};

export const bitbyte: Category = {
  bt: bitTest(),
  bts: bitTest((p, value, mask) => p.or(value, mask)),
  btr: bitTest((p, value, mask) => p.and(value, p.not(mask))),
  btc: bitTest((p, value, mask) => p.xor(value, mask)),
  bsf: scan((p, value) => p.ctz(value)),
  bsr: scan((p, value) => p.sub(p.constant(63), p.clz(value))),
  // A one just above the operand stops the count there.
  tzcnt: count((p, value, size) => p.ctz(size === 64 ? value : p.or(value, p.constant(1n << BigInt(size))))),
  lzcnt: count((p, value, size) => p.sub(p.clz(value), p.constant(64 - size))),
  popcnt,
};
