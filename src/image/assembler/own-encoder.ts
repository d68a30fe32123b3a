import { Code, CodeExt, Encoder, Instruction, Mnemonic, OpCodeOperandKind, OpKind, Register } from 'iced-x86';
import type { Asked, AskedMemory, AskedOperand } from './asked.ts';
import { inspect, type Verdict } from './guard.ts';
import { orderPrefixes } from './prefixes.ts';
import { isStack } from './x87.ts';

/**
 * Our own encoder: for every form that the instruction set has for a mnemonic, the operands are put in and iced-x86 encodes it; what decodes
 * back to what was asked is kept, and the shortest wins, the first of the table among equals. That is the choice of GNU as, and length is
 * what a patch site depends on.
 */
export interface OwnEncoding {
  readonly bytes: Uint8Array;
  /** Bits of the memory operand; 0 without one. */
  readonly memoryBits: number;
}

/** Every encoding that means what was asked, shortest first. Branches with a target are not made here. */
export function ownEncodings(asked: Asked, address: bigint): OwnEncoding[] {
  const found: (OwnEncoding & { readonly rank: number })[] = [];
  const consider = (encoded: Uint8Array, rank: number): void => {
    const bytes = orderPrefixes(encoded);
    const verdict: Verdict = inspect(asked, bytes, address);
    if (verdict.wrong === undefined) found.push({ bytes, memoryBits: verdict.memoryBits, rank });
  };
  const fixed = FIXED[asked.mnemonic];
  if (fixed && asked.operands.length === 0) {
    const repeat = asked.repeat === 'none' ? [] : [asked.repeat === 'rep' ? 0xf3 : 0xf2];
    consider(Uint8Array.from([...repeat, ...fixed]), 0);
  }
  for (const code of codesOf(asked.mnemonic)) {
    const bytes = tryEncode(asked, code, address);
    // `add $1,%ax` has two forms of 4 bytes; GNU as takes the one with the short immediate.
    if (bytes) consider(bytes, shapeOf(code)?.includes(OpCodeOperandKind.imm8sex16) ? 0 : 1);
  }
  return found.sort((a, b) => a.bytes.length - b.bytes.length || a.rank - b.rank);
}

/** Instructions with implied operands only, as the manual has them (SDM Vol. 2). */
const FIXED: Readonly<Record<string, readonly number[]>> = {
  movsb: [0xa4],
  movsw: [0x66, 0xa5],
  movsd: [0xa5],
  movsq: [0x48, 0xa5],
  cmpsb: [0xa6],
  cmpsw: [0x66, 0xa7],
  cmpsd: [0xa7],
  cmpsq: [0x48, 0xa7],
  stosb: [0xaa],
  stosw: [0x66, 0xab],
  stosd: [0xab],
  stosq: [0x48, 0xab],
  lodsb: [0xac],
  lodsw: [0x66, 0xad],
  lodsd: [0xad],
  lodsq: [0x48, 0xad],
  scasb: [0xae],
  scasw: [0x66, 0xaf],
  scasd: [0xaf],
  scasq: [0x48, 0xaf],
  insb: [0x6c],
  insw: [0x66, 0x6d],
  insd: [0x6d],
  outsb: [0x6e],
  outsw: [0x66, 0x6f],
  outsd: [0x6f],
  xlatb: [0xd7],
};

let codes: Map<string, Code[]> | undefined;

function codesOf(mnemonic: string): readonly Code[] {
  if (!codes) {
    const names = new Map(Object.entries(Mnemonic).flatMap(([k, v]) => (typeof v === 'number' ? [[v, k.toLowerCase()] as const] : [])));
    codes = new Map();
    for (const code of Object.values(Code)) {
      if (typeof code !== 'number') continue;
      const info = CodeExt.opCode(code);
      const name = names.get(info.mnemonic) ?? '';
      info.free();
      const list = codes.get(name);
      if (list) list.push(code);
      else codes.set(name, [code]);
    }
  }
  return codes.get(mnemonic) ?? [];
}

const shapes = new Map<Code, readonly OpCodeOperandKind[] | undefined>();

/** Kinds of the operands of a form that exists in 64-bit mode, else undefined. */
function shapeOf(code: Code): readonly OpCodeOperandKind[] | undefined {
  if (!shapes.has(code)) {
    const info = CodeExt.opCode(code);
    const usable = info.isInstruction && info.mode64;
    shapes.set(code, usable ? Array.from({ length: info.opCount }, (_, i) => info.opKind(i)) : undefined);
    info.free();
  }
  return shapes.get(code);
}

const IMMEDIATES = new Map<OpCodeOperandKind, OpKind>([
  [OpCodeOperandKind.imm8, OpKind.Immediate8],
  [OpCodeOperandKind.imm8_const_1, OpKind.Immediate8],
  [OpCodeOperandKind.imm8sex16, OpKind.Immediate8to16],
  [OpCodeOperandKind.imm8sex32, OpKind.Immediate8to32],
  [OpCodeOperandKind.imm8sex64, OpKind.Immediate8to64],
  [OpCodeOperandKind.imm16, OpKind.Immediate16],
  [OpCodeOperandKind.imm32, OpKind.Immediate32],
  [OpCodeOperandKind.imm32sex64, OpKind.Immediate32to64],
  [OpCodeOperandKind.imm64, OpKind.Immediate64],
]);

