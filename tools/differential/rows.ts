import { CpuidFeature, OpCodeOperandKind } from 'iced-x86';
import { decode } from '../../src/isa/decode.ts';
import { type Choices, encode, isGather, type MemoryPlace, type Row, rows } from '../../src/isa/encodings.ts';
import { systemHelper } from '../../src/machine/system/index.ts';
import { pick, type Random } from './chance.ts';
import { ABSENT, ALIAS, DATA, READ_ONLY, SUPERVISOR, TEXT, TEXT_BYTES, WINDOW } from './ground.ts';
import { bytesOf, type Item, little } from './text.ts';

/** What is drawn from, by what brought it. Everything that is not named weighs 1 with all that is not. */
type Feature = keyof typeof CpuidFeature;
const WEIGHTS: readonly (readonly [weight: number, ...features: Feature[]])[] = [
  [40, 'INTEL8086', 'INTEL186', 'INTEL286', 'INTEL386', 'INTEL486', 'X64', 'CMOV'],
  [4, 'BMI1', 'BMI2', 'LZCNT', 'POPCNT', 'ADX', 'MOVBE'],
  [3, 'CX8', 'CMPXCHG16B'],
  [9, 'FPU', 'FPU387', 'FPU287'],
  [3, 'MMX'],
  [5, 'SSE'],
  [6, 'SSE2'],
  [4, 'SSE3', 'SSSE3', 'SSE4_1', 'SSE4_2'],
  [6, 'AVX'],
  [5, 'AVX2'],
  [3, 'FMA', 'F16C'],
  [2, 'AES', 'SHA', 'PCLMULQDQ', 'VAES', 'VPCLMULQDQ'],
  [2],
];

/** They store or load at an address that no operand tells, go elsewhere, or belong to a kind of sequence that has them. */
const NOT_DRAWN =
  /^(maskmovq|v?maskmovdqu|j.*|call|ret|retf|retnq?|iret[dq]?|loop.*|int.?|into|sys(call|enter|ret|retq|exit|exitq)|hlt|(ins|outs|movs|stos|lods|scas|cmps)[bwdq]?|rsm|ud[012]|xbegin|xabort|xend|lgdt|lidt|lldt|ltr|wrmsr|swapgs|xsetbv|lmsw|invd|vmcall|xlatb)$/;
/** Of the names above those of SSE. */
const SCALARS = new Set(['movsd', 'cmpsd']);

/** Numbers of registers that programs compute with: without RBX, where the data is, RSP, and R15, which counts rounds. */
export const REGISTERS = [0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14] as const;
export const [RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R15] = [0, 1, 2, 3, 4, 5, 6, 7, 15] as const;
/** The vector register that holds small indexes in front of a gather. */
const INDEXES = 7;

interface Drawn {
  readonly lists: readonly (readonly Row[])[];
  readonly privileged: readonly Row[];
}
let drawn: Drawn | undefined;

/** An encoding runs as one of ours, with semantics: with some operand at least. */
function isOurs(row: Row): boolean {
  let next = 0;
  const choices: Choices = {
    // The registers of a gather have to be different ones.
    random: (below) => next++ % below,
    register: () => 0,
    inMemory: () => false,
    memory: (gather) => ({ base: RBX, scale: 0, displacement: 0, ...(gather && { index: INDEXES }) }),
  };
  const bytes = encode(row, choices);
  return bytes !== undefined && decode(bytes).kind === 'instruction';
}

function lists(): Drawn {
  if (drawn !== undefined) return drawn;
  const usable = rows().filter(
    (row) => (SCALARS.has(row.mnemonic) && row.features.length > 0 && !isString(row)) || !NOT_DRAWN.test(row.mnemonic),
  );
  const named = new Set(WEIGHTS.flatMap(([, ...features]) => features.map((f) => CpuidFeature[f])));
  const plain = usable.filter((row) => !row.privileged && isOurs(row));
  const weighed = WEIGHTS.flatMap(([weight, ...features]) => {
    const wanted = features.map((f) => CpuidFeature[f]);
    const list = plain.filter((row) =>
      wanted.length === 0 ? !row.features.some((f) => named.has(f)) : row.features.some((f) => wanted.includes(f)),
    );
    return list.length === 0 ? [] : Array.from({ length: weight }, () => list);
  });
  drawn = { lists: weighed, privileged: usable.filter((row) => row.privileged && isOurs(row)) };
  return drawn;
}

const isString = (row: Row): boolean =>
  row.features.includes(CpuidFeature.INTEL8086) || row.features.includes(CpuidFeature.INTEL386) || row.features.includes(CpuidFeature.X64);

