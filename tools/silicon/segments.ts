import type { StateWord } from '../../src/isa/core-state.ts';
import { LONG_MODE, type Mode, modeOf } from '../../src/isa/mode.ts';
import { RIGHTS, SEGMENTS } from '../../src/isa/segments.ts';

/** A descriptor of the vectors' machine for 16- and 32-bit code. All are of ring 3. */
export interface SegmentDescriptor {
  readonly kind: 'data' | 'down' | 'code';
  readonly base: number;
  /** In bytes, or in pages with `pages`. */
  readonly limit: number;
  /** D/B. */
  readonly big: boolean;
  /** Data that cannot be written, code that cannot be read. */
  readonly restricted?: boolean;
  readonly pages?: boolean;
  readonly absent?: boolean;
}

const DATA = 0x10000000;
const CODE = 0x20000000;

/** The local descriptor table: selector 8 * n + 7 is entry n. Each ends inside what is mapped but for the last of the data segments and the flat ones. */
export const LDT: readonly SegmentDescriptor[] = [
  { kind: 'code', base: CODE, limit: 0x1fff, big: true },
  { kind: 'code', base: CODE, limit: 0x1fff, big: false },
  { kind: 'data', base: DATA, limit: 0xffff, big: true },
  { kind: 'data', base: DATA, limit: 0xffff, big: false },
  { kind: 'data', base: DATA + 0x4000, limit: 0x7fff, big: true },
  { kind: 'data', base: DATA + 0x4000, limit: 0x7fff, big: false },
  { kind: 'down', base: DATA + 0x10000, limit: 0xffff7, big: true, pages: true },
  { kind: 'down', base: DATA, limit: 0x3fff, big: false },
  { kind: 'data', base: DATA, limit: 0xffff, big: false, restricted: true },
  { kind: 'data', base: DATA, limit: 0xf, big: true, pages: true },
  { kind: 'code', base: CODE, limit: 0x1fff, big: true, restricted: true },
  { kind: 'code', base: CODE, limit: 0x1fff, big: false, restricted: true },
  { kind: 'data', base: 0, limit: 0xfffff, big: true, pages: true },
  { kind: 'data', base: DATA, limit: 0xffff, big: true, absent: true },
  { kind: 'code', base: CODE, limit: 0x1fff, big: true, absent: true },
  { kind: 'data', base: DATA + 0x2000, limit: 0xfffff, big: true },
];

/** Selectors of flat 32-bit code and data in the GDT, where Linux has them, and of 64-bit code. */
export const FLAT_CODE = 0x23;
export const FLAT_DATA = 0x2b;
export const LONG_CODE = 0x33;

const FLAT_LIMIT = 0xfffff;
const GDT: Readonly<Record<number, SegmentDescriptor>> = {
  [FLAT_CODE >> 3]: { kind: 'code', base: 0, limit: FLAT_LIMIT, big: true, pages: true },
  [FLAT_DATA >> 3]: { kind: 'data', base: 0, limit: FLAT_LIMIT, big: true, pages: true },
};

export const ldtSelector = (entry: number): number => 8 * entry + 7;

/** The descriptor of a selector; undefined for a null one and for 64-bit code. */
export const descriptorOf = (selector: number): SegmentDescriptor | undefined => ((selector & 4) === 0 ? GDT : LDT)[selector >> 3];

/** An entry as struct user_desc of modify_ldt(2) has it, base.limit.flags: how harness.c takes it. */
export const LDT_WORDS: readonly string[] = LDT.map((d) => {
  const contents = { data: 0, down: 1, code: 2 }[d.kind];
  const flags =
    Number(d.big) | (contents << 1) | (Number(d.restricted ?? 0) << 3) | (Number(d.pages ?? 0) << 4) | (Number(d.absent ?? 0) << 5);
  return [d.base, d.limit, flags].map((n) => n.toString(16)).join('.');
});

function rightsOf(d: SegmentDescriptor): number {
  const type = { data: 0, down: RIGHTS.expandDown, code: RIGHTS.code }[d.kind];
  const flags =
    (d.restricted ? 0 : RIGHTS.writable) | (d.absent ? 0 : RIGHTS.present) | (d.big ? RIGHTS.big : 0) | (d.pages ? RIGHTS.pages : 0);
  return type | flags | RIGHTS.accessed | RIGHTS.user | RIGHTS.dpl;
}

/** First and last offset that may be accessed. */
export function boundsOf(d: SegmentDescriptor): { readonly low: number; readonly high: number } {
  const limit = d.pages ? d.limit * 4096 + 4095 : d.limit;
  if (d.kind !== 'down') return { low: 0, high: limit };
  return { low: limit + 1, high: d.big ? 0xffffffff : 0xffff };
}

/** The eight bytes in memory. */
export function rawDescriptor(d: SegmentDescriptor): bigint {
  const [base, limit] = [BigInt(d.base), BigInt(d.limit)];
  const rights = BigInt(rightsOf(d)) | (((limit >> 16n) & 15n) << 8n);
  return (limit & 0xffffn) | ((base & 0xffffffn) << 16n) | (rights << 40n) | ((base >> 24n) << 56n);
}

/** Linear address of an offset in the segment of a selector. */
export const linearOf = (selector: number, offset: bigint): bigint =>
  BigInt.asUintN(32, BigInt(descriptorOf(selector)?.base ?? 0) + offset);

/** Order of `Vector.segments`: CS, SS, DS, ES, FS, GS, by the numbers of their encoding. */
export const SEGMENT_ORDER = [1, 2, 3, 0, 4, 5] as const;

/** A core's words for these selectors, hidden parts included; all zero for 64-bit code. */
export function segmentWords(selectors: readonly number[] | undefined): Partial<Record<StateWord, bigint>> {
  const words: Partial<Record<StateWord, bigint>> = {};
  SEGMENT_ORDER.forEach((number, n) => {
    const { selector, base, low, high, rights } = SEGMENTS[number]!;
    const d = selectors === undefined ? undefined : descriptorOf(selectors[n]!);
    const usable = d !== undefined && !d.absent;
    const bounds = usable ? boundsOf(d) : { low: selectors === undefined ? 0 : 1, high: 0 };
    if (selectors !== undefined) words[selector] = BigInt(selectors[n]!);
    if (selectors !== undefined || number < 4) words[base] = BigInt(usable ? d.base : 0);
    words[low] = BigInt(bounds.low);
    words[high] = BigInt(bounds.high);
    words[rights] = BigInt(usable ? rightsOf(d) : 0);
  });
  return words;
}

/** Size of code that a selector of CS names, and of the stack that one of SS does. */
export function sizesOf(selectors: readonly number[]): { readonly codeSize: 16 | 32; readonly stackSize: 16 | 32 } {
  const size = (selector: number): 16 | 32 => (descriptorOf(selector)?.big ? 32 : 16);
  return { codeSize: size(selectors[0]!), stackSize: size(selectors[1]!) };
}

/** The mode that a vector runs in. */
export function modeOfVector({ segments }: { readonly segments?: readonly number[] }): Mode {
  if (segments === undefined) return LONG_MODE;
  const { codeSize, stackSize } = sizesOf(segments);
  return modeOf(codeSize, stackSize);
}
