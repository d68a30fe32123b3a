import { Code, CpuidFeature } from 'iced-x86';
import { memoryMap } from '../engine/layout.ts';
import { takes } from '../engine/region-code.ts';
import { decode } from '../isa/decode.ts';
import { type Choices, encode, type Row, rows } from '../isa/encodings.ts';
import { type CodeSize, LONG_MODE, MODES, type Mode } from '../isa/mode.ts';
import { hasFeature } from '../machine/system/features.ts';

/** What is known of one mnemonic: of its encodings with one set of features. */
export interface Coverage {
  readonly mnemonic: string;
  /** CPUID features that its encodings take, as the decoder calls them. */
  readonly features: string;
  /** Within x86-64-v3. */
  readonly baseline: boolean;
  /** Encodings of the manual's tables that there are, that run, and that compiled regions hold; the others of these are interpreted. */
  readonly encodings: number;
  readonly run: number;
  readonly regions: number;
  /** iced's names of the encodings. */
  readonly codes: readonly string[];
}

type Feature = keyof typeof CpuidFeature;

/** The features of x86-64-v3 (System V ABI, AMD64 supplement, "Low Level System Information") and what every x86-64 processor has. */
const V3: ReadonlySet<Feature> = new Set<Feature>([
  ...([
    'INTEL8086',
    'INTEL186',
    'INTEL286',
    'INTEL386',
    'INTEL486',
    'X64',
    'CPUID',
    'MSR',
    'TSC',
    'SYSCALL',
    'MULTIBYTENOP',
    'PAUSE',
    'RDPMC',
  ] as const),
  ...(['CMOV', 'CX8', 'FPU', 'FPU287', 'FPU387', 'FXSR', 'MMX', 'SSE', 'SSE2', 'SEP', 'CLFSH'] as const),
  ...(['CMPXCHG16B', 'SSE3', 'SSSE3', 'SSE4_1', 'SSE4_2', 'POPCNT'] as const),
  ...(['AVX', 'AVX2', 'BMI1', 'BMI2', 'F16C', 'FMA', 'LZCNT', 'MOVBE', 'XSAVE'] as const),
]);

/** Choices that are tried until an encoding can be spelt. */
const TRIES = 40;
const MAP = memoryMap(1 << 20, 0, false);
const FEATURES = { journal: false, explore: false, tso: false, fence: false, regions: true };

/** Numbers for the free fields of encodings, the same each time. */
function choices(): Choices {
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
  return {
    random,
    register: () => random(16),
    inMemory: () => random(2) === 0,
    memory: () => ({ base: 3, index: 6, scale: 0, displacement: 8 }),
  };
}

function isRun(row: Row, free: Choices, mode: Mode): { readonly run: boolean; readonly region: boolean } | undefined {
  for (let n = 0; n < TRIES; n++) {
    const bytes = encode(row, free);
    if (bytes === undefined) continue;
    const decoded = decode(bytes, mode);
    if (decoded.kind === 'invalid') continue;
    if (decoded.kind !== 'instruction') return { run: false, region: false };
    const region = mode === LONG_MODE && takes(decoded.instruction, decoded.fields, MAP, FEATURES);
    // A system instruction of a feature that CPUID does not report is #UD.
    return { run: region || row.features.every((feature) => hasFeature(CpuidFeature[feature] as string)), region };
  }
  return undefined;
}

/** Everything within x86-64-v3, and what runs beyond it, by features and then by mnemonic. Legacy and VEX encodings of 64-bit code, or of another size. */
export function coverage(codeSize: CodeSize = 64): Coverage[] {
  const mode = MODES.find((one) => one.codeSize === codeSize && one.stackSize === codeSize) as Mode;
  const free = choices();
  const found = new Map<
    string,
    { mnemonic: string; features: string; baseline: boolean; encodings: number; run: number; regions: number; codes: string[] }
  >();
  for (const row of rows(codeSize)) {
    const names = row.features.map((feature) => CpuidFeature[feature] as Feature);
    const baseline = names.every((name) => V3.has(name));
    const answer = isRun(row, free, mode);
    if (answer === undefined || (!baseline && !answer.run)) continue;
    const features = names.map((name) => (name.startsWith('INTEL') || name === 'X64' ? 'base' : name)).join(' ');
    const key = `${features} ${row.mnemonic}`;
    const entry = found.get(key) ?? { mnemonic: row.mnemonic, features, baseline, encodings: 0, run: 0, regions: 0, codes: [] };
    entry.encodings++;
    entry.run += Number(answer.run);
    entry.regions += Number(answer.region);
    entry.codes.push(Code[row.code] as string);
    found.set(key, entry);
  }
  const inOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...found.values()].sort(
    (a, b) => Number(b.baseline) - Number(a.baseline) || inOrder(a.features, b.features) || inOrder(a.mnemonic, b.mnemonic),
  );
}

/** Entries with the same features, in their order. */
export function byFeatures(all: readonly Coverage[]): ReadonlyMap<string, readonly Coverage[]> {
  const groups = new Map<string, Coverage[]>();
  for (const entry of all) {
    const group = groups.get(entry.features);
    if (group === undefined) groups.set(entry.features, [entry]);
    else group.push(entry);
  }
  return groups;
}