/** Where memory operands are: mostly inside the data, aligned or not; over the ends of its pages; on pages that are not there or not for this; at addresses that are none. */
export function randomPlace(random: Random, wild: boolean): MemoryPlace {
  const inData = random(0x4000 - 1024);
  const absolute = (displacement: number): MemoryPlace => ({ scale: 0, displacement });
  const kind = random(64);
  if (kind === 0) return absolute(ABSENT - 1 - random(40));
  if (kind === 1) return absolute(pick(random, [READ_ONLY, SUPERVISOR, ABSENT]) + random(4000));
  if (kind === 2 && random(2) === 0) return { base: pick(random, REGISTERS), scale: 0, displacement: random(64) };
  if (kind < 7) return { base: RBX, scale: 0, displacement: (1 + random(3)) * 4096 - 1 - random(40) };
  if (kind < 10) return { base: RBX, index: R15, scale: random(4) as 0 | 1 | 2 | 3, displacement: inData };
  if (kind < 12) return { base: RSP, scale: 0, displacement: -8 * random(32) };
  if (kind < 14) return absolute(WINDOW + random(4090));
  if (kind < 16) return absolute(DATA + ALIAS + random(0x3000));
  if (kind === 16 && random(2) === 0) return { base: RBX, index: pick(random, REGISTERS), scale: 0, displacement: inData };
  if (kind === 18 && wild) return absolute(TEXT + (random(2) === 0 ? ALIAS : 0) + random(TEXT_BYTES));
  if (kind < 24) return absolute(DATA + inData);
  // A small part of the data more often than all of it: what was stored is read again.
  const displacement = random(2) === 0 ? random(512) : inData;
  return { base: RBX, scale: 0, displacement: kind < 34 ? displacement : kind < 38 ? displacement & ~7 : displacement & ~63 };
}

const needsAligned = (row: Row): boolean =>
  (row.legacy && row.operands.includes(OpCodeOperandKind.xmm_or_mem)) ||
  /^(v?movap|v?movdqa|v?movnt|fxsave|fxrstor|xsave|xrstor|cmpxchg16b)/.test(row.mnemonic);

const LOCKABLE = /^(adc|add|and|btc|btr|bts|cmpxchg|cmpxchg8b|cmpxchg16b|dec|inc|neg|not|or|sbb|sub|xadd|xchg|xor)$/;

/** Whether regions leave an instruction to the interpreter: what stands behind it is not found on the way there. */
export const endsRegions = (mnemonic: string): boolean => systemHelper(mnemonic) !== undefined || ENDING.has(mnemonic);
const ENDING = new Set(['cld', 'std', 'int', 'int1', 'int3']);

export interface Drawing {
  readonly random: Random;
  /** Stores into text may go anywhere. */
  readonly wild: boolean;
  readonly user: boolean;
}

/** One random instruction of any row, with what has to stand before it. `privileged`: one that only the supervisor may execute. */
export function drawnItems({ random, wild }: Drawing, privileged = false): Item[] {
  const choices: Choices = {
    random,
    register: () => pick(random, REGISTERS),
    inMemory: () => random(2) === 0,
    memory: (gather) => {
      if (gather) return { base: RBX, index: INDEXES, scale: random(4) as 0 | 1 | 2 | 3, displacement: random(64) };
      const place = randomPlace(random, wild);
      // Legacy vectors in memory have to be aligned, areas of XSAVE more so: mostly they are.
      if (!aligned || random(8) === 0) return place;
      return { base: RBX, scale: 0, displacement: place.displacement & 0x3fc0 };
    },
  };
  let aligned = false;
  for (;;) {
    const all = lists();
    const list = privileged ? all.privileged : pick(random, all.lists);
    const row = pick(random, list);
    aligned = needsAligned(row);
    const plain = encode(row, choices);
    if (plain === undefined) continue;
    const bytes = withPrefix(random, row, plain);
    const decoded = decode(bytes);
    if (decoded.kind !== 'instruction' || decoded.length !== bytes.length) continue;
    const before: Item[] = [];
    // Now and then at the indexes that happen to be there: most lie nowhere.
    if (isGather(row) && random(8) > 0) before.push(bytesOf(0xc5, 0xfe, 0x6f, 0x3c, 0x25, ...little(INDEXES_AT)));
    const behind = row.mnemonic === 'cpuid' ? [bytesOf(0xbb, ...little(DATA))] : [];
    return [...before, { bytes }, ...behind];
  }
}

/** Where small indexes are, eight of 32 bits: on a page that programs do not write. */
export const INDEXES_AT = READ_ONLY + 64;
export const SMALL_INDEXES = [0, 8, 64, 120, 4, 1, 33, 256] as const;

function withPrefix(random: Random, row: Row, bytes: Uint8Array): Uint8Array {
  if (LOCKABLE.test(row.mnemonic) && random(4) === 0) return Uint8Array.of(0xf0, ...bytes);
  const kind = random(64);
  if (kind === 0) return Uint8Array.of(pick(random, [0x64, 0x65]), ...bytes);
  if (kind === 1) return Uint8Array.of(0x67, ...bytes);
  if (kind === 2) return Uint8Array.of(pick(random, [0x66, 0xf2, 0xf3, 0x2e, 0x3e]), ...bytes);
  return bytes;
}
