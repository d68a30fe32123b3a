import type { Helper } from './helper.ts';

/** Steps of AES on a block of 128 bits, byte 0 lowest (FIPS 197; SDM Vol. 2: AESENC, AESDEC, AESIMC, AESKEYGENASSIST). */

/** Multiplication in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
function times(a: number, b: number): number {
  let product = 0;
  for (let [x, y] = [a, b]; y !== 0; y >>= 1) {
    if ((y & 1) !== 0) product ^= x;
    x = ((x << 1) ^ ((x & 0x80) !== 0 ? 0x11b : 0)) & 0xff;
  }
  return product;
}

const SBOX = Uint8Array.from({ length: 256 }, (_, n) => {
  let inverse = 0;
  for (let m = 1; m < 256 && inverse === 0; m++) if (times(n, m) === 1) inverse = m;
  let out = 0x63;
  for (let k = 0; k < 5; k++) out ^= ((inverse << k) | (inverse >> (8 - k))) & 0xff;
  return out;
});
const INVERSE_SBOX = new Uint8Array(256);
SBOX.forEach((to, from) => {
  INVERSE_SBOX[to] = from;
});
const PRODUCTS = new Map([2, 3, 9, 11, 13, 14].map((factor) => [factor, Uint8Array.from({ length: 256 }, (_, n) => times(n, factor))]));

function bytesOf(low: bigint, high: bigint): Uint8Array {
  const out = new Uint8Array(16);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, low, true);
  view.setBigUint64(8, high, true);
  return out;
}

function quadsOf(bytes: Uint8Array): bigint[] {
  const view = new DataView(bytes.buffer);
  return [view.getBigUint64(0, true), view.getBigUint64(8, true)];
}

/** Row r of the columns turned left by r places (right for the inverse), through a table. */
const shiftRows = (state: Uint8Array, table: Uint8Array, direction: 1 | -1): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, n) => table[state[(n + direction * 4 * (n % 4) + 64) % 16]!]!);

/** Each column as a polynomial times the fixed one with these coefficients. */
function mixColumns(state: Uint8Array, coefficients: readonly number[]): Uint8Array {
  const out = new Uint8Array(16);
  for (let n = 0; n < 16; n++) {
    const column = n & ~3;
    for (let k = 0; k < 4; k++) {
      const byte = state[column + ((n + k) & 3)]!;
      const factor = coefficients[k]!;
      out[n]! ^= factor === 1 ? byte : PRODUCTS.get(factor)![byte]!;
    }
  }
  return out;
}

const MIX = [2, 3, 1, 1];
const INVERSE_MIX = [14, 11, 13, 9];

const step = (name: string, run: (state: Uint8Array) => Uint8Array): Helper => ({
  name,
  parameters: 4,
  results: 2,
  run: (low, high, keyLow, keyHigh) => {
    const [a, b] = quadsOf(run(bytesOf(low!, high!)));
    return [a! ^ keyLow!, b! ^ keyHigh!];
  },
});

export const AES: readonly Helper[] = [
  step('aes.enc', (s) => mixColumns(shiftRows(s, SBOX, 1), MIX)),
  step('aes.enclast', (s) => shiftRows(s, SBOX, 1)),
  step('aes.dec', (s) => mixColumns(shiftRows(s, INVERSE_SBOX, -1), INVERSE_MIX)),
  step('aes.declast', (s) => shiftRows(s, INVERSE_SBOX, -1)),
  { name: 'aes.imc', parameters: 2, results: 2, run: (low, high) => quadsOf(mixColumns(bytesOf(low!, high!), INVERSE_MIX)) },
  {
    name: 'aes.keygen',
    parameters: 3,
    results: 2,
    run: (low, high, constant) => {
      const bytes = bytesOf(low!, high!);
      const word = (at: number): number => [0, 1, 2, 3].reduce((w, k) => w | (SBOX[bytes[at + k]!]! << (8 * k)), 0) >>> 0;
      const turned = (w: number): number => ((((w >>> 8) | (w << 24)) >>> 0) ^ Number(constant! & 0xffn)) >>> 0;
      const pair = (w: number): bigint => BigInt(w) | (BigInt(turned(w)) << 32n);
      return [pair(word(4)), pair(word(12))];
    },
  },
];
