import { Code } from 'iced-x86';
import { GPR_NAMES } from '../../src/isa/core-state.ts';
import { type Row, rows } from '../../src/isa/encodings.ts';
import { FLAT_CODE, FLAT_DATA, LONG_CODE, ldtSelector, linearOf } from '../silicon/segments.ts';
import type { Background, Test } from './generate.ts';
import { bitsOf, inMemoryOrder, pick, quadword, type Random } from './values.ts';

/**
 * Tests of RFLAGS as a whole: a few instructions that begin with POPF or IRET and run by themselves, not in single steps, until something is raised. The image has any of its bits;
 * with TF a single-step trap comes where the processor has one, else the INT3 that is behind everything.
 */

const CODE = 0x20000000n;
const DATA = 0x10000000n;
const ARITHMETIC = 0x8d5n;
const ALWAYS = 0x202n;
const TF = 0x100n;
const NOPS = [0x90, 0x90];
/** Outside what is mapped. */
const NOWHERE = 0x10800000;

/** What follows POPF, by its name: the same bytes in every mode. Of two loads of SS in a row only the first holds traps back everywhere (SDM Vol. 3, "Masking Exceptions and Interrupts When Switching Stacks"). */
const BEHIND: Readonly<Record<string, readonly number[]>> = {
  nop: NOPS,
  pushf: [0x9c, ...NOPS],
  popf: [0x9d, ...NOPS],
  popf16: [0x66, 0x9d, ...NOPS],
  movs: [0xf3, 0xa4, ...NOPS],
  scas: [0xf2, 0xae, ...NOPS],
  movss: [0x8e, 0xd0, ...NOPS],
  'movss int3': [0x8e, 0xd0, 0xcc],
  'movss popf': [0x8e, 0xd0, 0x9d, ...NOPS],
  'movss movs': [0x8e, 0xd0, 0xf3, 0xa4, ...NOPS],
  'movss ud2': [0x8e, 0xd0, 0x0f, 0x0b],
  int3: [0xcc],
  ud2: [0x0f, 0x0b],
  cli: [0xfa, ...NOPS],
  div: [0xf7, 0xf1, ...NOPS],
  load: [0x8a, 0x03, ...NOPS],
  jmp: [0xeb, 0x01, 0xf4, ...NOPS],
  iret: [0xcf, ...NOPS],
  'pop ss': [0x17, ...NOPS],
};

type Size = 16 | 32 | 64;

const POPF: Readonly<Record<Size, readonly [code: string, bytes: readonly number[]][]>> = {
  64: [
    ['Popfq', [0x9d]],
    ['Popfw', [0x66, 0x9d]],
  ],
  32: [
    ['Popfd', [0x9d]],
    ['Popfw', [0x66, 0x9d]],
  ],
  16: [
    ['Popfw', [0x9d]],
    ['Popfd', [0x66, 0x9d]],
  ],
};

const IRET: Readonly<Record<Size, readonly [code: string, bytes: readonly number[]][]>> = {
  64: [
    ['Iretq', [0x48, 0xcf]],
    ['Iretd', [0xcf]],
    ['Iretw', [0x66, 0xcf]],
  ],
  32: [
    ['Iretd', [0xcf]],
    ['Iretw', [0x66, 0xcf]],
  ],
  16: [
    ['Iretw', [0xcf]],
    ['Iretd', [0x66, 0xcf]],
  ],
};

const bytesOf = (code: string): 2 | 4 | 8 => (code.endsWith('w') ? 2 : code.endsWith('d') ? 4 : 8);

/** Any bits; TF in every second one, NT, with which IRET faults, seldom. */
const image = (random: Random): bigint =>
  (((bitsOf(random, 32) & ~TF) | (random(2) === 0 ? TF : 0n)) & ~(random(4) === 0 ? 0n : 0x4000n)) |
  (random(8) === 0 ? bitsOf(random, 32) << 32n : 0n);

