import { GPR_NAMES } from '../../src/isa/core-state.ts';
import { linearOf } from '../silicon/segments.ts';
import { narrowed } from '../silicon/vectors.ts';
import { type Background, DEFAULTS, type Test } from './generate.ts';
import { MXCSR_MASK_AT } from './images.ts';

const YMM = Array.from({ length: 16 }, (_, n) => `y${n}`);
const ST = Array.from({ length: 8 }, (_, n) => `st${n}`);
/** From here on Linux reports every access of user mode as a protection violation, whether or not anything is mapped there (TASK_SIZE_MAX). */
const KERNEL = 0x7ffffffff000n;
const POINTERS = ['fop', 'fip', 'fdp'];
const WORDS = ['mx', 'fcw', 'fsw', 'ftw', ...POINTERS];

/** Every register before a test, by its name in the format. */
export function before(test: Test, files: readonly Background[]): ReadonlyMap<string, string> {
  const { gpr, ymm, st, fl } = files[test.background]!;
  const all = new Map<string, string>([
    ['rip', test.rip.toString(16)],
    ['fl', fl],
    ...GPR_NAMES.map((name, n): [string, string] => [
      name,
      test.segments === undefined ? gpr[n]! : narrowed(n, BigInt(`0x${gpr[n]!}`)).toString(16),
    ]),
    ...DEFAULTS,
    ...ST.map((name, n): [string, string] => [name, st[n]!]),
    ...YMM.map((name, n): [string, string] => [name, ymm[n]!]),
  ]);
  for (const [name, value] of test.overrides) all.set(name, value);
  return all;
}

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

const selectorsIn = ({ segments }: Test): string | undefined => segments?.map((s) => s.toString(16)).join('.');

/** A test as harness.c reads it. */
export function lineOf(test: Test, files: readonly Background[]): string {
  const all = before(test, files);
  const words = ['rip', 'fl', ...GPR_NAMES, ...WORDS, ...ST, ...YMM].map((name) => all.get(name) as string);
  const place = test.segments === undefined ? [] : [[linearOf(test.segments[0]!, test.rip), hexOf(test.code)] as const];
  const memory = [...test.memory, ...place].flatMap(([at, bytes]) => [at.toString(16), bytes]);
  return [test.id, test.runs ? '2' : test.repeats ? '1' : '0', selectorsIn(test) ?? '0', ...words, hexOf(test.code), ...memory].join(' ');
}

/** What stands at an address when a test begins. */
function byteBefore({ memory }: Test, at: bigint): number {
  const last = memory.findLast(([from, bytes]) => from <= at && at < from + BigInt(bytes.length / 2));
  const digit = last === undefined ? 0 : 2 * Number(at - last[0]);
  return last === undefined ? 0 : Number.parseInt(last[1].slice(digit, digit + 2), 16);
}

/** PUSHF stored a TF that belongs to the recording. Whether it could be cleared: a byte that does not change is not among the stores. */
function clearTrap(test: Test, stores: [string, string][], rsp: bigint): boolean {
  const at = rsp + 1n;
  const store = stores.find(([from, bytes]) => BigInt(`0x${from}`) <= at && at < BigInt(`0x${from}`) + BigInt(bytes.length / 2));
  if (store === undefined) return false;
  const digit = 2 * Number(at - BigInt(`0x${store[0]}`));
  const byte = Number.parseInt(store[1].slice(digit, digit + 2), 16) & ~1;
  if (byte === byteBefore(test, at)) return false;
  store[1] = store[1].slice(0, digit) + byte.toString(16).padStart(2, '0') + store[1].slice(digit + 2);
  return true;
}

const SAVES_MXCSR = /^(fxsave|xsave)/;
/** The byte of MXCSR_MASK in which AMD says that MXCSR has a bit of its own. */
const MISALIGNED_AT = BigInt(MXCSR_MASK_AT + 2);
const MISALIGNED = 2;

