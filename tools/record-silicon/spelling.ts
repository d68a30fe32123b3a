import { Decoder } from 'iced-x86';
import { codeOf, type MemoryPlace, type Row } from '../../src/isa/encodings.ts';
import { pick, type Random } from './values.ts';

/** The ways to spell one instruction: addresses, VEX prefixes of two bytes, prefixes that change nothing or little. */

/** A memory operand. RIP-relative ones and those without a base get their displacement later. */
export function memoryPlace(random: Random, gather: boolean): MemoryPlace {
  const kind = gather ? 15 : random(16);
  if (kind === 0) return { scale: 0, displacement: 0 };
  if (kind < 3) return { scale: 0, displacement: 0, relative: true };
  const base = random(16);
  const indexes = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].filter((n) => n !== base);
  const index = gather ? random(16) : random(3) === 0 ? pick(random, indexes) : undefined;
  const displacement = [0, random(256) - 128, random(256) - 128, random(0x20000) - 0x10000];
  return {
    base,
    ...(index !== undefined && { index }),
    scale: random(4) as 0 | 1 | 2 | 3,
    displacement: pick(random, displacement),
    short: random(4) > 0,
  };
}

/** Puts a displacement of 32 bits into bytes that have one; undefined where they are no instruction. */
export function withDisplacement(bytes: Uint8Array, displacement: bigint): Uint8Array | undefined {
  const decoder = new Decoder(64, bytes, 0);
  const iced = decoder.decode();
  const offsets = decoder.getConstantOffsets(iced);
  const at = offsets.displacementOffset;
  for (const made of [offsets, iced, decoder]) made.free();
  if (at === 0) return undefined;
  const out = bytes.slice();
  new DataView(out.buffer).setInt32(at, Number(displacement), true);
  return out;
}

const LOCK = 0xf0;
/** Segments (FS has this thread's base), operand size, address size, repeats: most mean nothing to most instructions. */
const PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x65, 0x66, 0x67, 0x67, 0xf2, 0xf3];
const LOCKABLE = /^(add|adc|and|bt[crs]|cmpxchg(8b|16b)?|dec|inc|neg|not|or|sbb|sub|xor|xadd|xchg)$/;

export interface Spelling {
  readonly bytes: Uint8Array;
  /** LOCK where it is not allowed: #UD. */
  readonly invalid: boolean;
}

/** The same row in other bytes, as chance has it. */
export function respelled(row: Row, kind: string, bytes: Uint8Array, inMemory: boolean, random: Random): Spelling {
  const isRow = (made: Uint8Array): boolean => made.length <= 15 && codeOf(made, 64) === row.code;
  let out = bytes;
  // C5 has no map, no W, and of the register extensions only R.
  if (bytes[0] === 0xc4 && (bytes[1]! & 0x7f) === 0x61 && bytes[2]! < 0x80 && random(2) === 0)
    out = Uint8Array.of(0xc5, (bytes[1]! & 0x80) | bytes[2]!, ...bytes.subarray(3));
  if (!isRow(out)) out = bytes;
  if (inMemory && LOCKABLE.test(row.mnemonic) && random(3) === 0) {
    const locked = Uint8Array.of(LOCK, ...out);
    if (isRow(locked)) out = locked;
  } else if (row.legacy && random(100) === 0) {
    const locked = Uint8Array.of(LOCK, ...out);
    if (!isRow(locked)) return { bytes: locked, invalid: true };
  }
  if (random(6) === 0) {
    const prefix = pick(random, PREFIXES);
    const refused = (kind === 'branch' && prefix === 0x66) || (kind === 'string' && prefix >= 0xf2);
    const prefixed = Uint8Array.of(prefix, ...out);
    if (!refused && isRow(prefixed)) out = prefixed;
  }
  return { bytes: out, invalid: false };
}
