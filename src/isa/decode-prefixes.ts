import { LONG_MODE, type Mode } from './mode.ts';

/** The prefixes that stand before an opcode (SDM Vol. 2, "Instruction Prefixes" and "REX Prefixes"). */
export interface Prefixes {
  /** 66: operand-size override. */
  readonly operandSize: boolean;
  /** 67: address-size override. */
  readonly addressSize: boolean;
  /** REX.W, of a REX that is the last prefix; the others are ignored. */
  readonly rexW: boolean;
  /** REX.B, likewise. */
  readonly rexB: boolean;
  /** The last of F3 (REP) and F2 (REPNE). */
  readonly repeat: 'none' | 'rep' | 'repne';
}

const LEGACY = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);

const isRex = (byte: number): boolean => (byte & 0xf0) === 0x40;

/** Number of prefix bytes at the start of `bytes`. Only 64-bit mode has REX. */
function prefixLength(bytes: Uint8Array, mode: Mode): number {
  let n = 0;
  while (n < bytes.length && (LEGACY.has(bytes[n]!) || (mode === LONG_MODE && isRex(bytes[n]!)))) n++;
  return n;
}

/** Reads the prefixes of the instruction at the start of `bytes`. */
export function scanPrefixes(bytes: Uint8Array, mode: Mode): Prefixes {
  const n = prefixLength(bytes, mode);
  const run = bytes.subarray(0, n);
  const last = n > 0 && mode === LONG_MODE ? bytes[n - 1]! : 0;
  const repeat = run.lastIndexOf(0xf3) - run.lastIndexOf(0xf2);
  return {
    operandSize: run.includes(0x66),
    addressSize: run.includes(0x67),
    rexW: isRex(last) && (last & 8) !== 0,
    rexB: isRex(last) && (last & 1) !== 0,
    repeat: repeat > 0 ? 'rep' : repeat < 0 ? 'repne' : 'none',
  };
}

/**
 * The 11 bits by which the x87 FPU knows the instruction (SDM Vol. 1, "x87 FPU Last Opcode"): the low bits of the escape opcode, D8 to DF, and the byte behind it;
 * undefined for one of another kind.
 */
export function escapeOpcode(bytes: Uint8Array, mode: Mode): number | undefined {
  const [first, second] = bytes.subarray(prefixLength(bytes, mode));
  return first === undefined || second === undefined || (first & 0xf8) !== 0xd8 ? undefined : ((first & 7) << 8) | second;
}

/** The same instruction, one byte shorter: without a prefix that stands again later; undefined when none does. */
export function withoutRepeatedPrefix(bytes: Uint8Array, mode: Mode): Uint8Array | undefined {
  const n = prefixLength(bytes, mode);
  for (let i = 0; i < n; i++) {
    if (bytes.subarray(i + 1, n).includes(bytes[i]!)) return Uint8Array.of(...bytes.subarray(0, i), ...bytes.subarray(i + 1));
  }
  return undefined;
}

/** The same instruction of 64-bit mode without its F3 prefixes. */
export function withoutRep(bytes: Uint8Array): Uint8Array {
  const n = prefixLength(bytes, LONG_MODE);
  return bytes.filter((byte, i) => i >= n || byte !== 0xf3);
}

/** Opcodes that are #UD whatever follows, so that nothing after them is fetched (as measured): one byte, and behind 0F. */
const INVALID = new Set([0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0xce, 0xd6]);
const INVALID_0F = new Set([0x04, 0x0a, 0x0c, 0x24, 0x25, 0x26, 0x27, 0x36, 0x39, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x7a, 0x7b, 0xa6, 0xa7]);

/** Whether the opcode at the start of `bytes` needs no further byte to be invalid in 64-bit mode. */
export function hasInvalidOpcode(bytes: Uint8Array): boolean {
  const n = prefixLength(bytes, LONG_MODE);
  const [first, second] = bytes.subarray(n, n + 2);
  return first === 0x0f ? second !== undefined && INVALID_0F.has(second) : first !== undefined && INVALID.has(first);
}
