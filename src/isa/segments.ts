import { type StateWord, Vector } from './core-state.ts';
import type { Instruction } from './instruction.ts';
import type { AccessKind, Vocabulary } from './vocabulary.ts';

/** Numbers of the segment registers, as encoded. */
export const ES = 0;
export const CS = 1;
export const SS = 2;
export const DS = 3;
export const FS = 4;
export const GS = 5;

/** What a segment register holds: the selector that software sees, and the hidden part (SDM Vol. 3, "Segment Registers"). */
export interface SegmentWords {
  readonly selector: StateWord;
  readonly base: StateWord;
  /** The lowest and the highest offset that may be accessed; the lowest is above the highest where none may. */
  readonly low: StateWord;
  readonly high: StateWord;
  /** Bits 40 to 55 of the descriptor: type, S, DPL, P, limit 19:16, AVL, L, D/B, G. */
  readonly rights: StateWord;
}

/** By number. */
export const SEGMENTS: readonly SegmentWords[] = [
  { selector: 'es', base: 'esBase', low: 'esLow', high: 'esHigh', rights: 'esRights' },
  { selector: 'cs', base: 'csBase', low: 'csLow', high: 'csHigh', rights: 'csRights' },
  { selector: 'ss', base: 'ssBase', low: 'ssLow', high: 'ssHigh', rights: 'ssRights' },
  { selector: 'ds', base: 'dsBase', low: 'dsLow', high: 'dsHigh', rights: 'dsRights' },
  { selector: 'fs', base: 'fsBase', low: 'fsLow', high: 'fsHigh', rights: 'fsRights' },
  { selector: 'gs', base: 'gsBase', low: 'gsLow', high: 'gsHigh', rights: 'gsRights' },
];

/** Bits of `SegmentWords.rights`. For a code segment `writable` says that it may be read. */
export const RIGHTS = {
  accessed: 1,
  writable: 2,
  expandDown: 4,
  code: 8,
  user: 0x10,
  dpl: 0x60,
  present: 0x80,
  long: 0x2000,
  big: 0x4000,
  pages: 0x8000,
} as const;

/** The segment of an access of 16- or 32-bit code (SDM Vol. 1, "Specifying a Segment Selector"). */
export function segmentFor(i: Instruction, through: AccessKind): number {
  return through === 'stack' ? SS : through === 'destination' ? ES : i.segment;
}

type SegmentVocabulary<V> = Pick<
  Vocabulary<V>,
  'constant' | 'state' | 'add' | 'and' | 'or' | 'eq' | 'ne' | 'ltUnsigned' | 'zeroExtend' | 'when'
> & {
  raise(vector: number, errorCode: number): void;
};

/**
 * The linear address of `bytes` bytes at an offset, below 2^33, of a segment in 16- or 32-bit code; #SS(0) or #GP(0) where the segment does not allow the access (SDM Vol. 3,
 * "Limit Checking", "Type Checking").
 */
export function linearAddress<V>(p: SegmentVocabulary<V>, segment: number, offset: V, bytes: number, access: 'read' | 'write'): V {
  const { base, low, high, rights } = SEGMENTS[segment]!;
  const last = p.add(offset, p.constant(bytes - 1));
  let refused = p.or(p.ltUnsigned(offset, p.state(low)), p.ltUnsigned(p.state(high), last));
  // What is no code can always be read; code is never written.
  if (access === 'write')
    refused = p.or(refused, p.ne(p.and(p.state(rights), p.constant(RIGHTS.code | RIGHTS.writable)), p.constant(RIGHTS.writable)));
  else if (segment === CS) refused = p.or(refused, p.eq(p.and(p.state(rights), p.constant(RIGHTS.writable)), p.constant(0)));
  p.when(refused, () => p.raise(segment === SS ? Vector.SS : Vector.GP, 0));
  return p.zeroExtend(p.add(p.state(base), offset), 32);
}
