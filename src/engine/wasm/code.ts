/**
 * WebAssembly instructions as nested arrays of bytes, and the few words to write them. Expression style: an operation takes
 * the code of its operands and gives the code that leaves its result on the stack.
 * Source: WebAssembly Core Specification, "Binary Format", "Instructions".
 */
export type Code = readonly (number | Code)[];

/** Numbers of one byte as code, which most are: made once. */
const BYTES: readonly Code[] = Array.from({ length: 0x80 }, (_, n) => [n]);

/** An unsigned number. */
export function uleb(value: number): Code {
  if (value >= 0 && value < 0x80) return BYTES[value] as Code;
  const out: number[] = [];
  let v = value >>> 0;
  do {
    const byte = v & 0x7f;
    v >>>= 7;
    out.push(v === 0 ? byte : byte | 0x80);
  } while (v !== 0);
  return out;
}

/** A signed number. */
function sleb32(value: number): Code {
  if (value >= -0x40 && value < 0x40) return BYTES[value & 0x7f] as Code;
  const out: number[] = [];
  let v = value | 0;
  for (;;) {
    const byte = v & 0x7f;
    v >>= 7;
    if ((v === 0 && (byte & 0x40) === 0) || (v === -1 && (byte & 0x40) !== 0)) {
      out.push(byte);
      return out;
    }
    out.push(byte | 0x80);
  }
}

/** The same of 64 bits. */
function sleb64(value: bigint): Code {
  if (value >= -0x80000000n && value < 0x80000000n) return sleb32(Number(value));
  const out: number[] = [];
  let v = BigInt.asIntN(64, value);
  for (;;) {
    const byte = Number(v & 0x7fn);
    v >>= 7n;
    if ((v === 0n && (byte & 0x40) === 0) || (v === -1n && (byte & 0x40) !== 0)) {
      out.push(byte);
      return out;
    }
    out.push(byte | 0x80);
  }
}

/** The bytes of code, in order, in one array that grows. */
export class Bytes {
  #bytes = new Uint8Array(4096);
  length = 0;