/** That bit as it is elsewhere. `imageFor` has seen to it that the byte changes. */
function hideMisalignedMask({ row, image }: Test, stores: [string, string][]): void {
  if (image === undefined || !SAVES_MXCSR.test(row.mnemonic)) return;
  for (const store of stores) {
    const digit = 2 * Number(image + MISALIGNED_AT - BigInt(`0x${store[0]}`));
    if (digit < 0 || digit >= store[1].length) continue;
    const byte = Number.parseInt(store[1].slice(digit, digit + 2), 16) & ~MISALIGNED;
    store[1] = store[1].slice(0, digit) + byte.toString(16).padStart(2, '0') + store[1].slice(digit + 2);
  }
}

/** A record of the format (fixtures/silicon/README.md) of a test and the harness's line about it; undefined where the runs were not alike. */
export function recordOf(test: Test, files: readonly Background[], line: string): object | undefined {
  const [id, steps, selectors, ...rest] = line.trim().split(' ');
  if (id !== test.id) throw new Error(`the harness answered ${id} for ${test.id}`);
  if (steps === 'unstable') return undefined;
  const [vector, errorCode, cr2, ...words] = rest as [string, string, string, ...string[]];
  const names = ['rip', 'fl', ...GPR_NAMES, ...WORDS, ...ST, ...YMM];
  const after = new Map(names.map((name, n) => [name, words[n] as string]));
  const start = before(test, files);
  // Behind FNSTENV no exception is pending, and AMD forgets the pointers.
  const keepsPointers = test.image !== undefined && test.row.mnemonic !== 'fnstenv';
  const counts = (name: string): boolean => keepsPointers || !POINTERS.includes(name);
  const changes = names.filter((name) => counts(name) && BigInt(`0x${after.get(name)}`) !== BigInt(`0x${start.get(name)}`));
  // ST(i) counts only where its register is in use: FTW has a bit for each physical one.
  const [status, tags] = [Number.parseInt(after.get('fsw')!, 16), Number.parseInt(after.get('ftw')!, 16)];
  const inUse = (name: string): boolean => ((tags >> (((status >> 11) + Number(name.slice(2))) & 7)) & 1) === 1;
  const out: Record<string, string | undefined> = Object.fromEntries(
    changes.filter((name) => !/^st\d$/.test(name) || test.image !== undefined || inUse(name)).map((name) => [name, after.get(name)]),
  );
  if (test.segments !== undefined && selectors !== selectorsIn(test)) out.sel = selectors;
  const pieces = words.slice(names.length);
  const stores = Array.from({ length: pieces.length / 2 }, (_, n): [string, string] => [pieces[2 * n]!, pieces[2 * n + 1]!]);
  if (/^pushf/.test(test.row.mnemonic) && vector === '-' && test.runs !== true && !clearTrap(test, stores, BigInt(`0x${after.get('rsp')}`)))
    return undefined;
  hideMisalignedMask(test, stores);
  const error = vector === 'e' && BigInt(`0x${cr2}`) >= KERNEL ? (BigInt(`0x${errorCode}`) & ~1n).toString(16) : errorCode;
  const repeatedString = test.repeats && !/gather/i.test(test.id);
  return {
    id: test.id,
    b: hexOf(test.code),
    ip: test.rip.toString(16),
    ...(test.segments !== undefined && { s: selectorsIn(test) }),
    g: test.background,
    in: Object.fromEntries(test.overrides),
    ...(test.memory.length > 0 && { m: test.memory.map(([at, bytes]) => [at.toString(16), bytes]) }),
    out,
    ...(stores.length > 0 && { mo: stores }),
    ...(vector !== '-' && { x: { v: Number.parseInt(vector, 16), e: error, ...(vector === 'e' && { cr2 }) } }),
    ...(test.undefinedFlags !== 0n && { uf: test.undefinedFlags.toString(16) }),
    ...(test.statusMask !== undefined && { fm: test.statusMask }),
    ...(test.notes.length > 0 && { n: test.notes }),
    ...(test.runs === true && { run: 1 }),
    ...(repeatedString && { steps: Number(steps) }),
  };
}
