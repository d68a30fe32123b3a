import type { BlockOperation } from '../isa/vocabulary.ts';
import type { Graph, Node } from './graph.ts';
import { bitSelect, type Code, I32, i8x16, i16x8, i32, i32x4, i64, i64x2, select, shuffle, V128, v128 } from './wasm/code.ts';

/** Makes the vector that an operation gives. */
type Maker = (g: Graph, vectors: readonly Node[], control: Node) => Node;
/** What the operations that only take vectors have for a control. */
const NONE = 0n;
/** Those whose control may be known only when they run. */
const TAKES_COUNTS = /^shift/;

const vector = (g: Graph, args: readonly Node[], make: (...codes: Code[]) => Code): Node => g.node(args, make, { type: V128 });

/** One instruction on the operands in their order. */
const plain =
  (make: (...codes: Code[]) => Code): Maker =>
  (g, vectors) =>
    vector(g, vectors, make);

/** Bytes of the operands, the second one's from 16 on. */
const bytes =
  (places: (control: number) => readonly number[]): Maker =>
  (g, [a, b = a], control) =>
    vector(g, [a as Node, b as Node], (x, y) => shuffle(x, y, places(Number(control.constant))));

const fixedBytes = (places: readonly number[]): Maker => plain((x, y = x) => shuffle(x, y, places));

/** Places of the bytes of elements. */
const elements = (places: readonly number[], size: number): number[] =>
  places.flatMap((place) => Array.from({ length: size / 8 }, (_, k) => (place * size) / 8 + k));
const range = (count: number, place: (n: number) => number): number[] => Array.from({ length: count }, (_, n) => place(n));
const two = (control: number, n: number): number => (control >> (2 * n)) & 3;

/** Elements of the two halves that `from` begins, by turns. */
const unpack = (size: 8 | 16 | 32, from: number): Maker =>
  fixedBytes(
    elements(
      range(128 / size, (n) => from / size + (n >> 1) + (n % 2) * (128 / size)),
      size,
    ),
  );

/** Counts of the element's size and above leave nothing, or the sign; the instruction takes them modulo the size. */
const shift =
  (size: 16 | 32 | 64, make: (x: Code, count: Code) => Code, signed = false): Maker =>
  (g, [x], count) => {
    if (count.constant !== undefined) {
      const by = count.constant < BigInt(size) ? Number(count.constant) : signed ? size - 1 : undefined;
      return vector(g, [x as Node], (v) => (by === undefined ? v128.const(0n) : make(v, i32.const(by))));
    }
    const isIn = g.node([count], (c) => i64.ltU(c, i64.const(size)), { type: I32 });
    if (!signed) return vector(g, [x as Node, count, isIn], (v, c, inside) => select(make(v, i32.wrap(c)), v128.const(0n), inside));
    return vector(g, [x as Node, count, isIn], (v, c, inside) => make(v, select(i32.wrap(c), i32.const(size - 1), inside)));
  };

/** The upper halves of the products of words. */
const multiplyHigh =
  (low: (a: Code, b: Code) => Code, high: (a: Code, b: Code) => Code): Maker =>
  (g, [a, b]) => {
    const operands = [a as Node, b as Node];
    const upper = elements(
      range(8, (n) => 2 * n + 1),
      16,
    );
    return vector(g, [vector(g, operands, low), vector(g, operands, high)], (x, y) => shuffle(x, y, upper));
  };

const EVEN_DOUBLEWORDS = elements([0, 2, 0, 2], 32);
/** The even doublewords multiplied. */
const multiplyLow = (make: (a: Code, b: Code) => Code): Maker =>
  plain((a, b) => make(shuffle(a, a, EVEN_DOUBLEWORDS), shuffle(b, b, EVEN_DOUBLEWORDS)));

const blend = (size: 16 | 32 | 64): Maker =>
  bytes((control) =>
    elements(
      range(128 / size, (n) => n + (((control >> n) & 1) * 128) / size),
      size,
    ),
  );

