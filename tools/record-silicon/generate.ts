import { Code, OpCodeOperandKind as Kind } from 'iced-x86';
import { GPR_NAMES } from '../../src/isa/core-state.ts';
import { decode } from '../../src/isa/decode.ts';
import { encode, isGather, type MemoryPlace, type Row } from '../../src/isa/encodings.ts';
import { setMxcsr, setVectors, setX87 } from './floats.ts';
import { imageBytes, imageFor, imagePlace, setState } from './images.ts';
import { memoryPlace, respelled, withDisplacement } from './spelling.ts';
import { notesOf, statusMaskOf, undefinedFlagsOf } from './undefined.ts';
import { bitsOf, decimal, extended, inMemoryOrder, pick, quadword, type Random } from './values.ts';

/** A register file that many tests begin with, as bg.json has it. */
export interface Background {
  readonly gpr: readonly string[];
  readonly ymm: readonly string[];
  readonly st: readonly string[];
  readonly fl: string;
}

/** A test before it has run: all registers, and what a record says besides. */
export interface Test {
  readonly id: string;
  readonly row: Row;
  readonly code: Uint8Array;
  /** Of 16- and 32-bit code: selectors of CS, SS, DS, ES, FS and GS. */
  readonly segments?: readonly number[];
  readonly rip: bigint;
  readonly background: number;
  /** By the names of the format; those that differ from the background, and from the defaults. */
  readonly overrides: ReadonlyMap<string, string>;
  readonly memory: readonly (readonly [at: bigint, bytes: string])[];
  readonly repeats: boolean;
  /** Runs by itself, instruction after instruction, until something is raised; what is raised ends it. */
  readonly runs?: boolean;
  /** Linear address of the state that is saved or restored: pointers of the x87 FPU count too, and registers that are empty. */
  readonly image?: bigint;
  /** Every processor that has the instruction raises #UD. */
  readonly isUndefined: boolean;
  readonly undefinedFlags: bigint;
  readonly statusMask: string | undefined;
  readonly notes: readonly string[];
}

const CODE = 0x20000000n;
const LOW_DATA = [0x10000000n, 0x10000n] as const;
const DATA = [LOW_DATA, [0x500012340000n, 0x4000n]] as const;
const [RAX, RCX, RBX, RSP, RBP, RSI, RDI] = [0, 1, 3, 4, 5, 6, 7] as const;
/** CF, PF, AF, ZF, SF, OF; interrupts are on. */
const ARITHMETIC = 0x8d5n;
const ALWAYS = 0x202n;
const DF = 0x400n;
const AROUND = 80;
/** Behind the start of an operand in memory. */
const OPERAND = 192;
/** A bit of MXCSR that AMD alone has: it allows SSE operands that are not aligned. */
const MISALIGNED_MASK = 0x20000n;
const USES_MXCSR = /^(sse|avx|fma|f16c)/;
const USES_X87 = /^(x87|mmx)$/;
const MMX: ReadonlySet<Kind> = new Set([Kind.mm_reg, Kind.mm_rm, Kind.mm_or_mem]);

export const DEFAULTS: ReadonlyMap<string, string> = new Map([
  ['mx', '1f80'],
  ['fcw', '37f'],
  ['fsw', '0'],
  ['ftw', '0'],
  ['fop', '0'],
  ['fip', '0'],
  ['fdp', '0'],
]);

/** Register files with values of all kinds. */
export function backgrounds(random: Random, count: number): Background[] {
  return Array.from({ length: count }, () => ({
    gpr: GPR_NAMES.map(() => quadword(random).toString(16)),
    ymm: Array.from({ length: 16 }, () => Array.from({ length: 4 }, () => inMemoryOrder(quadword(random), 8)).join('')),
    st: Array.from({ length: 8 }, () => inMemoryOrder(extended(random), 10)),
    fl: ((bitsOf(random, 16) & ARITHMETIC) | ALWAYS).toString(16),
  }));
}

