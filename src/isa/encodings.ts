import { Code, CodeExt, Decoder, EncodingKind, Instruction, OpCodeOperandKind as Kind, MandatoryPrefix, OpCodeTableKind } from 'iced-x86';
import type { CodeSize } from './mode.ts';

/**
 * Where a memory operand is: register numbers, a displacement of 32 bits. Without `base` the displacement is the address. With addresses of 16 bits the displacement has as
 * many, nothing is scaled, `base` is BX, BP, SI or DI and `index` SI or DI, behind BX and BP only.
 */
export interface MemoryPlace {
  readonly base?: number;
  /** Never 4: there is no RSP as an index. For a gather the number of the vector register. */
  readonly index?: number;
  readonly scale: 0 | 1 | 2 | 3;
  readonly displacement: number;
  /** In as few bytes as it can be spelt; otherwise always with SIB byte and 32 bits of displacement. */
  readonly short?: boolean;
  /** Relative to the next instruction: neither base nor index. */
  readonly relative?: boolean;
}

/** What is free in an encoding. */
export interface Choices {
  /** A number below `below`. */
  random(below: number): number;
  /** The number of a general register that an explicit operand may name. */
  register(): number;
  /** Whether an operand that may be a register or in memory is in memory. */
  inMemory(): boolean;
  memory(gather: boolean): MemoryPlace;
  /** Size of addresses in 16- and 32-bit code, where the encoding leaves it free; that of the code without. Asked before `memory`. */
  addressSize?(): 16 | 32;
}

/** An encoding of one iced Code as its table row states it. */
export interface Row {
  /** Bits of the code that it is for. */
  readonly codeSize: CodeSize;
  readonly code: Code;
  /** Lower-case mnemonic of the manual. */
  readonly mnemonic: string;
  readonly features: readonly number[];
  readonly operands: readonly Kind[];
  readonly legacy: boolean;
  readonly privileged: boolean;
  readonly undefinedFlags: number;
}

const kindsIn = (...names: (keyof typeof Kind)[]): ReadonlySet<Kind> => new Set(names.map((name) => Kind[name]));

const MEMORY_ONLY = kindsIn('mem', 'mem_vsib32x', 'mem_vsib64x', 'mem_vsib32y', 'mem_vsib64y');
const GATHERS = kindsIn('mem_vsib32x', 'mem_vsib64x', 'mem_vsib32y', 'mem_vsib64y');
const EITHER = kindsIn('r8_or_mem', 'r16_or_mem', 'r32_or_mem', 'r64_or_mem', 'mm_or_mem', 'xmm_or_mem', 'ymm_or_mem');
const IN_RM = kindsIn('r16_reg_mem', 'r32_reg_mem', 'r64_reg_mem', 'r16_rm', 'r32_rm', 'r64_rm', 'mm_rm', 'xmm_rm', 'ymm_rm');
const IN_REG = kindsIn('r8_reg', 'r16_reg', 'r32_reg', 'r64_reg', 'mm_reg', 'xmm_reg', 'ymm_reg', 'seg_reg', 'cr_reg', 'dr_reg');
const IN_VVVV = kindsIn('r32_vvvv', 'r64_vvvv', 'xmm_vvvv', 'ymm_vvvv');
const IN_IS4 = kindsIn('xmm_is4', 'ymm_is4');
const IN_OPCODE = kindsIn('r8_opcode', 'r16_opcode', 'r32_opcode', 'r64_opcode');
const FIXED = kindsIn(
  'al',
  'cl',
  'ax',
  'dx',
  'eax',
  'rax',
  'st0',
  'es',
  'cs',
  'ss',
  'ds',
  'fs',
  'gs',
  'imm8_const_1',
  'seg_rSI',
  'es_rDI',
  'seg_rDI',
  'seg_rBX_al',
);
const GENERAL = kindsIn(
  ...(['r8_or_mem', 'r16_or_mem', 'r32_or_mem', 'r64_or_mem', 'r8_reg', 'r16_reg', 'r32_reg', 'r64_reg', 'r32_vvvv', 'r64_vvvv'] as const),
  ...([
    'r16_reg_mem',
    'r32_reg_mem',
    'r64_reg_mem',
    'r16_rm',
    'r32_rm',
    'r64_rm',
    'r8_opcode',
    'r16_opcode',
    'r32_opcode',
    'r64_opcode',
  ] as const),
);
const IMMEDIATE_BYTES = new Map<Kind, number>([
  [Kind.imm8, 1],
  [Kind.imm8sex16, 1],
  [Kind.imm8sex32, 1],
  [Kind.imm8sex64, 1],
  [Kind.imm16, 2],
  [Kind.imm32, 4],
  [Kind.imm32sex64, 4],
  [Kind.imm64, 8],
  [Kind.mem_offs, 8],
  [Kind.br64_1, 1],
  [Kind.br64_4, 4],
  [Kind.br16_1, 1],
  [Kind.br32_1, 1],
  [Kind.br16_2, 2],
  [Kind.br32_4, 4],
  [Kind.farbr2_2, 4],
  [Kind.farbr4_2, 6],
]);
/** Operands that the address size decides about though no ModR/M byte names them. */
const ADDRESSED = kindsIn('mem_offs', 'es_rDI', 'seg_rSI', 'seg_rDI', 'seg_rBX_al');

