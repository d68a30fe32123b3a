import { GPR_NAMES } from '../../src/isa/core-state.ts';
import type { Ran } from './target.ts';
import { littleEndian, type Vector } from './vectors.ts';

/** One thing that came out otherwise than on silicon. Values are hexadecimal. */
export interface Difference {
  readonly what: string;
  readonly expected: string;
  readonly got: string;
}

/** CF PF AF ZF SF DF OF AC ID: TF and RF belonged to the recording. */
const COMPARED_FLAGS = 0x240cd5n;
/** Besides, where nothing was stepped: all that user mode has, and RF. */
const ALL_FLAGS = 0x257fd5n;

const text = (value: bigint | number | undefined): string => (value === undefined ? 'none' : value.toString(16));

/** Everything in which `ran` differs from the vector; empty when it passes. */
export function differences(vector: Vector, ran: Ran): Difference[] {
  return [...exceptionDifferences(vector, ran), ...registerDifferences(vector, ran), ...memoryDifferences(vector, ran)];
}

/** #SS, #GP, #PF: what an access may raise. */
const FAULTS = new Set([12, 13, 14]);

function* exceptionDifferences(vector: Vector, ran: Ran): Generator<Difference> {
  const expected = vector.exception;
  const got = ran.exception;
  // Recorded in single steps: the trap of an element that was fetched came in the place of the next one's fault.
  if (expected === undefined && got?.vector !== undefined && FAULTS.has(got.vector) && /gather/i.test(vector.id) && !vector.out.has('rip'))
    return;
  if (expected?.vector !== got?.vector) yield { what: 'exception', expected: text(expected?.vector), got: text(got?.vector) };
  if (expected === undefined || got === undefined) return;
  if (expected.errorCode !== (got.errorCode ?? 0n))
    yield { what: 'error code', expected: text(expected.errorCode), got: text(got.errorCode) };
  if (expected.cr2 !== got.cr2) yield { what: 'cr2', expected: text(expected.cr2), got: text(got.cr2) };
}

function* registerDifferences(vector: Vector, ran: Ran): Generator<Difference> {
  const { before, out } = vector;
  const pairs: [name: string, before: bigint, got: bigint][] = [
    ...GPR_NAMES.map((name, n): [string, bigint, bigint] => [name, before.gpr[n], ran.gpr[n]]),
    ['rip', before.rip, ran.rip],
    // What FS and GS have as bases outside 64-bit mode is their descriptors' own.
    ...(vector.segments !== undefined
      ? []
      : (
          [
            ['fsb', before.fsBase, ran.fsBase],
            ['gsb', before.gsBase, ran.gsBase],
          ] as const
        ).map(([name, from, to]): [string, bigint, bigint] => [name, from, to])),
  ];
  const expectedOf = (name: string, unchanged: bigint): bigint => {
    const changed = out.get(name);
    return changed === undefined ? unchanged : BigInt(`0x${changed}`);
  };
  // POPA that faults: registers that were popped before are changed on silicon.
  const partial = vector.notes.includes('partial') && vector.exception !== undefined;
  for (const [name, unchanged, got] of pairs) {
    if (partial && name !== 'rsp' && name !== 'rip') continue;
    const expected = expectedOf(name, unchanged);
    if (expected !== got) yield { what: name, expected: text(expected), got: text(got) };
  }
  const flags = expectedOf('fl', before.rflags);
  const wrong = (flags ^ ran.rflags) & (vector.runs ? ALL_FLAGS : COMPARED_FLAGS) & ~vector.undefinedFlags;
  if (wrong !== 0n) yield { what: `rflags bits ${text(wrong)}`, expected: text(flags), got: text(ran.rflags) };
  if (vector.segments !== undefined) {
    const selectors = (list: readonly number[] | undefined): string => list?.map((s) => s.toString(16)).join('.') ?? 'none';
    const wanted = out.get('sel') ?? selectors(vector.segments);
    if (wanted !== selectors(ran.segments)) yield { what: 'selectors', expected: wanted, got: selectors(ran.segments) };
  }
  yield* extendedDifferences(vector, ran);
  const known = new Set([...pairs.map(([name]) => name), 'fl', 'sel', ...EXTENDED_NAMES]);
  for (const [name, value] of out) if (!known.has(name)) yield { what: name, expected: value, got: 'not modelled' };
  if (vector.steps !== undefined && vector.exception === undefined && vector.steps !== ran.steps) {
    yield { what: 'iterations', expected: String(vector.steps), got: String(ran.steps) };
  }
}

const POINTERS = ['fop', 'fip', 'fdp'] as const;

const EXTENDED_NAMES = [
  ...Array.from({ length: 16 }, (_, n) => `y${n}`),
  ...Array.from({ length: 8 }, (_, n) => `st${n}`),
  'fcw',
  'fsw',
  'ftw',
  'mx',
  'fop',
  'fip',
  'fdp',
];

