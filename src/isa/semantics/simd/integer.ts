import { blocks } from '../../blocks.ts';
import type { Instruction } from '../../instruction.ts';
import type { BlockOperation, Vocabulary } from '../../vocabulary.ts';
import type { Semantics } from '../semantics.ts';
import {
  absoluteLanes,
  addLanes,
  addSignedSaturated,
  addUnsignedSaturated,
  averageLanes,
  clamp,
  equalLanes,
  type Lane,
  lane,
  lanes,
  lessLanes,
  maxLanes,
  minLanes,
  packLanes,
  signLanes,
  subLanes,
  subSignedSaturated,
  subUnsignedSaturated,
} from './lanes.ts';
import { quadwise } from './logical.ts';
import { immediate, result, source, sources, withVex } from './operands.ts';

/** Integer arithmetic on elements (SDM Vol. 2: PADDx, PSUBx, PMULx, PCMPx, PMINx, PMAXx, PAVGx, PABSx, PSIGNx, PHADDx, PSADBW, MPSADBW...). */

type Elements = <V>(p: Vocabulary<V>, a: V, b: V) => V;

/** An operation on pairs of elements, which are taken out for it; of its result the low bits count. */
const each =
  (size: Lane, signed: boolean, operation: Elements, name?: BlockOperation): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    const { a, b } = sources(p, i);
    const all = (x: readonly V[], y: readonly V[]): V[] => {
      const others = lanes(p, y, size, signed);
      const out = lanes(p, x, size, signed).map((v, n) => operation(p, v, others[n] as V));
      return packLanes(p, out, size);
    };
    result(p, i, i.operands[0]!, name === undefined ? all(a, b) : p.blockwise(name, [a, b], all));
  };

const absolute =
  (size: 8 | 16 | 32): Semantics =>
  (p, i) => {
    const b = source(p, i, i.operands[1]!);
    const out = p.blockwise(`absolute${size}`, [b], (block) => block.map((x) => absoluteLanes(size)(p, x)));
    result(p, i, i.operands[0]!, out);
  };

const product: Elements = (p, a, b) => p.mul(a, b);
const highProduct: Elements = (p, a, b) => p.shr(p.mul(a, b), p.constant(16));
/** PMULHRSW: the product scaled by 2^-15 and rounded. */
const roundedProduct: Elements = (p, a, b) => p.shr(p.add(p.shr(p.mul(a, b), p.constant(14)), p.constant(1)), p.constant(1));

/** The low doublewords of each quadword multiplied (PMULUDQ, PMULDQ). */
const wide = (signed: boolean): Semantics =>
  quadwise(
    (p, a, b) => {
      const extend = <V>(q: Vocabulary<V>, v: V): V => (signed ? q.signExtend(v, 32) : q.zeroExtend(v, 32));
      return p.mul(extend(p, a), extend(p, b));
    },
    signed ? 'multiplyLow32s' : 'multiplyLow32u',
  );

/** Sums of the products of neighbours: PMADDWD on signed words, PMADDUBSW on unsigned times signed bytes, saturated. */
const multiplyAdd =
  (size: 8 | 16): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    const { a, b } = sources(p, i);
    const all = (first: readonly V[], second: readonly V[]): V[] => {
      const [x, y] = [lanes(p, first, size, size === 16), lanes(p, second, size, true)];
      const sums = Array.from({ length: x.length / 2 }, (_, n) => p.add(p.mul(x[2 * n]!, y[2 * n]!), p.mul(x[2 * n + 1]!, y[2 * n + 1]!)));
      return packLanes(p, size === 16 ? sums : sums.map((s) => clamp(p, s, 16, true)), size === 16 ? 32 : 16);
    };
    result(p, i, i.operands[0]!, size === 16 ? p.blockwise('multiplyAdd16', [a, b], all) : all(a, b));
  };