function layout(random: Random, size: Size): number[] | undefined {
  if (size === 64) return undefined;
  if (size === 32 && random(2) === 0) return [FLAT_CODE, FLAT_DATA, FLAT_DATA, FLAT_DATA, 0, 0];
  const data = ldtSelector(size === 32 ? 2 : 3);
  return [ldtSelector(size === 32 ? 0 : 1), data, data, data, 0, 0];
}

/** A random test of code of this size. */
export function flagsTest(size: Size, number: number, random: Random, files: readonly Background[]): Test {
  const segments = layout(random, size);
  const [cs, ss] = segments ?? [LONG_CODE, FLAT_DATA];
  const [codeBase, dataBase] = segments === undefined || cs === FLAT_CODE ? [CODE, DATA] : [0n, 0n];
  const isIret = random(4) === 0;
  const [first, bytes] = pick(random, (isIret ? IRET : POPF)[size]);
  const names = Object.keys(BEHIND).filter((name) => size !== 64 || name !== 'pop ss');
  const behind = isIret ? NOPS : BEHIND[pick(random, names)]!;
  const code = Uint8Array.from([...bytes, ...behind]);
  const rip = codeBase + 0x400n + BigInt(random(0x800));
  const rsp = dataBase + 0x4000n + BigInt(8 * random(256));
  const background = random(files.length);
  const overrides = new Map<string, string>();
  const set = (n: number, value: bigint): void => void overrides.set(GPR_NAMES[n]!, value.toString(16));
  // The C library's handlers have no AC: what is pushed is aligned.
  set(4, rsp);
  set(1, BigInt(random(4)));
  set(0, BigInt(ss!));
  set(3, segments === undefined || cs === FLAT_CODE ? BigInt(NOWHERE) : BigInt(random(2) === 0 ? 0x10 : 0xfffff));
  set(6, dataBase + 0x100n + BigInt(random(64)));
  set(7, dataBase + 0x200n + BigInt(random(64)));
  overrides.set('fl', ((bitsOf(random, 16) & ARITHMETIC) | ALWAYS).toString(16));
  const frame = (width: 2 | 4 | 8, from: number): string => {
    const selector = random(12) === 0 ? pick(random, [0, 0x10, 0x63, ss!]) : cs!;
    // Not to INT3: whether that stores RF is not the same everywhere.
    const target = random(12) === 0 ? bitsOf(random, 16) | 0x8000n : rip + BigInt(from);
    const words = [target, BigInt(selector), image(random), rsp + 64n, BigInt(random(12) === 0 ? pick(random, [0, 0x18, cs!]) : ss!)];
    return words.map((word) => inMemoryOrder(BigInt.asUintN(8 * width, word), width)).join('');
  };
  const width = bytesOf(first);
  const usual = size === 16 ? 2 : size === 32 ? 4 : 8;
  const popped = inMemoryOrder(BigInt.asUintN(8 * width, image(random)), width);
  const second =
    behind[0] === 0xcf
      ? frame(size === 16 ? 2 : 4, bytes.length + 1)
      : behind[0] === 0x17
        ? inMemoryOrder(BigInt(ss!), usual)
        : inMemoryOrder(image(random), 8);
  const stack = isIret ? frame(width, bytes.length) : popped + second;
  const junk = Array.from({ length: 8 }, () => inMemoryOrder(quadword(random), 8)).join('');
  const top = segments === undefined ? rsp : linearOf(ss!, rsp);
  return {
    id: `${first}/${number}`,
    row: rowOf(size, first),
    code,
    ...(segments !== undefined && { segments }),
    rip,
    background,
    overrides,
    memory: [
      [DATA + 0x100n, junk + junk],
      [top, stack],
    ],
    repeats: false,
    runs: true,
    isUndefined: false,
    undefinedFlags: behind === BEHIND.div ? ARITHMETIC : 0n,
    statusMask: undefined,
    notes: [],
  };
}

const rowOf = (size: Size, code: string): Row => (size === 64 ? rows() : rows(size)).find((row) => Code[row.code] === code)!;

/** The size of code of a class of these; undefined for every other. */
export const flagsSize = (name: string): Size | undefined =>
  (({ flags: 64, 'flags-32': 32, 'flags-16': 16 }) as const)[name as 'flags'] as Size | undefined;