/** Beside the canonical addresses of user mode, and at both ends of all addresses. */
const ODD = [0n, 0x7ffffffff000n, 0x800000000000n, 0xffff7ffffffff000n, 0x4000000000000000n, 0xffffffffffffffffn] as const;

/** An address in the data, now and then at its beginning or end, outside, or over the end of a page. */
function target(random: Random, low = false): bigint {
  const [start, size] = low ? LOW_DATA : pick(random, DATA);
  const kind = random(64);
  if (kind < 6) return start + size - BigInt(random(40));
  if (kind < 8) return start - BigInt(random(40));
  if (kind < 11) return start + size + BigInt(random(0x10000));
  if (kind < 15) return start + 4096n - BigInt(random(40));
  if (kind === 15 && !low) return BigInt.asUintN(64, pick(random, ODD) - BigInt(random(64)));
  const at = start + BigInt(256 + random(Number(size) - 1024));
  return kind < 48 ? at & ~31n : at;
}

/** The registers and the memory of a test while it is made. */
class Draft {
  readonly overrides = new Map<string, string>();
  readonly memory: [bigint, string][] = [];
  readonly #random: Random;
  readonly #file: Background;

  constructor(random: Random, file: Background) {
    this.#random = random;
    this.#file = file;
  }

  gpr(n: number): bigint {
    return BigInt(`0x${this.overrides.get(GPR_NAMES[n]!) ?? this.#file.gpr[n]!}`);
  }

  setGpr(n: number, value: bigint): void {
    this.overrides.set(GPR_NAMES[n]!, BigInt.asUintN(64, value).toString(16));
  }