/** Neighbours added or subtracted, those of `a` below those of `b`, in each block (PHADDx, PHSUBx). */
const horizontal =
  (size: 16 | 32, operation: Elements): Semantics =>
  (p, i) => {
    const { a, b } = sources(p, i);
    const y = blocks(b);
    const out = blocks(a).flatMap((block, n) => {
      const pairs = [...lanes(p, block, size, true), ...lanes(p, y[n]!, size, true)];
      const sums = Array.from({ length: pairs.length / 2 }, (_, k) => operation(p, pairs[2 * k]!, pairs[2 * k + 1]!));
      return packLanes(p, sums, size);
    });
    result(p, i, i.operands[0]!, out);
  };

const plus: Elements = (p, a, b) => p.add(a, b);
const minus: Elements = (p, a, b) => p.sub(a, b);
const plusSaturated: Elements = (p, a, b) => clamp(p, p.add(a, b), 16, true);
const minusSaturated: Elements = (p, a, b) => clamp(p, p.sub(a, b), 16, true);

/** `a` negated where `b` is negative, zero where it is zero (PSIGNx). */
const sign = (size: Lane): Semantics =>
  quadwise((p, a, b) => {
    const negative = signLanes(size)(p, b);
    const negated = subLanes(size)(p, p.xor(a, negative), negative);
    return p.and(negated, p.not(equalLanes(size)(p, b, p.constant(0))));
  });

const absoluteDifference = <V>(p: Vocabulary<V>, a: V, b: V): V => p.select(p.ltUnsigned(a, b), p.sub(b, a), p.sub(a, b));

/** Sum of the absolute differences of the bytes of each quadword (PSADBW). */
const sumOfDifferences: Semantics = (p, i) => {
  const { a, b } = sources(p, i);
  const out = a.map((x, n) =>
    lanes(p, [x], 8)
      .map((v, k) => absoluteDifference(p, v, lane(p, [b[n]!], 8, k)))
      .reduce((v, w) => p.add(v, w)),
  );
  result(p, i, i.operands[0]!, out);
};

/** MPSADBW: eight sums over windows of four bytes; the immediate says where they begin, three bits a block. */
const windowSums: Semantics = (p, i) => {
  const b = source(p, i, i.operands.at(-2)!);
  const a = p.readQuads(i.operands.at(-3)!);
  const control = immediate(p, i);
  const y = blocks(b);
  const out = blocks(a).flatMap((block, n) => {
    const bits = p.shr(control, p.constant(3 * n));
    const four = p.shl(p.and(bits, p.constant(3)), p.constant(5));
    const chosen = lanes(p, [p.zeroExtend(wideShift(p, y[n]!, four)[0]!, 32)], 8).slice(0, 4);
    const from = p.shl(p.and(bits, p.constant(4)), p.constant(3));
    const bytes = lanes(p, wideShift(p, block, from), 8);
    const sums = Array.from({ length: 8 }, (_, k) =>
      chosen.map((c, m) => absoluteDifference(p, bytes[k + m]!, c)).reduce((v, w) => p.add(v, w)),
    );
    return packLanes(p, sums, 16);
  });
  result(p, i, i.operands[0]!, out);
};

/** 128 bits shifted right by fewer than 128. */
export function wideShift<V>(p: Vocabulary<V>, [low, high]: readonly V[], count: V): V[] {
  const inside = p.and(count, p.constant(63));
  const carried = p.select(inside, p.shl(high!, p.sub(p.constant(64), inside)), p.constant(0));
  const near = p.or(p.shr(low!, inside), carried);
  const far = p.shr(high!, inside);
  const isFar = p.and(count, p.constant(64));
  return [p.select(isFar, far, near), p.select(isFar, p.constant(0), far)];
}

/** PHMINPOSUW: the least word and where it is. */
const leastWord: Semantics = <V>(p: Vocabulary<V>, i: Instruction): void => {
  const words = lanes(p, source(p, i, i.operands[1]!), 16);
  let least = words[0] as V;
  let at = p.constant(0);
  for (let n = 1; n < words.length; n++) {
    const word = words[n] as V;
    const less = p.ltUnsigned(word, least);
    at = p.select(less, p.constant(n), at);
    least = p.select(less, word, least);
  }
  result(p, i, i.operands[0]!, [p.or(least, p.shl(at, p.constant(16))), p.constant(0)]);
};