const known = (kind: Kind): boolean =>
  [MEMORY_ONLY, EITHER, IN_RM, IN_REG, IN_VVVV, IN_IS4, IN_OPCODE, FIXED].some((set) => set.has(kind)) ||
  kind === Kind.sti_opcode ||
  IMMEDIATE_BYTES.has(kind);

const tables = new Map<CodeSize, readonly Row[]>();

/** Every row of iced's tables for code of so many bits, legacy and VEX encodings, whose operands `encode` can spell. */
export function rows(codeSize: CodeSize = 64): readonly Row[] {
  let table = tables.get(codeSize);
  if (table === undefined) {
    table = Object.values(Code)
      .filter((code): code is Code => typeof code === 'number')
      .flatMap((code) => rowOf(code, codeSize) ?? []);
    tables.set(codeSize, table);
  }
  return table;
}

function rowOf(code: Code, codeSize: CodeSize): Row | undefined {
  const info = CodeExt.opCode(code);
  try {
    const there = codeSize === 64 ? info.mode64 : codeSize === 32 ? info.mode32 : info.mode16;
    if (!info.isInstruction || !there || info.fwait) return undefined;
    if (info.encoding !== EncodingKind.Legacy && info.encoding !== EncodingKind.VEX) return undefined;
    const operands = Array.from({ length: info.opCount }, (_, n) => info.opKind(n));
    if (!operands.every(known)) return undefined;
    const iced = new Instruction();
    iced.code = code;
    const row: Row = {
      codeSize,
      code,
      mnemonic: info.instructionString.split(' ')[0]!.toLowerCase(),
      features: [...iced.cpuidFeatures()],
      operands,
      legacy: info.encoding === EncodingKind.Legacy,
      privileged: info.isPrivileged || info.mustBeCpl0 || info.mayRequireCpl0 || info.isInputOutput,
      undefinedFlags: iced.rflagsUndefined,
    };
    iced.free();
    return row;
  } finally {
    info.free();
  }
}

/** Whether the row is a gather: its memory operand has a vector of indexes. */
export const isGather = (row: Row): boolean => row.operands.some((kind) => GATHERS.has(kind));

const PREFIXES = new Map<MandatoryPrefix, number>([
  [MandatoryPrefix.P66, 0x66],
  [MandatoryPrefix.PF3, 0xf3],
  [MandatoryPrefix.PF2, 0xf2],
]);
const PP = new Map<MandatoryPrefix, number>([
  [MandatoryPrefix.P66, 1],
  [MandatoryPrefix.PF3, 2],
  [MandatoryPrefix.PF2, 3],
]);
const ESCAPES = new Map<OpCodeTableKind, readonly number[]>([
  [OpCodeTableKind.Normal, []],
  [OpCodeTableKind.T0F, [0x0f]],
  [OpCodeTableKind.T0F38, [0x0f, 0x38]],
  [OpCodeTableKind.T0F3A, [0x0f, 0x3a]],
]);
const MAPS = new Map<OpCodeTableKind, number>([
  [OpCodeTableKind.T0F, 1],
  [OpCodeTableKind.T0F38, 2],
  [OpCodeTableKind.T0F3A, 3],
]);