  /** Anything around an address. */
  fill(at: bigint, bytes = AROUND): void {
    const text = Array.from({ length: bytes / 8 }, () => inMemoryOrder(quadword(this.#random), 8)).join('');
    this.memory.push([BigInt.asUintN(64, at - 16n), text]);
  }

  /** A register points to data. */
  point(n: number, bytes = AROUND): void {
    const at = target(this.#random);
    this.setGpr(n, at);
    this.fill(at, bytes);
  }
}

/** What registers that an instruction uses without naming them point to. */
function setImplied(draft: Draft, name: string, kind: string, random: Random): void {
  if (/^(push|pop|enter|leave|call|ret)/.test(name)) for (const n of [RSP, RBP]) draft.point(n);
  if (kind === 'string') {
    for (const n of [RSI, RDI]) draft.point(n, 160);
    draft.setGpr(RCX, BigInt(random(12)));
  }
  if (/^v?maskmov(q|dqu)$/.test(name)) draft.point(RDI);
  if (name === 'xlatb' || name === 'xlat') {
    const at = target(random);
    draft.setGpr(RBX, at - (draft.gpr(RAX) & 0xffn));
    draft.fill(at);
  }
}

/** An operand in memory that an instruction of this name can do something with. */
function operandOf(name: string, kind: string, random: Random): string | undefined {
  if (/^v?ldmxcsr$/.test(name)) return inMemoryOrder(random(4) === 0 ? bitsOf(random, 32) & ~MISALIGNED_MASK : bitsOf(random, 16), 4);
  if (name === 'fbld' && random(2) === 0) return decimal(random);
  return kind === 'x87' && random(3) === 0 ? inMemoryOrder(extended(random), 10) : undefined;
}

/** A random test of a row of class `kind`; undefined where the choice cannot be spelt or compared. */
export function generate(row: Row, kind: string, number: number, random: Random, files: readonly Background[]): Test | undefined {
  const background = random(files.length);
  const file = files[background]!;
  const draft = new Draft(random, file);
  const { overrides, memory } = draft;
  const rip = CODE + 0x400n + BigInt(random(0x800));
  const gather = isGather(row);
  let place: MemoryPlace | undefined;
  const encoded = encode(row, {
    random,
    register: () => random(16),
    inMemory: () => random(2) === 0,
    memory: () => {
      place = memoryPlace(random, gather);
      return place;
    },
  });
  if (encoded === undefined) return undefined;
  const image = imageBytes(Code[row.code]!);
  let imageAt: bigint | undefined;
  // EAX asks for components.
  if (image !== undefined && (place?.base === RAX || place?.index === RAX)) return undefined;
  const repeated = kind === 'string' && random(3) > 0;
  const plain = repeated ? Uint8Array.of(random(2) === 0 ? 0xf3 : 0xf2, ...encoded) : encoded;
  const spelling = repeated ? { bytes: plain, invalid: false } : respelled(row, kind, plain, place !== undefined, random);
  const isUndefined = spelling.invalid || kind === 'ud';
  let code = spelling.bytes;
  if (decode(code).kind !== (isUndefined ? 'invalid' : 'instruction')) return undefined;
  const name = row.mnemonic;
  setImplied(draft, name, kind, random);
  if (image !== undefined) {
    setX87(random, overrides);
    setMxcsr(random, overrides);
    setState(random, overrides);
  }
  if (place !== undefined) {
    const base = place.base;
    const anywhere = target(random, base === undefined);
    const at = image === undefined ? anywhere : BigInt.asUintN(64, imagePlace(random, Code[row.code]!, anywhere));
    if (image !== undefined) imageAt = at;
    draft.fill(at, image === undefined ? OPERAND : image + 64 - (image % 8));
    const operand = image === undefined ? operandOf(name, kind, random) : imageFor(random, Code[row.code]!);
    if (operand !== undefined) memory.push([at, operand]);
    if (base === undefined) {
      const placed = withDisplacement(code, place.relative ? at - rip - BigInt(code.length) : at);
      if (placed === undefined) return undefined;
      code = placed;
    } else {
      const offset =
        BigInt(place.displacement) + (place.index === undefined || gather ? 0n : draft.gpr(place.index) << BigInt(place.scale));
      draft.setGpr(base, at - offset);
    }
    if (gather) {
      const wide = /vm64|qp|qd|qq/.test(Code[row.code]!);
      const [count, bits] = wide ? [4, 64] : [8, 32];
      const index = (): string => inMemoryOrder(BigInt.asUintN(bits, BigInt(random(24) - 2)), bits / 8);
      overrides.set(`y${place.index}`, Array.from({ length: count }, index).join(''));
    }
    if (USES_MXCSR.test(kind) && !gather && operand === undefined) {
      const elements = setVectors(random, name, code, overrides, file);
      if (elements !== undefined) memory.push([at, elements]);
    }
  } else if (USES_MXCSR.test(kind)) setVectors(random, name, code, overrides, file);
  if (/moffs/.test(Code[row.code]!)) {
    const at = target(random);
    draft.fill(at);
    code = code.slice();
    new DataView(code.buffer).setBigUint64(code.length - 8, at, true);
  }
  const flags = (bitsOf(random, 16) & ARITHMETIC) | ALWAYS | (kind === 'string' && random(3) === 0 ? DF : 0n);
  overrides.set('fl', flags.toString(16));
  if (USES_X87.test(kind) || row.operands.some((operand) => MMX.has(operand))) setX87(random, overrides);
  if (USES_MXCSR.test(kind)) setMxcsr(random, overrides);
  const undefinedFlags = undefinedFlagsOf(row, code, draft.gpr(RCX));
  if (undefinedFlags === undefined) return undefined;
  return {
    id: `${Code[row.code]}/${number}`,
    row,
    code,
    rip,
    background,
    overrides,
    memory,
    repeats: gather || repeated,
    ...(imageAt !== undefined && { image: imageAt }),
    isUndefined,
    undefinedFlags,
    statusMask: kind === 'x87' ? statusMaskOf(name) : undefined,
    notes: notesOf(name),
  };
}
