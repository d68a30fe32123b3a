import { TextpokeError } from '../error.ts';

/**
 * A cursor over little-endian bytes that cannot read outside them: every overrun is an `E_ELF` error which names the place.
 * `where` is the name of the region (a file, or a section such as `.debug_line`); offsets in messages count from its start.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly where: string;
  position: number;
  /** First offset that may not be read. */
  end: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, where: string, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.where = where;
    this.position = position;
    this.end = Math.min(end, bytes.length);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** An error at `offset` (the current position unless given). */
  error(message: string, hint: string, offset = this.position): TextpokeError {
    return new TextpokeError('E_ELF', message, { where: `${this.where}+0x${offset.toString(16)}`, hint });
  }

  /** Reserves `size` bytes and returns the offset of the first. */
  take(size: number, what: string): number {
    const at = this.position;
    if (size < 0 || at < 0 || size > this.end - at) {
      const rest = Math.max(this.end - at, 0);
      throw this.error(`${what} needs ${size} bytes, but ${rest} are left`, 'the file is cut short or damaged: build or copy it again', at);
    }
    this.position = at + size;
    return at;
  }

  u8(what: string): number {
    return this.#view.getUint8(this.take(1, what));
  }
  i8(what: string): number {
    return this.#view.getInt8(this.take(1, what));
  }
  u16(what: string): number {
    return this.#view.getUint16(this.take(2, what), true);
  }
  u32(what: string): number {
    return this.#view.getUint32(this.take(4, what), true);
  }
  u64(what: string): bigint {
    return this.#view.getBigUint64(this.take(8, what), true);
  }

  /** A 64-bit field that must be a plain offset or size: anything above 2^53 is refused rather than rounded. */
  size64(what: string): number {
    const at = this.position;
    const value = this.u64(what);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw this.error(`${what} is 0x${value.toString(16)}, which no file can hold`, 'the file is damaged: build or copy it again', at);
    }
    return Number(value);
  }

  /** Unsigned LEB128, at most 64 bits (DWARF 5 section 7.6). */
  uleb(what: string): bigint {
    return this.#leb(what, false);
  }

  /** Signed LEB128, at most 64 bits. */
  sleb(what: string): bigint {
    return this.#leb(what, true);
  }

  #leb(what: string, signed: boolean): bigint {
    const at = this.position;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.u8(what);
      value |= BigInt(byte & 0x7f) << shift;
      if (!(byte & 0x80)) {
        return signed ? BigInt.asIntN(64, byte & 0x40 ? value - (1n << (shift + 7n)) : value) : BigInt.asUintN(64, value);
      }
    }
    throw this.error(`${what} is a number of more than 64 bits`, 'the section is damaged: build the file again', at);
  }

  /** A NUL-terminated string, decoded as UTF-8. */
  cstring(what: string): string {
    const at = this.position;
    const stop = this.bytes.indexOf(0, at);
    if (at < 0 || at > this.end || stop < 0 || stop >= this.end) {
      throw this.error(`${what} has no terminating zero`, 'the string table is damaged: build the file again', at);
    }
    this.position = stop + 1;
    return new TextDecoder().decode(this.bytes.subarray(at, stop));
  }
}
