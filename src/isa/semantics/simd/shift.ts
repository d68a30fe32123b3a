import type { Instruction } from '../../instruction.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import type { Category, Semantics } from '../semantics.ts';
import { wideShift } from './integer.ts';
import { type Lane, lane, lanes, packLanes, repeat, signLanes } from './lanes.ts';
import { immediate, onlyVex, result, source, sources, withVex } from './operands.ts';

/** Shifts of elements (SDM Vol. 2: PSLLx, PSRLx, PSRAx, PSLLDQ, PSRLDQ, VPSLLVx, VPSRLVx, VPSRAVD). */

type Direction = 'left' | 'right' | 'signed';
const NAMES = { left: 'Left', right: 'Right', signed: 'Signed' } as const;

/** A quadword whose elements are all shifted by `count`; counts of `size` and above leave zeros, or the sign. */
function shifted<V>(p: Vocabulary<V>, x: V, size: Lane, direction: Direction, count: V): V {
  const enough = p.ltUnsigned(p.constant(size - 1), count);
  const ones = (1n << BigInt(size)) - 1n;
  const unit = p.constant(repeat(1n, size));
  if (direction === 'left') {
    const kept = p.mul(unit, p.and(p.shl(p.constant(ones), count), p.constant(ones)));
    return p.select(enough, p.constant(0), p.and(p.shl(x, count), kept));
  }
  const kept = p.mul(unit, p.shr(p.constant(ones), count));
  const logical = p.and(p.shr(x, count), kept);
  if (direction === 'right') return p.select(enough, p.constant(0), logical);
  const sign = signLanes(size)(p, x);
  return p.select(enough, sign, p.or(logical, p.and(sign, p.not(kept))));
}

/** By an immediate, or by the low quadword of a register of 128 bits or of memory. */
const shift =
  (size: 16 | 32 | 64, direction: Direction): Semantics =>
  (p, i) => {
    const by = i.operands.at(-1)!;
    const count = by.kind === 'immediate' ? immediate(p, i) : source(p, i, by)[0]!;
    const x = p.readQuads(i.operands.at(-2)!);
    const out = p.blockwise(
      `shift${NAMES[direction]}${size}`,
      [x],
      (block) => block.map((v) => shifted(p, v, size, direction, count)),
      count,
    );
    result(p, i, i.operands[0]!, out);
  };

/** Whole blocks by bytes. */
const byBytes =
  (left: boolean): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    const bytes = immediate(p, i);
    const isAll = p.ltUnsigned(p.constant(15), bytes);
    const bits = p.shl(bytes, p.constant(3));
    const turn = (block: V[]): V[] => {
      const turned = left ? wideShift(p, mirrored(p, block), bits) : wideShift(p, block, bits);
      const back = left ? mirrored(p, turned) : turned;
      return back.map((v) => p.select(isAll, p.constant(0), v));
    };
    result(p, i, i.operands[0]!, p.blockwise(left ? 'bytesLeft' : 'bytesRight', [p.readQuads(i.operands.at(-2)!)], turn, bytes));
  };

/** The bytes of 128 bits in opposite order. */
function mirrored<V>(p: Vocabulary<V>, [low, high]: readonly V[]): V[] {
  const turn = (v: V): V => {
    const swap = (x: V, by: number, mask: bigint): V =>
      p.or(p.and(p.shr(x, p.constant(by)), p.constant(mask)), p.shl(p.and(x, p.constant(mask)), p.constant(by)));
    return p.rotl(swap(swap(v, 8, 0x00ff00ff00ff00ffn), 16, 0x0000ffff0000ffffn), p.constant(32));
  };
  return [turn(high as V), turn(low as V)];
}

/** Each element by a count of its own. */
const variable =
  (size: 32 | 64, direction: Direction): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    const { a, b } = sources(p, i);
    const out = lanes(p, a, size, direction === 'signed').map((x, n) => {
      const count = lane(p, b, size, n);
      const enough = p.ltUnsigned(p.constant(size - 1), count);
      if (direction === 'signed') return p.sar(x, p.select(enough, p.constant(63), count));
      return p.select(enough, p.constant(0), direction === 'left' ? p.shl(x, count) : p.shr(x, count));
    });
    result(p, i, i.operands[0]!, packLanes(p, out, size));
  };

export const vectorShifts: Category = {
  ...withVex({
    psllw: shift(16, 'left'),
    pslld: shift(32, 'left'),
    psllq: shift(64, 'left'),
    psrlw: shift(16, 'right'),
    psrld: shift(32, 'right'),
    psrlq: shift(64, 'right'),
    psraw: shift(16, 'signed'),
    psrad: shift(32, 'signed'),
    pslldq: byBytes(true),
    psrldq: byBytes(false),
  }),
  ...onlyVex({
    vpsllvd: variable(32, 'left'),
    vpsllvq: variable(64, 'left'),
    vpsrlvd: variable(32, 'right'),
    vpsrlvq: variable(64, 'right'),
    vpsravd: variable(32, 'signed'),
  }),
};
