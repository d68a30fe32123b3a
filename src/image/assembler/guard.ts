import { Code, Decoder, DecoderOptions, type Instruction, MemorySizeExt, Mnemonic, OpCodeOperandKind, OpKind, Register } from 'iced-x86';
import type { Asked, AskedMemory, AskedOperand } from './asked.ts';
import { isString } from './mnemonics.ts';
import { generalSize, registerName } from './registers.ts';

/** Names of the decoder's mnemonics by number. */
const MNEMONIC_NAMES = new Map(
  Object.entries(Mnemonic).flatMap(([k, v]) => (typeof v === 'number' ? [[v, k.toLowerCase()] as const] : [])),
);
const IMPLIED = new Set<OpCodeOperandKind>([
  OpCodeOperandKind.seg_rSI,
  OpCodeOperandKind.es_rDI,
  OpCodeOperandKind.seg_rDI,
  OpCodeOperandKind.seg_rBX_al,
  OpCodeOperandKind.al,
  OpCodeOperandKind.ax,
  OpCodeOperandKind.eax,
  OpCodeOperandKind.rax,
  OpCodeOperandKind.dx,
]);
const SHORT_ADDRESS = new Set<OpKind>([
  OpKind.MemorySegSI,
  OpKind.MemorySegESI,
  OpKind.MemorySegDI,
  OpKind.MemorySegEDI,
  OpKind.MemoryESDI,
  OpKind.MemoryESEDI,
]);
/** Value bits of each kind of immediate after its extension. */
const IMMEDIATE_BITS = new Map<OpKind, number>([
  [OpKind.Immediate8, 8],
  [OpKind.Immediate8_2nd, 8],
  [OpKind.Immediate16, 16],
  [OpKind.Immediate32, 32],
  [OpKind.Immediate64, 64],
  [OpKind.Immediate8to16, 16],
  [OpKind.Immediate8to32, 32],
  [OpKind.Immediate8to64, 64],
  [OpKind.Immediate32to64, 64],
]);

/** What the guard found: why the bytes are not what was asked (`wrong`), or the facts that the caller chooses by. */
export type Verdict = { readonly wrong: string } | { readonly wrong: undefined; readonly memoryBits: number };

/**
 * Decodes `bytes`, made for `address`, and holds the instruction against `asked`: one instruction, exactly as long as the bytes, of the same
 * mnemonic, prefixes, operands, sizes and values. This is what makes a wrong assembler harmless.
 */
export function inspect(asked: Asked, bytes: Uint8Array, address: bigint): Verdict {
  if (bytes.length === 0) return { wrong: 'no bytes' };
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  decoder.ip = address;
  const decoded = decoder.decode();
  try {
    const wrong = differs(asked, decoded, bytes.length);
    return wrong === undefined ? { wrong, memoryBits: 8 * MemorySizeExt.size(decoded.memorySize) } : { wrong };
  } finally {
    decoded.free();
    decoder.free();
  }
}

function differs(asked: Asked, got: Instruction, length: number): string | undefined {
  const name = MNEMONIC_NAMES.get(got.mnemonic) ?? '?';
  if (got.isInvalid) return 'the bytes are not an instruction';
  if (got.length !== length) return `the bytes are ${length}, the instruction in them ${got.length}`;
  if (name !== asked.mnemonic) return `the bytes are ${name}, not ${asked.mnemonic}`;
  if (got.hasLockPrefix !== asked.lock) return 'the LOCK prefix differs';
  const repeat = got.hasRepnePrefix ? 'repne' : got.hasRepPrefix ? 'rep' : 'none';
  if (repeat !== asked.repeat) return `the repeat prefix is ${repeat}, not ${asked.repeat}`;
  const memory = asked.operands.find((o) => o.kind === 'memory');
  const segment = asked.notrack ? Register.DS : (memory?.segment ?? Register.None);
  if (got.segmentPrefix !== segment) return `the segment prefix is ${registerName(got.segmentPrefix)}, not ${registerName(segment)}`;
  const operandSize = sizeDiffers(asked, got);
  if (operandSize !== undefined) return operandSize;
  return operandsDiffer(asked, got);
}

/** Sizes that no operand shows: of the stack slot, of a NOP, of a far return. */
function sizeDiffers(asked: Asked, got: Instruction): string | undefined {
  const [operand] = asked.operands;
  const shown = operand?.kind === 'register' ? generalSize(operand.register) : operand?.kind === 'memory' ? operand.size : undefined;
  const bytes = (asked.size ?? (/^(?:push|pop)$/.test(asked.mnemonic) ? shown : undefined) ?? 64) / 8;
  const moved = Math.abs(got.stackPointerIncrement);
  const { mnemonic } = asked;
  const slot = (wanted: number): string | undefined =>
    moved === wanted ? undefined : `it moves the stack pointer by ${moved} bytes, not ${wanted}`;
  if (mnemonic === 'ret') return slot(bytes + (got.opCount > 0 ? got.immediate16 : 0));
  if (mnemonic === 'retf') return slot((asked.size ?? 32) / 4 + (got.opCount > 0 ? got.immediate16 : 0));
  if (/^(?:push|pop)(?:f[dq]?)?$/.test(mnemonic)) return slot(bytes);
  if (mnemonic === 'leave' && got.code !== Code.Leaveq) return 'it is not the 64-bit LEAVE';
  if (mnemonic === 'enter' && got.code !== Code.Enterq_imm16_imm8) return 'it is not the 64-bit ENTER';
  if (mnemonic === 'nop' && asked.size !== undefined) {
    const sizes = new Map<Code, number>([
      [Code.Nopw, 16],
      [Code.Nopd, 32],
      [Code.Nopq, 64],
      [Code.Nop_rm16, 16],
      [Code.Nop_rm32, 32],
      [Code.Nop_rm64, 64],
    ]);
    if (sizes.get(got.code) !== asked.size) return `it is not a NOP of ${asked.size} bits`;
  }
  return undefined;
}

