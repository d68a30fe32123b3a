/** Bytes of the longest packet, as `qSupported` promises. */
export const PACKET_BYTES = 0x4000;
/** Some clients do not count the frame. */
const MOST_BYTES = PACKET_BYTES + 64;

const DOLLAR = 0x24;
const HASH = 0x23;
const PLUS = 0x2b;
const MINUS = 0x2d;
const ESCAPE = 0x7d;
const INTERRUPT = 0x03;

/** What a client sends. The body of a packet is a string of bytes: a character each. */
export type Incoming =
  | { readonly kind: 'packet'; readonly body: string }
  | { readonly kind: 'ack' }
  | { readonly kind: 'nak' }
  | { readonly kind: 'interrupt' }
  /** A packet that must be sent again, or is dropped. */
  | { readonly kind: 'bad'; readonly why: string };

/** Finds packets in a stream of bytes (gdb's manual, "Overview" of the remote protocol). What is between packets and means nothing is skipped. */
export class PacketReader {
  #state: 'between' | 'body' | 'sum' = 'between';
  #body: number[] = [];
  #size = 0;
  #sum = 0;
  #digits = '';

  *read(bytes: Uint8Array): Generator<Incoming, void> {
    for (const byte of bytes) {
      const found = this.#byte(byte);
      if (found !== undefined) yield found;
    }
  }

  #byte(byte: number): Incoming | undefined {
    if (this.#state === 'sum') return this.#digit(byte);
    // An unescaped $ begins a packet: the one before it was cut off.
    if (byte === DOLLAR) return this.#begin();
    if (this.#state === 'body') {
      if (byte === HASH) {
        this.#state = 'sum';
        return undefined;
      }
      this.#sum = (this.#sum + byte) & 0xff;
      this.#size++;
      if (this.#size <= MOST_BYTES) this.#body.push(byte);
      return undefined;
    }
    if (byte === PLUS) return { kind: 'ack' };
    if (byte === MINUS) return { kind: 'nak' };
    return byte === INTERRUPT ? { kind: 'interrupt' } : undefined;
  }

  #begin(): undefined {
    this.#state = 'body';
    this.#body = [];
    this.#size = 0;
    this.#sum = 0;
    this.#digits = '';
  }

  #digit(byte: number): Incoming | undefined {
    this.#digits += String.fromCharCode(byte);
    if (this.#digits.length < 2) return undefined;
    this.#state = 'between';
    if (!/^[0-9a-f]{2}$/i.test(this.#digits) || Number.parseInt(this.#digits, 16) !== this.#sum)
      return { kind: 'bad', why: 'a packet with a wrong checksum' };
    if (this.#size > MOST_BYTES) return { kind: 'bad', why: `a packet of ${this.#size} bytes: at most ${PACKET_BYTES}` };
    return { kind: 'packet', body: unescaped(this.#body) };
  }
}

function unescaped(bytes: readonly number[]): string {
  let out = '';
  for (let n = 0; n < bytes.length; n++) {
    const byte = bytes[n] as number;
    out += String.fromCharCode(byte === ESCAPE && n + 1 < bytes.length ? (bytes[++n] as number) ^ 0x20 : byte);
  }
  return out;
}

/** A packet with this body, whose characters are bytes. */
export function packet(body: string): Uint8Array {
  const out: number[] = [DOLLAR];
  let sum = 0;
  const add = (byte: number): void => {
    out.push(byte);
    sum = (sum + byte) & 0xff;
  };
  for (let n = 0; n < body.length; n++) {
    const byte = body.charCodeAt(n) & 0xff;
    // `*` would be a run length.
    if (byte === DOLLAR || byte === HASH || byte === ESCAPE || byte === 0x2a) {
      add(ESCAPE);
      add(byte ^ 0x20);
    } else add(byte);
  }
  const digits = sum.toString(16).padStart(2, '0');
  out.push(HASH, digits.charCodeAt(0), digits.charCodeAt(1));
  return Uint8Array.from(out);
}

/** Bytes as two digits each. */
export const hexOf = (bytes: Iterable<number>): string => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');

/** Text as the digits of its UTF-8 bytes. */
export const hexOfText = (text: string): string => hexOf(new TextEncoder().encode(text));

/** Bytes of digits; undefined for what are none. */
export function bytesOfHex(digits: string): Uint8Array | undefined {
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) return undefined;
  return Uint8Array.from({ length: digits.length / 2 }, (_, n) => Number.parseInt(digits.slice(2 * n, 2 * n + 2), 16));
}

/** A number of up to 64 bits in hexadecimal; undefined for anything else. */
export const numberOfHex = (digits: string | undefined): bigint | undefined =>
  digits !== undefined && /^[0-9a-f]{1,16}$/i.test(digits) ? BigInt(`0x${digits}`) : undefined;