/** Bytes of a row with free operands chosen; undefined where the choice is not an encoding of this very row. */
export function encode(row: Row, choices: Choices): Uint8Array | undefined {
  const { random } = choices;
  const { codeSize } = row;
  const info = CodeExt.opCode(row.code);
  const numberOf = (kind: Kind): number => {
    if (GENERAL.has(kind)) return choices.register() & (codeSize === 64 ? 15 : 7);
    if (kind === Kind.seg_reg) return random(6);
    return codeSize !== 64 || kind === Kind.mm_reg || kind === Kind.mm_rm || kind === Kind.mm_or_mem ? random(8) : random(16);
  };
  const addressSize = addressSizeOf(row, info.addressSize, choices);
  let [reg, vvvv, is4] = [0, 0, -1];
  let opcodeRegister = 0;
  let rm: number | MemoryPlace | undefined;
  const immediate: number[] = [];
  for (const kind of row.operands) {
    if (IN_REG.has(kind)) reg = numberOf(kind);
    else if (IN_VVVV.has(kind)) vvvv = numberOf(kind);
    else if (IN_IS4.has(kind)) is4 = numberOf(kind);
    else if (IN_OPCODE.has(kind)) opcodeRegister = numberOf(kind);
    else if (kind === Kind.sti_opcode) opcodeRegister = random(8);
    else if (MEMORY_ONLY.has(kind) || (EITHER.has(kind) && choices.inMemory())) rm = choices.memory(GATHERS.has(kind));
    else if (EITHER.has(kind) || IN_RM.has(kind)) rm = numberOf(kind);
    const bytes = kind === Kind.mem_offs ? addressSize / 8 : (IMMEDIATE_BYTES.get(kind) ?? 0);
    for (let n = bytes; n > 0; n--) immediate.push(random(256));
  }
  if (is4 >= 0) immediate.unshift(is4 << 4);
  if (info.groupIndex >= 0) reg = info.groupIndex;
  if (info.rmGroupIndex >= 0) rm = info.rmGroupIndex;
  // Opcodes of two bytes have their ModR/M byte in the second one.
  const opcode = info.opCodeLength === 2 ? [info.opCode >> 8, info.opCode & 0xff] : [info.opCode];
  const inOpcode = row.operands.some((kind) => IN_OPCODE.has(kind) || kind === Kind.sti_opcode);
  if (inOpcode) opcode[opcode.length - 1]! += opcodeRegister & 7;
  const place = typeof rm === 'object' ? rm : undefined;
  const b = (place?.base ?? (typeof rm === 'number' ? rm : inOpcode ? opcodeRegister : 0)) >> 3;
  const x = (place?.index ?? 0) >> 3;
  const modrm = rm === undefined ? [] : addressSize === 16 && typeof rm === 'object' ? modRm16(reg, rm) : modRm(reg, rm);
  if (modrm === undefined) {
    info.free();
    return undefined;
  }
  const addressed = place !== undefined || info.addressSize !== 0 || row.operands.some((kind) => ADDRESSED.has(kind));
  const make = (w: number): number[] => {
    if (!row.legacy) {
      const map = MAPS.get(info.table) ?? 0;
      const l = info.L < 0 ? 0 : info.L;
      const second = ((reg >> 3) ^ 1) * 0x80 + (x ^ 1) * 0x40 + (b ^ 1) * 0x20 + map;
      const third = w * 0x80 + (vvvv ^ 15) * 8 + l * 4 + (PP.get(info.mandatoryPrefix) ?? 0);
      return [...(addressed && addressSize !== codeSize ? [0x67] : []), 0xc4, second, third, ...opcode, ...modrm, ...immediate];
    }
    const prefix = PREFIXES.get(info.mandatoryPrefix);
    const rex = 0x40 + w * 8 + (reg >> 3) * 4 + x * 2 + b;
    // SPL, BPL, SIL and DIL need a REX prefix.
    const bytes = row.operands.some((kind) => kind === Kind.r8_reg || kind === Kind.r8_or_mem || kind === Kind.r8_opcode);
    return [
      ...(addressed && addressSize !== codeSize ? [0x67] : []),
      ...(needsOperandSize(info.operandSize, codeSize) && prefix !== 0x66 ? [0x66] : []),
      ...(prefix === undefined ? [] : [prefix]),
      ...(codeSize === 64 && (rex !== 0x40 || (bytes && random(2) === 0)) ? [rex] : []),
      ...(ESCAPES.get(info.table) ?? []),
      ...opcode,
      ...modrm,
      ...immediate,
    ];
  };
  const wanted = !row.legacy
    ? info.isWIG
      ? random(2)
      : info.W
    : info.operandSize === 64 && !info.defaultOpSize64 && !info.forceOpSize64
      ? 1
      : 0;
  const made = [wanted, wanted ^ 1].map((w) => Uint8Array.from(make(w)));
  info.free();
  return made.find((bytes) => codeOf(bytes, codeSize) === row.code);
}