const blendBySign =
  (sign: (m: Code) => Code): Maker =>
  (g, [a, b, mask]) =>
    vector(g, [a as Node, b as Node, mask as Node], (x, y, m) => bitSelect(y, x, sign(m)));

/** The top bits of the elements, a number. */
const signs =
  (make: (x: Code) => Code): Maker =>
  (g, [x]) =>
    g.node([x as Node], (v) => i64.extend(make(v)), { bits: 16 });

/** Zeros from 16 on, as the second operand of a shuffle. */
const shiftBytes =
  (place: (n: number, by: number) => number): Maker =>
  (g, [x], control) => {
    const by = Math.min(16, Number(control.constant));
    const places = range(16, (n) => place(n, by)).map((at) => (at < 0 || at > 15 ? 16 : at));
    return vector(g, [x as Node], (v) => shuffle(v, v128.const(0n), places));
  };

/** PALIGNR: `b` below `a`, zeros above. */
const align: Maker = (g, [a, b], control) => {
  const by = Math.min(32, Number(control.constant));
  if (by <= 16)
    return vector(g, [a as Node, b as Node], (x, y) =>
      shuffle(
        y,
        x,
        range(16, (n) => n + by),
      ),
    );
  return vector(g, [a as Node], (x) =>
    shuffle(
      x,
      v128.const(0n),
      range(16, (n) => Math.min(16, n + by - 16)),
    ),
  );
};