export const integer = withVex({
  paddb: quadwise(addLanes(8), 'add8'),
  paddw: quadwise(addLanes(16), 'add16'),
  paddd: quadwise(addLanes(32), 'add32'),
  paddq: quadwise(addLanes(64), 'add64'),
  psubb: quadwise(subLanes(8), 'sub8'),
  psubw: quadwise(subLanes(16), 'sub16'),
  psubd: quadwise(subLanes(32), 'sub32'),
  psubq: quadwise(subLanes(64), 'sub64'),
  paddsb: quadwise(addSignedSaturated(8), 'addSaturated8s'),
  paddsw: quadwise(addSignedSaturated(16), 'addSaturated16s'),
  psubsb: quadwise(subSignedSaturated(8), 'subSaturated8s'),
  psubsw: quadwise(subSignedSaturated(16), 'subSaturated16s'),
  paddusb: quadwise(addUnsignedSaturated(8), 'addSaturated8u'),
  paddusw: quadwise(addUnsignedSaturated(16), 'addSaturated16u'),
  psubusb: quadwise(subUnsignedSaturated(8), 'subSaturated8u'),
  psubusw: quadwise(subUnsignedSaturated(16), 'subSaturated16u'),
  pcmpeqb: quadwise(equalLanes(8), 'equal8'),
  pcmpeqw: quadwise(equalLanes(16), 'equal16'),
  pcmpeqd: quadwise(equalLanes(32), 'equal32'),
  pcmpeqq: quadwise(equalLanes(64), 'equal64'),
  pcmpgtb: quadwise((p, a, b) => lessLanes(8, true)(p, b, a), 'greater8'),
  pcmpgtw: quadwise((p, a, b) => lessLanes(16, true)(p, b, a), 'greater16'),
  pcmpgtd: quadwise((p, a, b) => lessLanes(32, true)(p, b, a), 'greater32'),
  pcmpgtq: quadwise((p, a, b) => lessLanes(64, true)(p, b, a), 'greater64'),
  pminub: quadwise(minLanes(8, false), 'min8u'),
  pminuw: quadwise(minLanes(16, false), 'min16u'),
  pminud: quadwise(minLanes(32, false), 'min32u'),
  pminsb: quadwise(minLanes(8, true), 'min8s'),
  pminsw: quadwise(minLanes(16, true), 'min16s'),
  pminsd: quadwise(minLanes(32, true), 'min32s'),
  pmaxub: quadwise(maxLanes(8, false), 'max8u'),
  pmaxuw: quadwise(maxLanes(16, false), 'max16u'),
  pmaxud: quadwise(maxLanes(32, false), 'max32u'),
  pmaxsb: quadwise(maxLanes(8, true), 'max8s'),
  pmaxsw: quadwise(maxLanes(16, true), 'max16s'),
  pmaxsd: quadwise(maxLanes(32, true), 'max32s'),
  pavgb: quadwise(averageLanes(8), 'average8'),
  pavgw: quadwise(averageLanes(16), 'average16'),
  pabsb: absolute(8),
  pabsw: absolute(16),
  pabsd: absolute(32),
  psignb: sign(8),
  psignw: sign(16),
  psignd: sign(32),
  pmullw: each(16, false, product, 'multiply16'),
  pmulld: each(32, false, product, 'multiply32'),
  pmulhw: each(16, true, highProduct, 'multiplyHigh16s'),
  pmulhuw: each(16, false, highProduct, 'multiplyHigh16u'),
  pmulhrsw: each(16, true, roundedProduct),
  pmuludq: wide(false),
  pmuldq: wide(true),
  pmaddwd: multiplyAdd(16),
  pmaddubsw: multiplyAdd(8),
  phaddw: horizontal(16, plus),
  phaddd: horizontal(32, plus),
  phaddsw: horizontal(16, plusSaturated),
  phsubw: horizontal(16, minus),
  phsubd: horizontal(32, minus),
  phsubsw: horizontal(16, minusSaturated),
  psadbw: sumOfDifferences,
  mpsadbw: windowSums,
  phminposuw: leastWord,
});
