/**
 * FNV-1a, 64 bits (Fowler, Noll, Vo), over bytes and strings. Not cryptographic: it tells images apart, it does not defend them.
 * Two 32-bit halves instead of a BigInt, so that a megabyte costs milliseconds. The prime is 2^40 + 0x1b3.
 */
export class Fnv64 {
  #high = 0xcbf29ce4;
  #low = 0x84222325;

  bytes(data: Uint8Array): this {
    let high = this.#high;
    let low = this.#low;
    for (const byte of data) {
      low = (low ^ byte) >>> 0;
      const product = low * 0x1b3;
      const carry = Math.floor(product / 0x100000000);
      high = (Math.imul(high, 0x1b3) + carry + (low << 8)) >>> 0;
      low = product >>> 0;
    }
    this.#high = high;
    this.#low = low;
    return this;
  }

  /** The 8 little-endian bytes of `value` modulo 2^64. */
  word(value: bigint): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
    return this.bytes(bytes);
  }

  /** 16 hexadecimal digits. */
  hex(): string {
    return this.#high.toString(16).padStart(8, '0') + this.#low.toString(16).padStart(8, '0');
  }
}
