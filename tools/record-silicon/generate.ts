import { Code, OpCodeOperandKind as Kind, RflagsBits } from 'iced-x86';
import { GPR_NAMES } from '../../src/isa/core-state.ts';
import { decode } from '../../src/isa/decode.ts';
import { encode, isGather, type MemoryPlace, type Row } from '../../src/isa/encodings.ts';
import { LONG_MODE, type Mode } from '../../src/isa/mode.ts';
import { bitsOf, extended, inMemoryOrder, pick, quadword, type Random } from './values.ts';

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
  readonly undefinedFlags: bigint;
  readonly statusMask: string | undefined;
  readonly notes: readonly string[];
}

const CODE = 0x20000000n;
const DATA = [
  [0x10000000n, 0x10000n],
  [0x500012340000n, 0x4000n],
] as const;
const [RSP, RBP, RSI, RDI, RCX, RBX] = [4, 5, 6, 7, 1, 3];
/** CF, PF, AF, ZF, SF, OF; interrupts are on. */
const ARITHMETIC = 0x8d5n;
const ALWAYS = 0x202n;
const DF = 0x400n;
const AROUND = 80;
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
function target(random: Random): bigint {
  const [start, size] = pick(random, DATA);
  const kind = random(64);
  if (kind < 6) return start + size - BigInt(random(40));
  if (kind < 8) return start - BigInt(random(40));
  if (kind < 11) return start + size + BigInt(random(0x10000));
  if (kind < 15) return start + 4096n - BigInt(random(40));
  if (kind === 15) return BigInt.asUintN(64, pick(random, ODD) - BigInt(random(64)));
  const at = start + BigInt(256 + random(Number(size) - 1024));
  return kind < 48 ? at & ~31n : at;
}

/** Of the manual: which condition bits of the status word an x87 instruction leaves undefined (Vol. 2). None where they are compared, or unchanged. */
export function statusMaskOf(mnemonic: string): string | undefined {
  if (!mnemonic.startsWith('f')) return undefined;
  if (/^f(u?comi?p?p?|icomp?|tst|xam|prem1?|ninit|nop)$/.test(mnemonic)) return undefined;
  if (/^f(sin|cos|sincos|ptan)$/.test(mnemonic)) return 'beff';
  if (/^f(ldcw|n?stcw|n?stsw|n?clex|ffree.?|ree.?)$/.test(mnemonic)) return 'b8ff';
  return 'baff';
}

export const APPROXIMATE = /^(v?rsqrt[ps]s|v?rcp[ps]s|f2xm1|fyl2x|fyl2xp1|fpatan|fptan|fsin|fcos|fsincos)$/;

const ICED_FLAGS: readonly (readonly [iced: number, bit: bigint])[] = [
  [RflagsBits.OF, 0x800n],
  [RflagsBits.SF, 0x80n],
  [RflagsBits.ZF, 0x40n],
  [RflagsBits.AF, 0x10n],
  [RflagsBits.CF, 1n],
  [RflagsBits.PF, 4n],
];
const OF = 0x800n;

/** Flags that the manual leaves undefined; those of shifts and rotates depend on the count, undefined where it cannot be compared at all. */
export function undefinedFlagsOf(row: Row, code: Uint8Array, cl: bigint, mode: Mode = LONG_MODE): bigint | undefined {
  const all = ICED_FLAGS.reduce((sum, [iced, bit]) => ((row.undefinedFlags & iced) === 0 ? sum : sum | bit), 0n);
  if (!/^(sh[lr]d?|sa[lr]|ro[lr]|rc[lr])$/.test(row.mnemonic)) return all;
  const decoded = decode(code, mode);
  if (decoded.kind !== 'instruction') return undefined;
  const { size } = decoded.instruction;
  const name = Code[row.code]!;
  const given = name.endsWith('_1') ? 1n : name.endsWith('_CL') ? cl & 0xffn : BigInt(code.at(-1)!);
  const count = Number(given & (size === 64 ? 63n : 31n));
  if (count === 0) return 0n;
  const shift = /^s/.test(row.mnemonic);
  if (/^sh[lr]d$/.test(row.mnemonic) && count > size) return undefined;
  return (shift ? 0x10n : 0n) | (count === 1 ? 0n : OF) | (shift && count >= size ? 1n : 0n);
}

/** Masks of the floating-point exceptions: all of them, any, or all but one. */
function masksOf(random: Random): number {
  const kind = random(8);
  return kind < 4 ? 0x3f : kind < 6 ? random(64) : 0x3f & ~(1 << random(6));
}

/** The x87 FPU with full and empty registers, any rounding and precision, flags of earlier exceptions, now and then one that waits to be reported. */
function setX87(random: Random, overrides: Map<string, string>): void {
  const masks = masksOf(random);
  const earlier = random(3) > 0 ? 0 : random(3) > 0 ? random(128) & (masks | 0x40) : random(128);
  const pending = (earlier & ~masks & 0x3f) === 0 ? 0 : 0x8080;
  overrides.set('ftw', (random(3) > 0 ? 0xff : random(256)).toString(16));
  overrides.set('fsw', ((random(8) << 11) | (pick(random, [0, 1, 4, 5, 2, 7, 0x40, 0x45]) << 8) | earlier | pending).toString(16));
  overrides.set('fcw', ((random(4) << 10) | (pick(random, [0, 1, 2, 3, 3]) << 8) | 0x40 | masks).toString(16));
  for (let n = 0; n < 8; n++) overrides.set(`st${n}`, inMemoryOrder(extended(random), 10));
}