/** The address size of an encoding: that of the row, or the one that is chosen. */
function addressSizeOf({ codeSize, operands }: Row, own: number, choices: Choices): CodeSize {
  if (own !== 0) return own as CodeSize;
  if (codeSize === 64) return 64;
  const free = choices.addressSize?.() ?? codeSize;
  // VSIB has a SIB byte.
  return operands.some((kind) => GATHERS.has(kind)) ? 32 : free;
}

/** Operands of 64 bits are REX.W's or the instruction's own. */
const needsOperandSize = (operandSize: number, codeSize: CodeSize): boolean => (codeSize === 16 ? operandSize === 32 : operandSize === 16);

/** Base and index of an address of 16 bits, by the r/m field (SDM Vol. 2, "16-Bit Addressing Forms with the ModR/M Byte"). */
export const RM16: readonly (readonly [base: number, index: number | undefined])[] = [
  [3, 6],
  [3, 7],
  [5, 6],
  [5, 7],
  [6, undefined],
  [7, undefined],
  [5, undefined],
  [3, undefined],
];

/** ModR/M and a displacement of 16 bits; undefined for a place that 16-bit addresses cannot be. */
function modRm16(reg: number, { base, index, scale, displacement }: MemoryPlace): number[] | undefined {
  const rm = base === undefined ? 6 : RM16.findIndex(([b, x]) => b === base && x === index);
  if (rm < 0 || scale !== 0 || (base === undefined && index !== undefined)) return undefined;
  return [(base === undefined ? 0 : 0x80) + ((reg & 7) << 3) + rm, displacement & 0xff, (displacement >> 8) & 0xff];
}

/** ModR/M, SIB and displacement. A displacement always has 32 bits. */
function modRm(reg: number, rm: number | MemoryPlace): number[] {
  const middle = (reg & 7) << 3;
  if (typeof rm === 'number') return [0xc0 + middle + (rm & 7)];
  const displacement = [0, 8, 16, 24].map((shift) => (rm.displacement >> shift) & 0xff);
  if (rm.relative) return [middle + 5, ...displacement];
  const index = rm.index === undefined ? 4 : rm.index & 7;
  const sib = (rm.scale << 6) + (index << 3);
  if (rm.base === undefined) return [middle + 4, sib + 5, ...displacement];
  if (!rm.short) return [0x80 + middle + 4, sib + (rm.base & 7), ...displacement];
  // Base 5 without a displacement would be none; base 4 is a SIB byte.
  const fits = rm.displacement >= -128 && rm.displacement < 128;
  const form = rm.displacement === 0 && (rm.base & 7) !== 5 ? 0 : fits ? 1 : 2;
  const bytes = displacement.slice(0, [0, 1, 4][form]);
  return rm.index === undefined && (rm.base & 7) !== 4
    ? [form * 0x40 + middle + (rm.base & 7), ...bytes]
    : [form * 0x40 + middle + 4, sib + (rm.base & 7), ...bytes];
}

/** The Code that bytes are, all of them; undefined when they are none. */
export function codeOf(bytes: Uint8Array, codeSize: CodeSize): Code | undefined {
  const decoder = new Decoder(codeSize, bytes, 0);
  const iced = decoder.decode();
  const whole = !iced.isInvalid && iced.length === bytes.length;
  const { code } = iced;
  iced.free();
  decoder.free();
  return whole ? code : undefined;
}
