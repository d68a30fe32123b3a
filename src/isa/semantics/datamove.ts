import { RAX, RBX } from '../core-state.ts';
import type { Size } from '../instruction.ts';
import type { Vocabulary } from '../vocabulary.ts';
import type { Category, Semantics } from './semantics.ts';

/** Moves and conversions (SDM Vol. 2: MOV, MOVZX, MOVSX/MOVSXD, MOVNTI, MOVBE, LEA, BSWAP, XLAT, CBW/CWDE/CDQE, CWD/CDQ/CQO). */

const mov: Semantics = (p, i) => {
  p.write(i.operands[0], p.read(i.operands[1]));
};

/** The address is the immediate operand, in DS or the named segment. */
const movabs: Semantics = (p, i) => {
  const [destination, source] = i.operands;
  if (destination.kind === 'immediate') {
    p.store(p.add(p.segmentBase(), p.read(destination)), i.operands[1].size, p.read(source));
  } else {
    p.write(destination, p.load(p.add(p.segmentBase(), p.read(source)), destination.size));
  }
};

const movsx: Semantics = (p, i) => {
  p.write(i.operands[0], p.signExtend(p.read(i.operands[1]), i.operands[1].size));
};

const lea: Semantics = (p, i) => {
  p.write(i.operands[0], p.offset(i.operands[1]));
};

/** The bytes of the low `size` bits in opposite order. */
function swapBytes<V>(p: Vocabulary<V>, value: V, size: Size): V {
  const swapHalves = (v: V, by: number, mask: bigint): V =>
    p.or(p.and(p.shr(v, p.constant(by)), p.constant(mask)), p.shl(p.and(v, p.constant(mask)), p.constant(by)));
  let swapped = swapHalves(value, 8, 0x00ff00ff00ff00ffn);
  if (size > 16) swapped = swapHalves(swapped, 16, 0x0000ffff0000ffffn);
  return size > 32 ? p.rotl(swapped, p.constant(32)) : swapped;
}

/** The result of BSWAP of a 16-bit register is undefined in the manual; processors give 0. */
const bswap: Semantics = (p, i) => {
  const value = p.read(i.operands[0]);
  p.write(i.operands[0], i.size === 16 ? p.constant(0) : swapBytes(p, value, i.size));
};

const movbe: Semantics = (p, i) => {
  p.write(i.operands[0], swapBytes(p, p.read(i.operands[1]), i.size));
};

const xlat: Semantics = (p, i) => {
  const offset = p.zeroExtend(p.add(p.register(RBX, 64), p.register(RAX, 8)), i.addressSize);
  p.setRegister(RAX, 8, p.load(p.add(p.segmentBase(), offset), 8));
};

/** Sign-extends the lower half of the accumulator into all of it. */
const widenAccumulator =
  (from: Size, to: Size): Semantics =>
  (p) => {
    p.setRegister(RAX, to, p.signExtend(p.register(RAX, from), from));
  };

/** Fills RDX with the accumulator's sign. */
const widenIntoRdx =
  (size: Size): Semantics =>
  (p) => {
    p.setRegister(2, size, p.sar(p.signExtend(p.register(RAX, size), size), p.constant(63)));
  };

export const datamove: Category = {
  mov,
  movabs,
  movzx: mov,
  movsx,
  movsxd: movsx,
  movnti: mov,
  lea,
  bswap,
  movbe,
  xlat,
  cbw: widenAccumulator(8, 16),
  cwde: widenAccumulator(16, 32),
  cdqe: widenAccumulator(32, 64),
  cwd: widenIntoRdx(16),
  cdq: widenIntoRdx(32),
  cqo: widenIntoRdx(64),
};