/** A random test of a row of class `kind`; undefined where the choice cannot be spelt or compared. */
export function generate(row: Row, kind: string, number: number, random: Random, files: readonly Background[]): Test | undefined {
  const background = random(files.length);
  const file = files[background]!;
  const overrides = new Map<string, string>();
  const gpr = (n: number): bigint => BigInt(`0x${overrides.get(GPR_NAMES[n]!) ?? file.gpr[n]!}`);
  const setGpr = (n: number, value: bigint): void => void overrides.set(GPR_NAMES[n]!, BigInt.asUintN(64, value).toString(16));
  const memory: [bigint, string][] = [];
  const fill = (at: bigint, bytes = AROUND): void => {
    const text = Array.from({ length: bytes / 8 }, () => inMemoryOrder(quadword(random), 8)).join('');
    memory.push([BigInt.asUintN(64, at - 16n), text]);
  };
  const gather = isGather(row);
  let place: MemoryPlace | undefined;
  const encoded = encode(row, {
    random,
    register: () => random(16),
    inMemory: () => random(2) === 0,
    memory: () => {
      const base = random(16);
      const index = gather
        ? random(16)
        : random(3) === 0
          ? pick(
              random,
              [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].filter((n) => n !== base),
            )
          : undefined;
      place = {
        base,
        ...(index !== undefined && { index }),
        scale: random(4) as 0 | 1 | 2 | 3,
        displacement: random(2) === 0 ? random(256) - 128 : random(0x20000) - 0x10000,
      };
      return place;
    },
  });
  if (encoded === undefined) return undefined;
  const isString = kind === 'string';
  const repeated = isString && random(3) > 0;
  const code = repeated ? Uint8Array.of(random(2) === 0 ? 0xf3 : 0xf2, ...encoded) : encoded;
  if (decode(code).kind !== 'instruction') return undefined;
  const name = row.mnemonic;
  if (/^(push|pop|enter|leave|call|ret)/.test(name)) {
    for (const n of [RSP, RBP]) {
      const at = target(random);
      setGpr(n, at);
      fill(at);
    }
  }
  if (isString) {
    for (const n of [RSI, RDI]) {
      const at = target(random);
      setGpr(n, at);
      fill(at, 160);
    }
    setGpr(RCX, BigInt(random(12)));
  }
  if (/^v?maskmov(q|dqu)$/.test(name)) {
    const at = target(random);
    setGpr(RDI, at);
    fill(at);
  }
  if (name === 'xlatb' || name === 'xlat') {
    const at = target(random);
    setGpr(RBX, at - (gpr(0) & 0xffn));
    fill(at);
  }
  if (place !== undefined) {
    const at = target(random);
    fill(at, 192);
    if (/^v?ldmxcsr$/.test(name)) {
      const value = random(4) === 0 ? bitsOf(random, 32) & ~MISALIGNED_MASK : bitsOf(random, 16);
      memory.push([at, inMemoryOrder(value, 4)]);
    }
    const base = place.base as number;
    const offset = BigInt(place.displacement) + (place.index === undefined || gather ? 0n : gpr(place.index) << BigInt(place.scale));
    if (gather) {
      const wide = /vm64|qp|qd|qq/.test(Code[row.code]!);
      const indexes = Array.from({ length: wide ? 4 : 8 }, () =>
        inMemoryOrder(BigInt.asUintN(wide ? 64 : 32, BigInt(random(24) - 2)), wide ? 8 : 4),
      ).join('');
      overrides.set(`y${place.index}`, indexes);
    }
    setGpr(base, at - offset);
  }
  let flags = (bitsOf(random, 16) & ARITHMETIC) | ALWAYS;
  if (isString && random(3) === 0) flags |= DF;
  overrides.set('fl', flags.toString(16));
  if (USES_X87.test(kind) || row.operands.some((operand) => MMX.has(operand))) setX87(random, overrides);
  if (USES_MXCSR.test(kind)) {
    const masks = masksOf(random);
    const odd = random(3) === 0 ? (random(2) << 15) | (random(2) << 6) : 0;
    overrides.set('mx', (odd | (random(4) << 13) | (masks << 7) | (random(3) === 0 ? random(64) : 0)).toString(16));
  }
  const undefinedFlags = undefinedFlagsOf(row, code, gpr(RCX));
  if (undefinedFlags === undefined) return undefined;
  return {
    id: `${Code[row.code]}/${number}`,
    row,
    code,
    rip: CODE + 0x400n + BigInt(random(0x800)),
    background,
    overrides,
    memory,
    repeats: gather || repeated,
    undefinedFlags,
    statusMask: kind === 'x87' ? statusMaskOf(name) : undefined,
    notes: [...(APPROXIMATE.test(name) ? ['approx'] : []), ...(/^bs[fr]$/.test(name) ? ['udest'] : [])],
  };
}
