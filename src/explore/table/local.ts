import { CORE } from '../../engine/layout.ts';
import { EXTENDED_AT, EXTENDED_BYTES, OFFSET } from '../../isa/core-state.ts';
import { arithmeticFlags } from '../../isa/flags.ts';
import { isExtendedNew, resetExtended } from '../../machine/core.ts';
import type { Machine } from '../../machine/machine.ts';
import { HASH_WORDS, hashWords } from './content-hash.ts';
import type { Places } from './places.ts';

/** What one core alone knows: its block, with its extended state behind it where that has been used, and its private memory where that differs from the start. */
export interface Local {
  readonly block: Uint8Array;
  readonly cells: ReadonlyMap<number, bigint>;
  /** Sum of the hashes of `cells`. */
  readonly sum: Int32Array;
}

/** What is pending for a core: words of its block that others write. */
export const PENDING: readonly number[] = [OFFSET.irr0, OFFSET.irr1, OFFSET.irr2, OFFSET.irr3, OFFSET.nmiPending];

/** The block without what has slots of its own: what is pending, and how far its fetch may lag. */
export function localBlock(machine: Machine, core: number): Uint8Array {
  const { base } = machine.cores[core]!;
  const { bytes } = machine.engine;
  // One that is as at the start counts as not used.
  const isUsed = machine.cores[core]!.raw(CORE.extendedUsed) !== 0 && !isExtendedNew(bytes, base);
  const block = new Uint8Array(CORE.blockEnd + (isUsed ? EXTENDED_BYTES : 0));
  block.set(bytes.subarray(base, base + CORE.blockEnd));
  new Int32Array(block.buffer)[CORE.extendedUsed >> 2] = isUsed ? 1 : 0;
  if (isUsed) block.set(bytes.subarray(base + EXTENDED_AT, base + EXTENDED_AT + EXTENDED_BYTES), CORE.blockEnd);
  for (const at of PENDING) block.fill(0, at, at + 8);
  block.fill(0, CORE.floors, CORE.storeBufferCount);
  block.fill(0, CORE.hash, CORE.hashDirty + 8);
  return block;
}

/** Gives a core a block that `localBlock` gave. */
export function putBlock(machine: Machine, core: number, block: Uint8Array): void {
  const { base } = machine.cores[core]!;
  const { bytes } = machine.engine;
  const wasUsed = machine.cores[core]!.raw(CORE.extendedUsed) !== 0;
  bytes.set(block.subarray(0, CORE.blockEnd), base);
  if (block.length > CORE.blockEnd) bytes.set(block.subarray(CORE.blockEnd), base + EXTENDED_AT);
  else if (wasUsed) resetExtended(bytes, base);
}

const scratch = new Int32Array((CORE.hashedEnd >> 2) + HASH_WORDS);

/** Hash of everything that is state: words that are derived or tell only where the core waits are left out, flags count as RFLAGS. */
export function hashLocal(block: Uint8Array, sum: Int32Array, out: Int32Array): void {
  const words = new Int32Array(block.buffer, block.byteOffset, CORE.hashedEnd >> 2);
  scratch.set(words);
  const longs = new BigUint64Array(block.buffer, block.byteOffset, CORE.hashedEnd >> 3);
  for (const at of [OFFSET.zero, OFFSET.flagResult, OFFSET.flagCarry]) scratch.fill(0, at >> 2, (at >> 2) + 2);
  scratch[OFFSET.flagResult >> 2] = arithmeticFlags(longs[OFFSET.flagResult >> 3]!, longs[OFFSET.flagCarry >> 3]!);
  const home = new Int32Array(block.buffer, block.byteOffset + CORE.homeCr3, 2);
  scratch[OFFSET.cr3 >> 2]! ^= home[0]!;
  scratch[(OFFSET.cr3 >> 2) + 1]! ^= home[1]!;
  scratch.set(sum, CORE.hashedEnd >> 2);
  hashWords(scratch, scratch.length, 0x10ca1, out, 0);
  if (block.length === CORE.blockEnd) return;
  const extended = new Int32Array(block.buffer, block.byteOffset + CORE.blockEnd, EXTENDED_BYTES >> 2);
  hashWords(extended, extended.length, out[0]!, more, 0);
  for (let n = 0; n < HASH_WORDS; n++) out[n]! ^= more[n]!;
}

const more = new Int32Array(HASH_WORDS);

const cellWords = new Int32Array(4);
const cellHash = new Int32Array(HASH_WORDS);

/** Adds (or with -1 takes away) a private quadword's share of a sum. */
export function addCell(places: Places, cell: number, value: bigint, sum: Int32Array, sign: 1 | -1): void {
  [cellWords[0], cellWords[1]] = places.key(cell) as [number, number];
  cellWords[2] = Number(BigInt.asIntN(32, value));
  cellWords[3] = Number(BigInt.asIntN(32, value >> 32n));
  hashWords(cellWords, 4, 0xce11, cellHash, 0);
  for (let i = 0; i < HASH_WORDS; i++) sum[i] = (sum[i]! + sign * cellHash[i]!) | 0;
}