/** Operations on blocks of 128 bits for which WebAssembly has instructions of exactly that effect. */
const MAKERS: Readonly<Record<BlockOperation, Maker>> = {
  and: plain(v128.and),
  andNot: plain((a, b) => v128.andNot(b, a)),
  or: plain(v128.or),
  xor: plain(v128.xor),
  add8: plain(i8x16.add),
  add16: plain(i16x8.add),
  add32: plain(i32x4.add),
  add64: plain(i64x2.add),
  sub8: plain(i8x16.sub),
  sub16: plain(i16x8.sub),
  sub32: plain(i32x4.sub),
  sub64: plain(i64x2.sub),
  equal8: plain(i8x16.eq),
  equal16: plain(i16x8.eq),
  equal32: plain(i32x4.eq),
  equal64: plain(i64x2.eq),
  greater8: plain(i8x16.gtS),
  greater16: plain(i16x8.gtS),
  greater32: plain(i32x4.gtS),
  greater64: plain(i64x2.gtS),
  addSaturated8s: plain(i8x16.addSatS),
  addSaturated8u: plain(i8x16.addSatU),
  addSaturated16s: plain(i16x8.addSatS),
  addSaturated16u: plain(i16x8.addSatU),
  subSaturated8s: plain(i8x16.subSatS),
  subSaturated8u: plain(i8x16.subSatU),
  subSaturated16s: plain(i16x8.subSatS),
  subSaturated16u: plain(i16x8.subSatU),
  min8s: plain(i8x16.minS),
  min8u: plain(i8x16.minU),
  min16s: plain(i16x8.minS),
  min16u: plain(i16x8.minU),
  min32s: plain(i32x4.minS),
  min32u: plain(i32x4.minU),
  max8s: plain(i8x16.maxS),
  max8u: plain(i8x16.maxU),
  max16s: plain(i16x8.maxS),
  max16u: plain(i16x8.maxU),
  max32s: plain(i32x4.maxS),
  max32u: plain(i32x4.maxU),
  average8: plain(i8x16.averageU),
  average16: plain(i16x8.averageU),
  absolute8: plain(i8x16.abs),
  absolute16: plain(i16x8.abs),
  absolute32: plain(i32x4.abs),
  multiply16: plain(i16x8.mul),
  multiply32: plain(i32x4.mul),
  multiplyHigh16s: multiplyHigh(i32x4.productLowS, i32x4.productHighS),
  multiplyHigh16u: multiplyHigh(i32x4.productLowU, i32x4.productHighU),
  multiplyLow32s: multiplyLow(i64x2.productLowS),
  multiplyLow32u: multiplyLow(i64x2.productLowU),
  multiplyAdd16: plain(i32x4.dotS),
  pack16s: plain(i8x16.narrowS),
  pack16u: plain(i8x16.narrowU),
  pack32s: plain(i16x8.narrowS),
  pack32u: plain(i16x8.narrowU),
  unpackLow8: unpack(8, 0),
  unpackLow16: unpack(16, 0),
  unpackLow32: unpack(32, 0),
  unpackHigh8: unpack(8, 64),
  unpackHigh16: unpack(16, 64),
  unpackHigh32: unpack(32, 64),
  widen8s: plain(i16x8.widenLowS),
  widen8u: plain(i16x8.widenLowU),
  widen16s: plain(i32x4.widenLowS),
  widen16u: plain(i32x4.widenLowU),
  widen32s: plain(i64x2.widenLowS),
  widen32u: plain(i64x2.widenLowU),
  shiftLeft16: shift(16, i16x8.shl),
  shiftLeft32: shift(32, i32x4.shl),
  shiftLeft64: shift(64, i64x2.shl),
  shiftRight16: shift(16, i16x8.shrU),
  shiftRight32: shift(32, i32x4.shrU),
  shiftRight64: shift(64, i64x2.shrU),
  shiftSigned16: shift(16, i16x8.shrS, true),
  shiftSigned32: shift(32, i32x4.shrS, true),
  shiftSigned64: shift(64, i64x2.shrS, true),
  bytesLeft: shiftBytes((n, by) => n - by),
  bytesRight: shiftBytes((n, by) => n + by),
  align,
  shuffle32: bytes((control) =>
    elements(
      range(4, (n) => two(control, n)),
      32,
    ),
  ),
  shuffleLow16: bytes((control) =>
    elements(
      range(8, (n) => (n < 4 ? two(control, n) : n)),
      16,
    ),
  ),
  shuffleHigh16: bytes((control) =>
    elements(
      range(8, (n) => (n < 4 ? n : 4 + two(control, n - 4))),
      16,
    ),
  ),
  shuffleTwo32: bytes((control) =>
    elements(
      range(4, (n) => two(control, n) + (n < 2 ? 0 : 4)),
      32,
    ),
  ),
  // Indexes from 16 on give zero: the bits between the index and the top one are not looked at.
  shuffleBytes: plain((a, b) => i8x16.swizzle(a, v128.and(b, v128.const(0x8f8f8f8f8f8f8f8fn)))),
  duplicateLow32: fixedBytes(elements([0, 0, 2, 2], 32)),
  duplicateHigh32: fixedBytes(elements([1, 1, 3, 3], 32)),
  blend16: blend(16),
  blend32: blend(32),
  blend64: blend(64),
  blendBySign8: blendBySign((m) => i8x16.shrS(m, i32.const(7))),
  blendBySign32: blendBySign((m) => i32x4.shrS(m, i32.const(31))),
  blendBySign64: blendBySign((m) => i64x2.shrS(m, i32.const(63))),
  signs8: signs(i8x16.signs),
  signs32: signs(i32x4.signs),
  signs64: signs(i64x2.signs),
};

/** The operation on one block of each operand, or nothing where its instruction would have to know the control before it runs. */
export function blockOf(
  g: Graph,
  name: BlockOperation,
  blocks: readonly (readonly Node[])[],
  control = g.constant(NONE),
): Node[] | undefined {
  if (control.constant === undefined && !TAKES_COUNTS.test(name)) return undefined;
  const vectors = blocks.map((quads) => g.pair(quads[0] as Node, quads[1] as Node));
  const out = MAKERS[name](g, vectors, control);
  if (out.type !== V128) return [out];
  return [0, 1].map((n) => g.node([out], (code) => i64x2.extract(code, n), { half: { vector: out, n: n as 0 | 1 } }));
}
