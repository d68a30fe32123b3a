import { LENGTHS, TEXT, TEXT_BYTES } from './ground.ts';

/** A place in the text; `at` is its offset once it is laid out. */
export interface Label {
  at: number;
}

export const label = (): Label => ({ at: -1 });

/** How an instruction names a place: its last bytes are the distance to it or, inside it, the linear address, which the alias moves. */
export interface Reference {
  readonly to: Label;
  readonly kind: 'distance8' | 'distance32' | 'address32';
  /** Bytes behind the place that are meant. */
  readonly plus?: number;
}

/** One instruction, or bytes that are none. */
export interface Item {
  readonly bytes: Uint8Array;
  readonly reference?: Reference;
  /** No instruction: nothing goes on behind it. */
  readonly data?: boolean;
}

export type Part = Item | Label;

export const isLabel = (part: Part): part is Label => 'at' in part;

export const bytesOf = (...bytes: number[]): Item => ({ bytes: Uint8Array.from(bytes) });
export const little = (value: number, bytes = 4): number[] =>
  Array.from({ length: bytes }, (_, n) => Math.floor(value / 2 ** (8 * n)) & 0xff);
export const quad = (value: bigint): number[] => Array.from({ length: 8 }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));

/** An instruction whose last bytes are a reference. */
export function referring(kind: Reference['kind'], to: Label, ...bytes: number[]): Item {
  return { bytes: Uint8Array.from([...bytes, ...Array(kind === 'distance8' ? 1 : 4).fill(0)]), reference: { to, kind } };
}

/** What the manual recommends for so many bytes that do nothing: one instruction up to nine bytes, more for more. */
const NOPS = [
  '',
  '90',
  '6690',
  '0f1f00',
  '0f1f4000',
  '0f1f440000',
  '660f1f440000',
  '0f1f8000000000',
  '0f1f840000000000',
  '660f1f840000000000',
];

export function nops(length: number): Uint8Array {
  const out: number[] = [];
  while (out.length < length) out.push(...Buffer.from(NOPS[Math.min(9, length - out.length)]!, 'hex'));
  return Uint8Array.from(out);
}

/** The text of a program: its bytes and, for the handlers, the length of what begins at each of them. */
export class Text {
  readonly bytes = new Uint8Array(TEXT_BYTES);
  readonly lengths = new Uint8Array(TEXT_BYTES);
  readonly #omitted: ReadonlySet<number>;
  readonly #open: { at: number; item: Item }[] = [];
  readonly #kept = new Map<number, number>();
  /** Instructions so far: their numbers are what may be left out. */
  items = 0;
  at = 0;

  /** Items with the numbers in `omitted` do nothing. */
  constructor(omitted: ReadonlySet<number>) {
    this.#omitted = omitted;
  }

  add(parts: readonly Part[]): void {
    for (const part of parts) {
      if (isLabel(part)) {
        part.at = this.at;
        continue;
      }
      const { length } = part.bytes;
      if (this.at + length > TEXT_BYTES) throw new Error('the text is full');
      if (this.#omitted.has(this.items++)) {
        const filler = nops(length);
        this.bytes.set(filler, this.at);
        for (let at = 0; at < length; at += 9) this.lengths[this.at + at] = Math.min(9, length - at);
      } else {
        this.bytes.set(part.bytes, this.at);
        this.#kept.set(this.at, length);
        if (part.data !== true) this.lengths[this.at] = length;
        if (part.reference !== undefined) this.#open.push({ at: this.at, item: part });
      }
      this.at += length;
    }
  }

  /** Fills in what was referred to, now that all of it has a place. */
  finish(): void {
    const view = new DataView(this.bytes.buffer);
    for (const { at, item } of this.#open) {
      const { to, kind } = item.reference!;
      const end = at + item.bytes.length;
      if (to.at < 0) throw new Error('a label has no place');
      const distance = to.at - end;
      if (kind === 'address32') view.setInt32(end - 4, TEXT + to.at + (item.reference!.plus ?? 0), true);
      else if (kind === 'distance32') view.setInt32(end - 4, distance, true);
      else if (distance >= -128 && distance <= 127) view.setInt8(end - 1, distance);
      else this.bytes.set(nops(item.bytes.length), at);
    }
  }

  /** Instructions that are not left out, as hexadecimal behind their addresses. */
  spelt(): string[] {
    return [...this.#kept].map(
      ([at, length]) => `${(TEXT + at).toString(16)}: ${Buffer.from(this.bytes.subarray(at, at + length)).toString('hex')}`,
    );
  }

  load(memory: (at: number, length: number) => Uint8Array): void {
    memory(TEXT, TEXT_BYTES).set(this.bytes);
    memory(LENGTHS, TEXT_BYTES).set(this.lengths);
  }
}
