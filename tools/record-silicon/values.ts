/** A number below `below`. */
export type Random = (below: number) => number;

/** Numbers that look like chance and are the same for the same seed. */
export function chance(seed: number): Random {
  let state = (Math.imul(seed, 2654435761) ^ 0x9e3779b9) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state % below;
  };
}

export const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)]!;

/** Any number of so many bits. */
export function bitsOf(random: Random, bits: number): bigint {
  let value = 0n;
  for (let n = 0; n < bits; n += 16) value = (value << 16n) | BigInt(random(65536));
  return BigInt.asUintN(bits, value);
}

/** An integer of 64 bits with which something may happen: near the ends of its sizes, few bits set, small, or any. */
export function integer(random: Random): bigint {
  const kind = random(8);
  if (kind < 2) return bitsOf(random, 64);
  if (kind === 2) return bitsOf(random, pick(random, [8, 16, 32]));
  if (kind === 3) return BigInt.asUintN(64, -BigInt(random(300)));
  if (kind === 4) return BigInt(random(300));
  if (kind === 5) return 1n << BigInt(random(64));
  const end = 1n << BigInt(pick(random, [7, 8, 15, 16, 31, 32, 63]));
  return BigInt.asUintN(64, end + BigInt(random(3)) - 1n);
}

/** A floating-point number by sign, exponent and fraction: zeros, infinities, NaNs, denormals, the ends of the range, and ordinary ones near 1. */
export function float(random: Random, exponentBits: number, fractionBits: number): bigint {
  const largest = (1 << exponentBits) - 1;
  const bias = largest >> 1;
  const exponent = pick(random, [
    0,
    0,
    largest,
    largest - 1,
    1,
    bias,
    bias,
    bias + 1,
    bias - 1,
    bias + random(70) - 35,
    bias + fractionBits,
    bias + pick(random, [6, 7, 8, 14, 15, 16, 30, 31, 32, 62, 63, 64]),
    random(largest + 1),
  ]);
  const fraction = pick(random, [
    0n,
    1n,
    (1n << BigInt(fractionBits)) - 1n,
    1n << BigInt(fractionBits - 1),
    1n << BigInt(random(fractionBits)),
    BigInt.asUintN(fractionBits, -1n << BigInt(random(fractionBits))),
    bitsOf(random, fractionBits),
    bitsOf(random, fractionBits),
  ]);
  return (
    (((BigInt(random(2)) << BigInt(exponentBits)) | BigInt(Math.max(0, exponent))) << BigInt(fractionBits)) |
    BigInt.asUintN(fractionBits, fraction)
  );
}

/** 64 bits: an integer, a double, or two singles. */
export function quadword(random: Random): bigint {
  const kind = random(3);
  if (kind === 0) return integer(random);
  if (kind === 1) return float(random, 11, 52);
  return (float(random, 8, 23) << 32n) | float(random, 8, 23);
}

/** A number that has to do with `other` in arithmetic: the same one or one beside it, with either sign, or one with which it gives a result near an end of the range. */
export function related(random: Random, other: bigint, exponentBits: number, fractionBits: number): bigint {
  const kind = random(8);
  if (kind > 5) return float(random, exponentBits, fractionBits);
  const sign = BigInt(random(2)) << BigInt(exponentBits + fractionBits);
  const magnitude = BigInt.asUintN(exponentBits + fractionBits, other);
  if (kind < 2) return sign | BigInt.asUintN(exponentBits + fractionBits, magnitude + BigInt(random(3) - 1) * BigInt(random(2)));
  const largest = (1 << exponentBits) - 1;
  const bias = largest >> 1;
  const exponent = Number(magnitude >> BigInt(fractionBits));
  const wanted = pick(random, [0, 1, -1, 2 - fractionBits, -fractionBits, largest - 1, largest]) + random(3) - 1;
  // The exponent of a product, or of a quotient.
  const mine = kind < 4 ? wanted - exponent + bias : exponent - wanted + bias;
  const fraction = pick(random, [0n, 1n, bitsOf(random, fractionBits), bitsOf(random, fractionBits)]);
  return sign | (BigInt(Math.min(largest - 1, Math.max(0, mine))) << BigInt(fractionBits)) | BigInt.asUintN(fractionBits, fraction);
}

/** A register of the x87, one related to `other` if that is given: the explicit integer bit is set where it should be, nearly always. */
export function extended(random: Random, other?: bigint): bigint {
  const bare = (number: bigint): bigint => ((number >> 64n) << 63n) | BigInt.asUintN(63, number);
  const value = other === undefined ? float(random, 15, 63) : related(random, bare(other), 15, 63);
  const exponent = (value >> 63n) & 0x7fffn;
  const explicit = (exponent !== 0n) !== (random(24) === 0);
  return ((value >> 63n) << 64n) | (explicit ? 1n << 63n : 0n) | (value & ((1n << 63n) - 1n));
}

/** Ten bytes of a packed decimal number for FBLD. */
export function decimal(random: Random): string {
  const digits = Array.from({ length: 9 }, () => `${random(10)}${random(10)}`).join('');
  return digits + (random(2) === 0 ? '00' : '80');
}

/** A number as bytes in the order of memory, in hexadecimal. */
export function inMemoryOrder(value: bigint, bytes: number): string {
  const text = value.toString(16).padStart(2 * bytes, '0');
  return (text.match(/../g) as string[]).reverse().join('');
}