  /** Adds the bytes of `code`. */
  add(code: Code): void {
    for (let n = 0; n < code.length; n++) {
      const item = code[n] as number | Code;
      if (typeof item !== 'number') this.add(item);
      else {
        if (this.length === this.#bytes.length) this.#grow();
        this.#bytes[this.length++] = item;
      }
    }
  }

  #grow(): void {
    const bytes = new Uint8Array(2 * this.#bytes.length);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }

  /** Adds what `body` adds, with its length in front: as five bytes, whatever it is, because it is known only then. */
  sized(body: () => void): void {
    const at = this.length;
    this.add(ROOM);
    body();
    const length = this.length - at - 5;
    for (let n = 0; n < 5; n++) this.#bytes[at + n] = ((length >>> (7 * n)) & 0x7f) | (n < 4 ? 0x80 : 0);
  }

  /** All of them. */
  get all(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.length);
  }
}

const ROOM: Code = [0, 0, 0, 0, 0];

const unary =
  (opcode: number) =>
  (a: Code): Code => [a, opcode];
const binary =
  (opcode: number) =>
  (a: Code, b: Code): Code => [a, b, opcode];
const loadOp =
  (opcode: number, align: number) =>
  (address: Code, offset = 0): Code => [address, opcode, align, uleb(offset)];
const storeOp =
  (opcode: number, align: number) =>
  (address: Code, value: Code, offset = 0): Code => [address, value, opcode, align, uleb(offset)];

export const i32 = {
  const: (n: number): Code => [0x41, sleb32(n)],
  load: loadOp(0x28, 0),
  load8: loadOp(0x2d, 0),
  load16: loadOp(0x2f, 0),
  store: storeOp(0x36, 0),
  store8: storeOp(0x3a, 0),
  store16: storeOp(0x3b, 0),
  eqz: unary(0x45),
  eq: binary(0x46),
  ne: binary(0x47),
  ltU: binary(0x49),
  gtU: binary(0x4b),
  leU: binary(0x4d),
  geU: binary(0x4f),
  ltS: binary(0x48),
  geS: binary(0x4e),
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  and: binary(0x71),
  or: binary(0x72),
  xor: binary(0x73),
  shl: binary(0x74),
  shrU: binary(0x76),
  popcnt: unary(0x69),
  wrap: unary(0xa7),
};

export const i64 = {
  const: (n: bigint | number): Code => [0x42, typeof n === 'number' && n === (n | 0) ? sleb32(n) : sleb64(BigInt(n))],
  load: loadOp(0x29, 0),
  load8: loadOp(0x31, 0),
  load16: loadOp(0x33, 0),
  load32: loadOp(0x35, 0),
  load8S: loadOp(0x30, 0),
  load16S: loadOp(0x32, 0),
  load32S: loadOp(0x34, 0),
  store: storeOp(0x37, 0),
  store8: storeOp(0x3c, 0),
  store16: storeOp(0x3d, 0),
  store32: storeOp(0x3e, 0),
  eqz: unary(0x50),
  eq: binary(0x51),
  ne: binary(0x52),
  ltS: binary(0x53),
  ltU: binary(0x54),
  gtU: binary(0x56),
  geU: binary(0x5a),
  clz: unary(0x79),
  ctz: unary(0x7a),
  popcnt: unary(0x7b),
  add: binary(0x7c),
  sub: binary(0x7d),
  mul: binary(0x7e),
  divU: binary(0x80),
  remU: binary(0x82),
  and: binary(0x83),
  or: binary(0x84),
  xor: binary(0x85),
  shl: binary(0x86),
  shrS: binary(0x87),
  shrU: binary(0x88),
  rotl: binary(0x89),
  extend: unary(0xad),
  extendS: unary(0xac),
  extend8S: unary(0xc2),
  extend16S: unary(0xc3),
  extend32S: unary(0xc4),
};

/** Floating point: of the instructions only those whose results IEEE 754 fixes to the bit are used where a guest can see them. */
export const f32 = {
  ofI64: unary(0xb4),
  demote: unary(0xb6),
  /** From the bits, and to them. */
  ofBits: (a: Code): Code => [a, 0xa7, 0xbe],
  bits: (a: Code): Code => [a, 0xbc, 0xad],
};

export const f64 = {
  const: (x: number): Code => [0x44, Array.from(new Uint8Array(Float64Array.of(x).buffer))],
  eq: binary(0x61),
  lt: binary(0x63),
  ge: binary(0x66),
  abs: unary(0x99),
  nearest: unary(0x9e),
  sqrt: unary(0x9f),
  ofI64: unary(0xb9),
  ofU64: unary(0xba),
  promote: unary(0xbb),
  ceil: unary(0x9b),
  floor: unary(0x9c),
  trunc: unary(0x9d),
  ofBits: unary(0xbf),
  bits: unary(0xbd),
  /** The integer towards zero; what does not fit becomes the nearest that does. */
  truncate: (a: Code): Code => [a, 0xfc, 0x06],
};

const vector1 =
  (opcode: number) =>
  (a: Code): Code => [a, 0xfd, uleb(opcode)];
const vector2 =
  (opcode: number) =>
  (a: Code, b: Code): Code => [a, b, 0xfd, uleb(opcode)];
const extract =
  (opcode: number) =>
  (a: Code, lane: number): Code => [a, 0xfd, uleb(opcode), lane];
const replace =
  (opcode: number) =>
  (a: Code, lane: number, value: Code): Code => [a, value, 0xfd, uleb(opcode), lane];

/** 128-bit vectors, whole and by their lanes. */
export const v128 = {
  /** The low and the high quadword. */
  const: (low: bigint, high = low): Code => [0xfd, 0x0c, Array.from(new Uint8Array(BigUint64Array.of(low, high).buffer))],
  load: (address: Code, offset = 0): Code => [address, 0xfd, 0x00, 0, uleb(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [address, value, 0xfd, 0x0b, 0, uleb(offset)],
  and: vector2(0x4e),
  andNot: vector2(0x4f),
  or: vector2(0x50),
  xor: vector2(0x51),
};
/** `a` where `mask` has ones, else `b`. */
export const bitSelect = (a: Code, b: Code, mask: Code): Code => [a, b, mask, 0xfd, 0x52];
/** Bytes of `a` and, from 16 on, of `b`. */
export const shuffle = (a: Code, b: Code, places: readonly number[]): Code => [a, b, 0xfd, 0x0d, places];
/** Integers of 8 to 32 bits; the opcodes of each size lie in the same order. */
const integersOf = (compare: number, arithmetic: number) => ({
  eq: vector2(compare),
  gtS: vector2(compare + 4),
  abs: vector1(arithmetic),
  signs: vector1(arithmetic + 4),
  shl: vector2(arithmetic + 11),
  shrS: vector2(arithmetic + 12),
  shrU: vector2(arithmetic + 13),
  add: vector2(arithmetic + 14),
  sub: vector2(arithmetic + 17),
  minS: vector2(arithmetic + 22),
  minU: vector2(arithmetic + 23),
  maxS: vector2(arithmetic + 24),
  maxU: vector2(arithmetic + 25),
});
/** What of them only bytes and words have. */
const narrowOf = (arithmetic: number) => ({
  narrowS: vector2(arithmetic + 5),
  narrowU: vector2(arithmetic + 6),
  addSatS: vector2(arithmetic + 15),
  addSatU: vector2(arithmetic + 16),
  subSatS: vector2(arithmetic + 18),
  subSatU: vector2(arithmetic + 19),
  averageU: vector2(arithmetic + 27),
});
/** From the lower half of the elements of half the size; products of the lower and of the upper half. */
const wideOf = (arithmetic: number) => ({
  widenLowS: vector1(arithmetic + 7),
  widenLowU: vector1(arithmetic + 9),
  mul: vector2(arithmetic + 21),
  productLowS: vector2(arithmetic + 28),
  productHighS: vector2(arithmetic + 29),
  productLowU: vector2(arithmetic + 30),
  productHighU: vector2(arithmetic + 31),
});
export const i8x16 = { ...integersOf(0x23, 0x60), ...narrowOf(0x60), swizzle: vector2(0x0e) };
export const i16x8 = { ...integersOf(0x2d, 0x80), ...narrowOf(0x80), ...wideOf(0x80) };
export const i32x4 = {
  ...integersOf(0x37, 0xa0),
  ...wideOf(0xa0),
  dotS: vector2(0xba),
  splat: vector1(0x11),
  extract: extract(0x1b),
  replace: replace(0x1c),
  allTrue: vector1(0xa3),
};
export const i64x2 = {
  ...wideOf(0xc0),
  splat: vector1(0x12),
  extract: extract(0x1d),
  replace: replace(0x1e),
  allTrue: vector1(0xc3),
  signs: vector1(0xc4),
  eq: vector2(0xd6),
  gtS: vector2(0xd9),
  shl: vector2(0xcb),
  shrS: vector2(0xcc),
  shrU: vector2(0xcd),
  add: vector2(0xce),
  sub: vector2(0xd1),
};
const lanesOf = (compare: number, arithmetic: number) => ({
  eq: vector2(compare),
  lt: vector2(compare + 2),
  le: vector2(compare + 4),
  ge: vector2(compare + 5),
  abs: vector1(arithmetic),
  sqrt: vector1(arithmetic + 3),
  add: vector2(arithmetic + 4),
  sub: vector2(arithmetic + 5),
  mul: vector2(arithmetic + 6),
  div: vector2(arithmetic + 7),
  /** `b` < `a` ? `b` : `a`, and `a` < `b` ? `b` : `a`. */
  pmin: vector2(arithmetic + 10),
  pmax: vector2(arithmetic + 11),
});
export const f32x4 = { ...lanesOf(0x41, 0xe0), ofLowDoubles: vector1(0x5e) };
export const f64x2 = {
  ...lanesOf(0x47, 0xec),
  ofLowSingles: vector1(0x5f),
  splat: vector1(0x14),
  extract: extract(0x21),
  replace: replace(0x22),
};
/** A half (0 low, 1 high) of `a` and behind it one of `b`. */
export const halvesOf = (a: Code, n: 0 | 1, b: Code, k: 0 | 1): Code => [
  a,
  b,
  0xfd,
  0x0d,
  Array.from({ length: 16 }, (_, at) => (at < 8 ? 8 * n + at : 16 + 8 * k + at - 8)),
];
/** The upper half in the lower one. */
export const upperHalf = (a: Code): Code => [a, a, 0xfd, 0x0d, [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]];
/** The lower halves of both. */
export const lowerHalves = (a: Code, b: Code): Code => [a, b, 0xfd, 0x0d, [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]];

const VOID = 0x40;
export const I32 = 0x7f;
export const I64 = 0x7e;
export const V128 = 0x7b;
export type ValueType = typeof I32 | typeof I64 | typeof V128;

export const get = (local: number): Code => [0x20, uleb(local)];
export const set = (local: number, value: Code): Code => [value, 0x21, uleb(local)];
export const globalGet = (n: number): Code => [0x23, uleb(n)];
export const globalSet = (n: number, value: Code): Code => [value, 0x24, uleb(n)];
export const call = (fn: number, ...args: Code[]): Code => [args, 0x10, uleb(fn)];
export const callIndirect = (type: number, index: Code, ...args: Code[]): Code => [args, index, 0x11, uleb(type), 0];
export const block = (body: Code, type = VOID): Code => [0x02, type, body, 0x0b];
export const loop = (body: Code, type = VOID): Code => [0x03, type, body, 0x0b];
export const br = (depth: number): Code => [0x0c, uleb(depth)];
export const brIf = (depth: number, condition: Code): Code => [condition, 0x0d, uleb(depth)];
export const brTable = (index: Code, depths: readonly number[], otherwise: number): Code => [
  index,
  0x0e,
  uleb(depths.length),
  depths.map(uleb),
  uleb(otherwise),
];
export const iff = (condition: Code, then: Code, otherwise?: Code, type = VOID): Code =>
  otherwise === undefined ? [condition, 0x04, type, then, 0x0b] : [condition, 0x04, type, then, 0x05, otherwise, 0x0b];
export const ret = (value: Code = []): Code => [value, 0x0f];
export const select = (a: Code, b: Code, condition: Code): Code => [a, b, condition, 0x1b];
export const drop = (value: Code): Code => [value, 0x1a];
/** memory.copy(destination, source, length) and memory.fill(destination, byte, length). */
export const memoryCopy = (to: Code, from: Code, length: Code): Code => [to, from, length, 0xfc, 0x0a, 0, 0];
export const memoryFill = (to: Code, byte: Code, length: Code): Code => [to, byte, length, 0xfc, 0x0b, 0];
