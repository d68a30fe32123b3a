import type { Image } from '../../image/image.ts';
import { GPR_NAMES, RSP } from '../../isa/core-state.ts';
import type { Core } from '../../machine/core.ts';
import { readLinear } from '../../machine/look.ts';
import type { Timeline } from './timeline.ts';

/** A function that is being executed, or that waits for one that it called. */
export interface Frame {
  /** Where it goes on. */
  readonly rip: bigint;
  /** An address inside the instruction that it is at: for a caller that of its CALL. */
  readonly at: bigint;
  /** General registers by encoding number, those that are known to be what they were. */
  readonly registers: ReadonlyMap<number, bigint>;
  /** `current`: where the core is. `called`: it waits for a return. `interrupted`: for an IRET. */
  readonly kind: 'current' | 'called' | 'interrupted';
}

const PAGE_BYTES = 4096n;
const MAX_FRAMES = 64;
/** Reserved bits of RFLAGS, and bit 1, which is always set (SDM Vol. 1, "EFLAGS Register"). */
const RFLAGS_FIXED = 0xffff_ffff_ffc0_802an;
const RFLAGS_ONE = 2n;
/** Registers that a function leaves as they were (System V ABI): RBX, RBP, R12 to R15. */
const KEPT = new Set([3, 5, 12, 13, 14, 15]);

/**
 * The stack of a core, innermost frame first. Where the image has call frame information it is exact. Elsewhere (assembly) the nearest word on the stack that
 * is a return address counts: one behind a CALL of the image, or behind a patched site; or a frame that an exception has pushed. `sites`: where calls may come to be.
 */
export function stackOf(timeline: Timeline, core: Core, sites: readonly bigint[] = []): Frame[] {
  const { machine, image } = timeline;
  const word = (at: bigint): bigint | undefined => {
    const bytes = readLinear(machine, core, at, 8);
    return bytes.length === 8 ? new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true) : undefined;
  };
  const first = new Map(GPR_NAMES.map((_, n) => [n, core.gpr(n)] as const));
  const rip = core.linearRip;
  const frames: Frame[] = [{ rip, at: rip, registers: first, kind: 'current' }];
  // What follows knows stacks of quadwords.
  if (core.mode !== 0) return frames;
  while (frames.length < MAX_FRAMES) {
    const frame = frames.at(-1) as Frame;
    const caller = described(image, frame, word) ?? scanned(image, frame, word, sites);
    if (caller === undefined) return frames;
    frames.push(caller);
  }
  return frames;
}

const inCode = (image: Image, address: bigint): boolean => image.segmentAt(address)?.executable === true;

function described(image: Image, { at, registers }: Frame, word: (at: bigint) => bigint | undefined): Frame | undefined {
  const row = image.frames.rowAt(at);
  const base = row === undefined ? undefined : registers.get(row.register);
  if (row === undefined || base === undefined) return undefined;
  const cfa = BigInt.asUintN(64, base + BigInt(row.offset));
  const rip = word(cfa + BigInt(row.returnAt));
  if (rip === undefined || !inCode(image, rip)) return undefined;
  const kept = new Map([...registers].filter(([n]) => KEPT.has(n)));
  for (const [n, offset] of row.saved) {
    const value = word(cfa + BigInt(offset));
    if (value === undefined) kept.delete(n);
    else kept.set(n, value);
  }
  return { rip, at: rip - 1n, registers: kept.set(RSP, cfa), kind: 'called' };
}

function scanned(
  image: Image,
  { registers }: Frame,
  word: (at: bigint) => bigint | undefined,
  sites: readonly bigint[],
): Frame | undefined {
  const rsp = registers.get(RSP);
  if (rsp === undefined || (rsp & 7n) !== 0n) return undefined;
  // Stacks of the small world are one page; on a larger one the rest of the page is far enough.
  const end = (rsp + PAGE_BYTES - 1n) & -PAGE_BYTES;
  for (let at = rsp; at < end; at += 8n) {
    const value = word(at);
    if (value === undefined) return undefined;
    if (!inCode(image, value)) continue;
    const pushed = exceptionFrame(at, end, word);
    if (pushed !== undefined) return { rip: value, at: value, registers: new Map([[RSP, pushed]]), kind: 'interrupted' };
    if (isReturn(image, value, sites)) return { rip: value, at: value - 1n, registers: new Map([[RSP, at + 8n]]), kind: 'called' };
  }
  return undefined;
}

/** RSP of what an exception interrupted, if what it pushed lies here (SDM Vol. 3, "64-Bit Mode Stack Frame"). */
function exceptionFrame(at: bigint, end: bigint, word: (at: bigint) => bigint | undefined): bigint | undefined {
  if (at + 40n > end) return undefined;
  const [cs, flags, rsp, ss] = [8n, 16n, 24n, 32n].map((offset) => word(at + offset));
  if (cs === undefined || flags === undefined || rsp === undefined || ss === undefined) return undefined;
  const selectors = cs > 0n && cs < 0x100n && ss < 0x100n && (cs & 3n) === (ss & 3n);
  return selectors && (flags & RFLAGS_FIXED) === RFLAGS_ONE && rsp !== 0n ? rsp : undefined;
}

/** Whether a CALL stands before an address, in the image as it was built or at a site. */
function isReturn(image: Image, address: bigint, sites: readonly bigint[]): boolean {
  if (sites.includes(address - 5n)) return true;
  const segment = image.segmentAt(address);
  if (segment === undefined) return false;
  const offset = Number(address - segment.address);
  const byte = (back: number): number => (offset >= back ? (segment.bytes[offset - back] ?? 0) : 0);
  // CALL rel32, or FF /2 with an operand that ends here.
  return (
    byte(5) === 0xe8 ||
    INDIRECT_LENGTHS.some((length) => byte(length) === 0xff && indirectLength(byte(length - 1), byte(length - 2)) === length)
  );
}

const INDIRECT_LENGTHS = [2, 3, 4, 6, 7] as const;

/** Bytes of FF /2 from its opcode on (SDM Vol. 2, "ModR/M and SIB Bytes"); 0 where the ModR/M byte is that of another instruction. */
function indirectLength(modrm: number, sib: number): number {
  if (((modrm >> 3) & 7) !== 2) return 0;
  const rm = modrm & 7;
  const withSib = rm === 4 ? 1 : 0;
  switch (modrm >> 6) {
    case 0:
      return rm === 5 || (rm === 4 && (sib & 7) === 5) ? 6 + withSib : 2 + withSib;
    case 1:
      return 3 + withSib;
    case 2:
      return 6 + withSib;
    default:
      return 2;
  }
}
