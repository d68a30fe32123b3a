/** Words of a content's hash: 128 bits. */
export const HASH_WORDS = 4;

const C = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93] as const;

const rotl = (x: number, n: number): number => (x << n) | (x >>> (32 - n));

/** The finalizer of MurmurHash3: a bijection in which every bit of the input changes about half of the output. */
export function finish(x: number): number {
  let h = x ^ (x >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * 128 bits for `length` words, written to `out` from index `at`. MurmurHash3 for x86 with four lanes (A. Appleby, public domain), which reads four words
 * a round. Not for contents that somebody chooses to collide.
 */
export function hashWords(words: Int32Array, length: number, seed: number, out: Int32Array, at: number): void {
  let [a, b, c, d] = [seed, seed ^ 0x5bd1e995, seed ^ 0x1b873593, seed ^ 0xcc9e2d51];
  for (let i = 0; i < length; i += 4) {
    a ^= Math.imul(rotl(Math.imul(words[i]!, C[0]), 15), C[1]);
    a = (Math.imul(rotl(a, 19) + b, 5) + 0x561ccd1b) | 0;
    b ^= Math.imul(rotl(Math.imul(i + 1 < length ? words[i + 1]! : 0, C[1]), 16), C[2]);
    b = (Math.imul(rotl(b, 17) + c, 5) + 0x0bcaa747) | 0;
    c ^= Math.imul(rotl(Math.imul(i + 2 < length ? words[i + 2]! : 0, C[2]), 17), C[3]);
    c = (Math.imul(rotl(c, 15) + d, 5) + 0x96cd1c35) | 0;
    d ^= Math.imul(rotl(Math.imul(i + 3 < length ? words[i + 3]! : 0, C[3]), 18), C[0]);
    d = (Math.imul(rotl(d, 13) + a, 5) + 0x32ac3b17) | 0;
  }
  a = finish((a ^ length) + b + c + d);
  b = finish((b ^ length) + a);
  c = finish((c ^ length) + a);
  d = finish((d ^ length) + a + b);
  out[at] = (a + b + c + d) | 0;
  out[at + 1] = (b + a) | 0;
  out[at + 2] = (c + a) | 0;
  out[at + 3] = (d + b) | 0;
}