function operandsDiffer(asked: Asked, got: Instruction): string | undefined {
  const { opCode } = got;
  try {
    if (asked.operands.length === 0) {
      for (let i = 0; i < got.opCount; i++) {
        if (!IMPLIED.has(opCode.opKind(i)) || !(isString(asked.mnemonic) || asked.mnemonic === 'xlatb'))
          return `operand ${i + 1} was not asked for`;
        if (SHORT_ADDRESS.has(got.opKind(i)) || (got.opKind(i) === OpKind.Memory && got.memoryBase !== Register.RBX))
          return 'the address size is not 64 bits';
      }
      return undefined;
    }
  } finally {
    opCode.free();
  }
  if (got.opCount !== asked.operands.length) return `it has ${got.opCount} operands, not ${asked.operands.length}`;
  for (const [i, operand] of asked.operands.entries()) {
    const why = operandDiffers(asked, operand, got, i);
    if (why !== undefined) return `operand ${i + 1}: ${why}`;
  }
  return undefined;
}

function operandDiffers(asked: Asked, operand: AskedOperand, got: Instruction, i: number): string | undefined {
  const kind = got.opKind(i);
  switch (operand.kind) {
    case 'register': {
      if (kind !== OpKind.Register) return 'it is not a register';
      const register = got.opRegister(i);
      if (register !== operand.register) return `it is ${registerName(register)}, not ${registerName(operand.register)}`;
      return (asked.mnemonic === 'call' || asked.mnemonic === 'jmp') && generalSize(register) !== 64
        ? 'the target is not of 64 bits'
        : undefined;
    }
    case 'immediate': {
      const bits = IMMEDIATE_BITS.get(kind);
      if (bits === undefined) return 'it is not an immediate';
      const { value } = operand;
      const fits = value >= -(1n << BigInt(bits - 1)) && value < 1n << BigInt(bits);
      if (fits && BigInt.asUintN(bits, value) === BigInt.asUintN(bits, got.immediate(i))) {
        return asked.wide && bits === 64 && kind !== OpKind.Immediate64 ? 'the immediate is not of 64 bits' : undefined;
      }
      return `${value} does not fit (the bytes have 0x${BigInt.asUintN(bits, got.immediate(i)).toString(16)})`;
    }
    case 'memory':
      return kind === OpKind.Memory ? memoryDiffers(asked, operand, got) : 'it is not a memory operand';
    case 'target':
      if (kind !== OpKind.NearBranch64) return 'it is not a near branch';
      return got.nearBranch64 === operand.address
        ? undefined
        : `the target is 0x${got.nearBranch64.toString(16)}, not 0x${operand.address.toString(16)}`;
  }
}

function memoryDiffers(asked: Asked, m: AskedMemory, got: Instruction): string | undefined {
  const base = m.base ?? Register.None;
  if (got.memoryBase !== base) return `the base is ${registerName(got.memoryBase)}, not ${registerName(base)}`;
  const index = m.index ?? Register.None;
  if (got.memoryIndex !== index) return `the index is ${registerName(got.memoryIndex)}, not ${registerName(index)}`;
  if (index !== Register.None && got.memoryIndexScale !== m.scale) return `the scale is ${got.memoryIndexScale}, not ${m.scale}`;
  const narrow = generalSize(base) === 32 || generalSize(index) === 32;
  if (narrow && (m.displacement < -(1n << 31n) || m.displacement >= 1n << 32n)) return 'the displacement does not fit 32 bits';
  const bits = narrow ? 32 : 64;
  // The decoder gives the target of a RIP-relative operand; what was asked is the distance from the next instruction.
  const wanted = base === Register.RIP ? m.displacement + got.nextIP : m.displacement;
  if (BigInt.asUintN(bits, got.memoryDisplacement) !== BigInt.asUintN(bits, wanted)) {
    return `the displacement is 0x${got.memoryDisplacement.toString(16)}, not 0x${BigInt.asUintN(bits, wanted).toString(16)}`;
  }
  if (
    asked.displacementBytes !== undefined &&
    got.memoryDisplSize !== (asked.displacementBytes === 1 ? 1 : base === Register.RIP ? got.memoryDisplSize : narrow ? 4 : 8)
  ) {
    return `the displacement is not of ${asked.displacementBytes} bytes`;
  }
  const wide = got.code >= Code.Mov_AL_moffs8 && got.code <= Code.Mov_moffs64_RAX;
  if (asked.wide && !wide) return 'the address is not of 64 bits';
  const branch = asked.mnemonic === 'jmp' || asked.mnemonic === 'call';
  const size = m.size ?? (branch ? 64 : undefined);
  const far = got.isJmpFarIndirect || got.isCallFarIndirect;
  if (far !== (branch && (size === 48 || size === 80))) return far ? 'it is a far pointer' : 'it is not a far pointer';
  const actual = 8 * MemorySizeExt.size(got.memorySize);
  if (size !== undefined && actual === 0 && got.opCount === 1 && asked.mnemonic !== 'nop') return 'its memory operand has no size';
  if (size !== undefined && actual !== 0 && actual !== size) return `it is of ${actual} bits, not ${size}`;
  return undefined;
}
