import type { Vocabulary } from '../../vocabulary.ts';

/**
 * Elements inside quadwords. Operations on all elements of a quadword at once are written with the carries of each element kept from the next one
 * (H has the top bit of every element); others take the elements out and put them together again.
 */

/** Bits of an element. */
export type Lane = 8 | 16 | 32 | 64;

/** The value in every element of a quadword. */
export function repeat(value: bigint, size: Lane): bigint {
  let out = 0n;
  for (let at = 0; at < 64; at += size) out |= BigInt.asUintN(size, value) << BigInt(at);
  return out;
}

const top = (size: Lane): bigint => repeat(1n << BigInt(size - 1), size);
const below = (size: Lane): bigint => BigInt.asUintN(64, ~top(size));

export type Binary = <V>(p: Vocabulary<V>, a: V, b: V) => V;
export type Unary = <V>(p: Vocabulary<V>, a: V) => V;

export const addLanes =
  (size: Lane): Binary =>
  (p, a, b) => {
    if (size === 64) return p.add(a, b);
    const low = p.constant(below(size));
    return p.xor(p.add(p.and(a, low), p.and(b, low)), p.and(p.xor(a, b), p.constant(top(size))));
  };

export const subLanes =
  (size: Lane): Binary =>
  (p, a, b) => {
    if (size === 64) return p.sub(a, b);
    const h = p.constant(top(size));
    return p.xor(p.sub(p.or(a, h), p.and(b, p.constant(below(size)))), p.and(p.xor(a, p.not(b)), h));
  };

/** All ones in each element whose top bit is set in `m`, which has no other bits. */
export function fill<V>(p: Vocabulary<V>, m: V, size: Lane): V {
  if (size === 64) return p.sar(m, p.constant(63));
  return p.or(p.sub(m, p.shr(m, p.constant(size - 1))), m);
}

/** The sign of each element in all of it. */
export const signLanes =
  (size: Lane): Unary =>
  (p, a) =>
    fill(p, p.and(a, p.constant(top(size))), size);

/** Where `mask` has ones `a`, else `b`. */
export const choose = <V>(p: Vocabulary<V>, mask: V, a: V, b: V): V => p.xor(p.and(p.xor(a, b), mask), b);

export const equalLanes =
  (size: Lane): Binary =>
  (p, a, b) => {
    const x = p.xor(a, b);
    if (size === 64) return p.sub(p.constant(0), p.eq(x, p.constant(0)));
    const low = p.constant(below(size));
    const nonzero = p.or(p.add(p.and(x, low), low), x);
    return fill(p, p.and(p.not(nonzero), p.constant(top(size))), size);
  };

/** All ones in each element of `a` that is below that of `b`. */
export const lessLanes =
  (size: Lane, signed: boolean): Binary =>
  (p, a, b) => {
    if (size === 64) return p.sub(p.constant(0), signed ? p.ltSigned(a, b) : p.ltUnsigned(a, b));
    const h = p.constant(top(size));
    const [x, y] = signed ? [p.xor(a, h), p.xor(b, h)] : [a, b];
    const difference = subLanes(size)(p, x, y);
    const borrow = p.or(p.and(p.not(x), y), p.and(p.not(p.xor(x, y)), difference));
    return fill(p, p.and(borrow, h), size);
  };

export const minLanes =
  (size: Lane, signed: boolean): Binary =>
  (p, a, b) =>
    choose(p, lessLanes(size, signed)(p, a, b), a, b);

export const maxLanes =
  (size: Lane, signed: boolean): Binary =>
  (p, a, b) =>
    choose(p, lessLanes(size, signed)(p, a, b), b, a);

export const addUnsignedSaturated =
  (size: Lane): Binary =>
  (p, a, b) => {
    const sum = addLanes(size)(p, a, b);
    const carry = p.or(p.and(a, b), p.and(p.or(a, b), p.not(sum)));
    return p.or(sum, fill(p, p.and(carry, p.constant(top(size))), size));
  };

export const subUnsignedSaturated =
  (size: Lane): Binary =>
  (p, a, b) =>
    p.and(subLanes(size)(p, a, b), p.not(lessLanes(size, false)(p, a, b)));

/** `result` where bit size-1 of `overflow` is clear, else the extreme on the side of `a`. */
function saturate<V>(p: Vocabulary<V>, size: Lane, a: V, result: V, overflow: V): V {
  const extreme = p.xor(p.constant(below(size)), signLanes(size)(p, a));
  return choose(p, fill(p, p.and(overflow, p.constant(top(size))), size), extreme, result);
}

export const addSignedSaturated =
  (size: Lane): Binary =>
  (p, a, b) => {
    const sum = addLanes(size)(p, a, b);
    return saturate(p, size, a, sum, p.and(p.xor(a, sum), p.xor(b, sum)));
  };

export const subSignedSaturated =
  (size: Lane): Binary =>
  (p, a, b) => {
    const difference = subLanes(size)(p, a, b);
    return saturate(p, size, a, difference, p.and(p.xor(a, b), p.xor(a, difference)));
  };

export const averageLanes =
  (size: Lane): Binary =>
  (p, a, b) =>
    p.sub(p.or(a, b), p.and(p.shr(p.xor(a, b), p.constant(1)), p.constant(below(size))));

export const absoluteLanes =
  (size: Lane): Unary =>
  (p, a) => {
    const sign = signLanes(size)(p, a);
    return subLanes(size)(p, p.xor(a, sign), sign);
  };

/** Element `n` of quadwords, zero-extended. */
export function lane<V>(p: Vocabulary<V>, quads: readonly V[], size: Lane, n: number): V {
  const bit = n * size;
  const shifted = p.shr(quads[bit >> 6] as V, p.constant(bit & 63));
  return size === 64 ? shifted : p.zeroExtend(shifted, size);
}

/** The same, sign-extended. */
function signedLane<V>(p: Vocabulary<V>, quads: readonly V[], size: Lane, n: number): V {
  const bit = n * size;
  const shifted = p.shr(quads[bit >> 6] as V, p.constant(bit & 63));
  return size === 64 ? shifted : p.signExtend(shifted, size);
}

export function lanes<V>(p: Vocabulary<V>, quads: readonly V[], size: Lane, signed = false): V[] {
  const take = signed ? signedLane : lane;
  return Array.from({ length: (quads.length * 64) / size }, (_, n) => take(p, quads, size, n));
}

/** Elements, of which the low `size` bits count, as quadwords. */
export function packLanes<V>(p: Vocabulary<V>, elements: readonly V[], size: Lane): V[] {
  if (size === 64) return [...elements];
  const each = 64 / size;
  return Array.from({ length: elements.length / each }, (_, q) =>
    elements
      .slice(q * each, (q + 1) * each)
      .map((element, n) => p.shl(p.zeroExtend(element, size), p.constant(n * size)))
      .reduce((a, b) => p.or(a, b)),
  );
}

/** A signed value held to what fits `size` bits, signed or unsigned. */
export function clamp<V>(p: Vocabulary<V>, value: V, size: Lane, signed: boolean): V {
  const low = p.constant(signed ? -(1n << BigInt(size - 1)) : 0n);
  const high = p.constant(signed ? (1n << BigInt(size - 1)) - 1n : (1n << BigInt(size)) - 1n);
  const notBelow = p.select(p.ltSigned(value, low), low, value);
  return p.select(p.ltSigned(high, notBelow), high, notBelow);
}