/** C1 of the status word: the result was rounded up. */
const C1 = 0x200n;
const PE = 0x20n;

function* extendedDifferences({ before, out, statusMask: mask, notes, isImage }: Vector, ran: Ran): Generator<Difference> {
  const got = ran.extended;
  const approximate = notes.includes('approx');
  // Whether an inexact result was rounded up depends on the value that it was rounded from, which processors approximate in their own ways.
  const statusMask = approximate && (got.fsw & PE) !== 0n ? mask & ~C1 : mask;
  const words = [
    ['fcw', before.extended.fcw, got.fcw, 0xffffn],
    ['fsw', before.extended.fsw, got.fsw, statusMask],
    ['ftw', before.extended.ftw, got.ftw, 0xffn],
    ['mx', before.extended.mxcsr, got.mxcsr, 0xffffn],
    ...(isImage === true ? POINTERS.map((name) => [name, before.extended[name], got[name], (1n << 64n) - 1n] as const) : []),
  ] as const;
  for (const [name, unchanged, now, mask] of words) {
    const changed = out.get(name);
    const expected = changed === undefined ? unchanged : BigInt(`0x${changed}`);
    if (((expected ^ now) & mask) !== 0n) yield { what: name, expected: text(expected & mask), got: text(now & mask) };
  }
  for (const [n, unchanged] of before.extended.ymm.entries()) {
    const changed = out.get(`y${n}`);
    const expected = changed === undefined ? unchanged : littleEndian(changed);
    const now = got.ymm[n]!;
    if (approximate ? !areNear(expected, now) : expected !== now) yield { what: `y${n}`, expected: text(expected), got: text(now) };
  }
  const registers = [
    ...before.extended.st.flatMap((value, n) => {
      const physical = (Number(got.fsw >> 11n) + n) & 7;
      return isImage !== true && ((got.ftw >> BigInt(physical)) & 1n) === 0n ? [] : [[`st${n}`, value, got.st[n]!] as const];
    }),
  ];
  for (const [name, unchanged, now] of registers) {
    const changed = out.get(name);
    const expected = changed === undefined ? unchanged : littleEndian(changed);
    if (approximate ? !areNeighbours(expected, now) : expected !== now) yield { what: name, expected: text(expected), got: text(now) };
  }
}

/** The same number or one next to it: the error of a transcendental instruction is less than one unit in the last place (SDM Vol. 1, "Transcendental Instruction Accuracy"). */
function areNeighbours(expected: bigint, got: bigint): boolean {
  const place = (value: bigint): bigint => {
    const magnitude = (((value >> 64n) & 0x7fffn) << 63n) + BigInt.asUintN(63, value);
    return value >> 79n === 0n ? magnitude : -magnitude;
  };
  const distance = place(expected) - place(got);
  return -1n <= distance && distance <= 1n;
}

/** Two approximations with relative errors of at most 1.5 * 2^-12 each (SDM Vol. 2, RCPPS and RSQRTPS), in all single-precision elements. */
const NEAR = 3 * 2 ** -12;
const LEAST = 2 ** -126;

/**
 * Zero and the least normal number, of one sign: near 2^126 "input values ... may or may not produce tiny results, depending on the implementation", and tiny ones
 * are flushed (SDM Vol. 2, RCPPS).
 */
const areTiny = (a: number, b: number): boolean =>
  (a === 0 || b === 0) && Math.abs(a + b) <= LEAST * (1 + NEAR) && isMinus(a) === isMinus(b);
const isMinus = (a: number): boolean => a < 0 || Object.is(a, -0);

function areNear(expected: bigint, got: bigint): boolean {
  const view = new DataView(new ArrayBuffer(8));
  for (let at = 0n; at < 256n; at += 32n) {
    view.setUint32(0, Number((expected >> at) & 0xffffffffn));
    view.setUint32(4, Number((got >> at) & 0xffffffffn));
    const [a, b] = [view.getFloat32(0), view.getFloat32(4)];
    const exactly = view.getUint32(0) === view.getUint32(4);
    if (!exactly && areTiny(a, b)) continue;
    if (!exactly && !(Number.isFinite(a) && Math.abs(a - b) <= NEAR * Math.abs(a))) return false;
  }
  return true;
}

function* memoryDifferences(vector: Vector, ran: Ran): Generator<Difference> {
  const expected = new Map(
    vector.memoryOut.flatMap(([start, bytes]) => Array.from(bytes, (byte, n) => [start + BigInt(n), byte] as const)),
  );
  for (const [at, byte] of expected) {
    if (ran.changed.get(at) !== byte) yield { what: `[${text(at)}]`, expected: text(byte), got: text(ran.changed.get(at)) };
  }
  for (const [at, byte] of ran.changed) {
    if (!expected.has(at)) yield { what: `[${text(at)}]`, expected: 'unchanged', got: text(byte) };
  }
}