const FIXED_REGISTERS = new Map<OpCodeOperandKind, Register>([
  [OpCodeOperandKind.al, Register.AL],
  [OpCodeOperandKind.cl, Register.CL],
  [OpCodeOperandKind.ax, Register.AX],
  [OpCodeOperandKind.dx, Register.DX],
  [OpCodeOperandKind.eax, Register.EAX],
  [OpCodeOperandKind.rax, Register.RAX],
  [OpCodeOperandKind.es, Register.ES],
  [OpCodeOperandKind.cs, Register.CS],
  [OpCodeOperandKind.ss, Register.SS],
  [OpCodeOperandKind.ds, Register.DS],
  [OpCodeOperandKind.fs, Register.FS],
  [OpCodeOperandKind.gs, Register.GS],
]);

const isMemoryKind = (kind: OpCodeOperandKind): boolean => kind >= OpCodeOperandKind.mem_offs && kind <= OpCodeOperandKind.bnd_or_mem_mpx;

function tryEncode(asked: Asked, code: Code, address: bigint): Uint8Array | undefined {
  const shape = shapeOf(code);
  if (!shape || shape.length !== asked.operands.length) return undefined;
  if (!shape.every((kind, i) => suits(kind, asked.operands[i]))) return undefined;
  const instruction = new Instruction();
  const encoder = new Encoder(64);
  try {
    instruction.code = code;
    instruction.hasLockPrefix = asked.lock;
    instruction.hasRepPrefix = asked.repeat === 'rep';
    instruction.hasRepnePrefix = asked.repeat === 'repne';
    if (asked.notrack) instruction.segmentPrefix = Register.DS;
    let immediates = 0;
    for (const [i, operand] of asked.operands.entries()) {
      const kind = shape[i] ?? OpCodeOperandKind.None;
      if (operand.kind === 'register') {
        instruction.setOpKind(i, OpKind.Register);
        instruction.setOpRegister(i, operand.register);
      } else if (operand.kind === 'immediate') {
        const opKind = IMMEDIATES.get(kind);
        if (opKind === undefined) return undefined;
        instruction.setOpKind(i, immediates++ > 0 ? OpKind.Immediate8_2nd : opKind);
        instruction.setImmediateU64(i, BigInt.asUintN(64, operand.value));
      } else if (operand.kind === 'memory') setMemory(asked, operand, instruction, i, kind);
    }
    const relative = asked.operands.find((o) => o.kind === 'memory' && o.base === Register.RIP);
    if (relative?.kind === 'memory') {
      // iced takes the target; the length, and with it the next instruction, is known only after encoding it once with any target.
      instruction.memoryDisplacement = address;
      const length = encoder.encode(instruction, address);
      encoder.takeBuffer();
      instruction.memoryDisplacement = BigInt.asUintN(64, address + BigInt(length) + relative.displacement);
    }
    encoder.encode(instruction, address);
    return encoder.takeBuffer();
  } catch {
    // This form does not take these operands: the next one may.
    return undefined;
  } finally {
    instruction.free();
    encoder.free();
  }
}

function suits(kind: OpCodeOperandKind, operand: AskedOperand | undefined): boolean {
  if (operand?.kind === 'memory') return isMemoryKind(kind);
  if (operand?.kind === 'immediate') return IMMEDIATES.has(kind) && (kind !== OpCodeOperandKind.imm8_const_1 || operand.value === 1n);
  if (operand?.kind !== 'register' || IMMEDIATES.has(kind)) return false;
  if (isStack(operand.register))
    return kind === OpCodeOperandKind.sti_opcode || (kind === OpCodeOperandKind.st0 && operand.register === Register.ST0);
  const fixed = FIXED_REGISTERS.get(kind);
  return fixed === undefined || fixed === operand.register;
}

function setMemory(asked: Asked, m: AskedMemory, instruction: Instruction, i: number, kind: OpCodeOperandKind): void {
  instruction.setOpKind(i, OpKind.Memory);
  instruction.segmentPrefix = m.segment ?? Register.None;
  instruction.memoryBase = m.base ?? Register.None;
  instruction.memoryIndex = m.index ?? Register.None;
  instruction.memoryIndexScale = m.scale;
  const plain = m.base === undefined && m.index === undefined;
  if (kind === OpCodeOperandKind.mem_offs) {
    instruction.memoryDisplSize = 8;
    instruction.memoryDisplacement = BigInt.asUintN(64, m.displacement);
    return;
  }
  if (m.base === Register.RIP) {
    instruction.memoryDisplSize = 8;
    return;
  }
  const fitsByte = m.displacement >= -128n && m.displacement <= 127n;
  const size = asked.displacementBytes ?? (plain ? 4 : m.displacement === 0n ? 0 : fitsByte ? 1 : 4);
  instruction.memoryDisplSize = size === 4 ? 8 : size;
  instruction.memoryDisplacement = BigInt.asUintN(64, m.displacement);
}
