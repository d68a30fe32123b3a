/** The wire type in the low bits of a field's tag (protobuf encoding guide, "Message Structure"). */
const WIRE = { varint: 0, fixed64: 1, bytes: 2 } as const;

const UTF8 = new TextEncoder();

/** A protobuf message as it is written: fields in the order in which they are added. Only the kinds of fields that our traces have. */
export class ProtobufMessage {
  readonly #bytes: number[] = [];

  /** An unsigned integer, an enum or a bool. */
  varint(field: number, value: number | bigint): this {
    this.#tag(field, WIRE.varint);
    this.#varint(BigInt(value));
    return this;
  }

  fixed64(field: number, value: bigint): this {
    this.#tag(field, WIRE.fixed64);
    for (let n = 0n; n < 64n; n += 8n) this.#bytes.push(Number((value >> n) & 0xffn));
    return this;
  }

  string(field: number, value: string): this {
    return this.#lengthDelimited(field, UTF8.encode(value));
  }

  message(field: number, value: ProtobufMessage): this {
    return this.#lengthDelimited(field, value.#bytes);
  }

  encode(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #lengthDelimited(field: number, bytes: ArrayLike<number> & Iterable<number>): this {
    this.#tag(field, WIRE.bytes);
    this.#varint(BigInt(bytes.length));
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  #tag(field: number, type: number): void {
    this.#varint((BigInt(field) << 3n) | BigInt(type));
  }

  #varint(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    for (; rest > 0x7fn; rest >>= 7n) this.#bytes.push(Number(rest & 0x7fn) | 0x80);
    this.#bytes.push(Number(rest));
  }
}
