import { type Instruction as Iced, MemorySize, MemorySizeExt, OpKind, Register } from 'iced-x86';
import { gprOffset, OFFSET, RSP, type StateWord, x87Offset, ymmOffset } from './core-state.ts';
import type { AddressForm, Operand, Size } from './instruction.ts';
import { LONG_MODE, type Mode } from './mode.ts';
import type { RecordFields } from './record.ts';
import { DS } from './segments.ts';

/** The operands of one instruction, split into what is static and what stands in the record. */
export interface OperandFields {
  readonly operands: readonly Operand[];
  readonly fields: RecordFields;
  readonly addressForm: AddressForm;
  /** Size of an element of a string instruction; undefined for all others. */
  readonly stringSize: Size | undefined;
  /** `Instruction.segment`. */
  readonly segment: number;
}

/**
 * Translates the operands. Four instructions differ from the manual's operand list, so that their semantics need no special case:
 * ENTER has one 32-bit immediate (frame size in the low half, nesting level above); a shift by an immediate has its count already
 * masked, and none at all when it is 0; POP to memory has a second operand, by how much a base of RSP has moved when the address is
 * formed; a gather has its vector of indexes as its last operand; MOV to and from CR and DR keep the register's number in the immediate field. Branches have no operand: the displacement is
 * the record's immediate. A far pointer in the instruction is one immediate: the offset in the low half, the selector above. String instructions and XLAT have none either. The immediate of an x87 instruction is its opcode
 * (`decode.ts`).
 */
export function operandsOf(iced: Iced, mnemonic: string, length: number, mode: Mode): OperandFields | 'invalid' | 'unimplemented' {
  const operands: Operand[] = [];
  const registers: [number, number, number] = [OFFSET.zero, OFFSET.zero, OFFSET.zero];
  const memory = { scale: 0, stackSegment: false, base: OFFSET.zero, index: OFFSET.zero, displacement: 0, segment: OFFSET.zero };
  let addressForm: AddressForm = 'none';
  let stringSize: Size | undefined;
  let immediate = 0n;
  let slot = 0;
  let indexOperand: Operand | undefined;

  for (let n = 0; n < iced.opCount; n++) {
    const kind = iced.opKind(n);
    if (kind === OpKind.Register) {
      const vector = vectorOf(iced.opRegister(n));
      if (vector !== undefined) {
        // The fourth register of an instruction is in its immediate.
        if (slot === 3) immediate = BigInt(vector.offset);
        else registers[slot] = vector.offset;
        operands.push({ kind: 'vector', size: vector.size, slot: slotNumber(slot++) });
        continue;
      }
      if (iced.opRegister(n) >= Register.ST0 && iced.opRegister(n) <= Register.ST7) {
        operands.push({ kind: 'x87', size: 80, index: iced.opRegister(n) - Register.ST0 });
        continue;
      }
      const register = registerOf(iced.opRegister(n));
      if (typeof register === 'string') return register;
      if (register.number !== undefined) immediate = BigInt(register.number);
      registers[slot] = register.offset;
      operands.push({ kind: 'register', size: register.size, slot: slotNumber(slot++) as 0 | 1 | 2 });
    } else if (kind === OpKind.Memory) {
      if (mnemonic === 'xlat') {
        memory.segment = segmentOf(iced);
      } else if (mnemonic === 'movabs') {
        immediate = iced.memoryDisplacement;
        memory.segment = segmentOf(iced);
        operands.push({ kind: 'immediate', size: 64 });
      } else {
        addressForm = 'general';
        const vectorIndex = vectorOf(iced.memoryIndex);
        if (vectorIndex === undefined && isVector(iced.memoryIndex)) return 'unimplemented';
        Object.assign(memory, memoryFields(iced));
        operands.push({ kind: 'memory', size: memorySize(iced) });
        if (vectorIndex !== undefined) {
          // The third register field is free: a gather has two others.
          registers[2] = vectorIndex.offset;
          indexOperand = { kind: 'vector', size: vectorIndex.size, slot: 2 };
        }
      }
    } else if (isStringMemory(kind) && mnemonic.includes('maskmov')) {
      // Where it stores is in no operand: DS:RDI, or another segment.
      memory.segment = segmentOf(iced);
    } else if (isStringMemory(kind)) {
      stringSize = memorySize(iced);
      memory.segment = segmentOf(iced);
    } else if (kind === OpKind.NearBranch64) {
      immediate = iced.nearBranch64 - BigInt(iced.length);
    } else if (kind === OpKind.NearBranch16 || kind === OpKind.NearBranch32) {
      if (mode === LONG_MODE) return 'unimplemented';
      immediate = BigInt.asIntN(kind === OpKind.NearBranch16 ? 16 : 32, iced.nearBranchTarget - BigInt(iced.length));
    } else if (kind === OpKind.FarBranch16 || kind === OpKind.FarBranch32) {
      const offset = kind === OpKind.FarBranch16 ? iced.farBranch16 : iced.farBranch32;
      immediate = (BigInt(iced.farBranchSelector) << 32n) | BigInt(offset);
      operands.push({ kind: 'immediate', size: 64 });
    } else if (kind === OpKind.Immediate8_2nd) {
      immediate |= (iced.immediate(n) & 0xffn) << 16n;
      operands[operands.length - 1] = { kind: 'immediate', size: 32 };
    } else {
      immediate = iced.immediate(n);
      operands.push({ kind: 'immediate', size: immediateSize(kind) });
    }
  }

  if (indexOperand !== undefined) operands.push(indexOperand);
  if (SHIFTS.has(mnemonic) && operands.at(-1)?.kind === 'immediate') {
    immediate &= operands[0]!.size === 64 ? 63n : 31n;
    if (immediate === 0n) operands.pop();
  }
  if (mnemonic === 'pop' && addressForm !== 'none') {
    if (memory.base === gprOffset(RSP)) immediate = BigInt(operands[0]!.size / 8);
    operands.push({ kind: 'immediate', size: 64 });
  }
  if (stringSize !== undefined || mnemonic === 'xlat') operands.length = 0;
  // Other code has the base in its record: it does not show in the form.
  const segment = mode === LONG_MODE || iced.memorySegment < Register.ES ? DS : iced.memorySegment - Register.ES;
  if (mode !== LONG_MODE) memory.segment = OFFSET.zero;
  return { operands, fields: { length, registers, immediate, ...memory }, addressForm, stringSize, segment };
}

const SHIFTS = new Set(['shl', 'shr', 'sar', 'rol', 'ror', 'rcl', 'rcr', 'shld', 'shrd']);

const slotNumber = (n: number): 0 | 1 | 2 | 3 => (n === 0 ? 0 : n === 1 ? 1 : n === 2 ? 2 : 3);

type RegisterField = { readonly offset: number; readonly size: Size; readonly number?: number };

const SEGMENTS: readonly StateWord[] = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];
const CONTROL: Readonly<Record<number, StateWord>> = { 0: 'cr0', 2: 'cr2', 3: 'cr3', 4: 'cr4', 8: 'cr8' };
const DEBUG: readonly StateWord[] = ['dr0', 'dr1', 'dr2', 'dr3', 'dr6', 'dr7', 'dr6', 'dr7'];

/** CR1, CR5 to CR7, CR9 up and DR8 up are #UD; DR4 and DR5 are DR6 and DR7 (unless CR4.DE: `number` tells). */
function registerOf(r: Register): RegisterField | 'invalid' | 'unimplemented' {
  const general = generalRegister(r);
  if (general !== undefined) return general;
  if (r >= Register.ES && r <= Register.GS) return { offset: OFFSET[SEGMENTS[r - Register.ES]!], size: 16, number: r - Register.ES };
  if (r >= Register.CR0 && r <= Register.CR15) return systemRegister(CONTROL[r - Register.CR0], r - Register.CR0);
  if (r >= Register.DR0 && r <= Register.DR15) return systemRegister(DEBUG[r - Register.DR0], r - Register.DR0);
  return 'unimplemented';
}

const systemRegister = (word: StateWord | undefined, number: number): RegisterField | 'invalid' =>
  word === undefined ? 'invalid' : { offset: OFFSET[word], size: 64, number };

function generalRegister(r: Register): RegisterField | undefined {
  if (r >= Register.AL && r <= Register.BL) return { offset: gprOffset(r - Register.AL), size: 8 };
  if (r >= Register.AH && r <= Register.BH) return { offset: gprOffset(r - Register.AH) + 1, size: 8 };
  if (r >= Register.SPL && r <= Register.R15L) return { offset: gprOffset(r - Register.SPL + 4), size: 8 };
  if (r >= Register.AX && r <= Register.R15W) return { offset: gprOffset(r - Register.AX), size: 16 };
  if (r >= Register.EAX && r <= Register.R15D) return { offset: gprOffset(r - Register.EAX), size: 32 };
  if (r >= Register.RAX && r <= Register.R15) return { offset: gprOffset(r - Register.RAX), size: 64 };
  return undefined;
}

function vectorOf(r: Register): { readonly offset: number; readonly size: 64 | 128 | 256 } | undefined {
  if (r >= Register.XMM0 && r <= Register.XMM15) return { offset: ymmOffset(r - Register.XMM0), size: 128 };
  if (r >= Register.YMM0 && r <= Register.YMM15) return { offset: ymmOffset(r - Register.YMM0), size: 256 };
  if (r >= Register.MM0 && r <= Register.MM7) return { offset: x87Offset(r - Register.MM0), size: 64 };
  return undefined;
}

const isVector = (r: Register): boolean => r >= Register.XMM0 && r <= Register.ZMM31;

function addressRegister(r: Register): number {
  if (r === Register.None) return OFFSET.zero;
  if (r === Register.RIP || r === Register.EIP) return OFFSET.rip;
  return generalRegister(r)?.offset ?? OFFSET.zero;
}

function memoryFields(iced: Iced) {
  const base = addressRegister(iced.memoryBase);
  const segment = segmentOf(iced);
  const wide = iced.memoryBase !== Register.EIP && iced.memoryDisplSize === 8;
  return {
    scale: Math.log2(iced.memoryIndexScale),
    // SDM Vol. 1, "Segmentation in 64-Bit Mode": addresses through RSP and RBP are stack references unless FS or GS is named.
    stackSegment: segment === OFFSET.zero && (base === gprOffset(4) || base === gprOffset(5)),
    base,
    index: addressRegister(iced.memoryIndex),
    displacement: Number(BigInt.asIntN(wide ? 64 : 32, iced.memoryDisplacement)),
    segment,
  };
}

function segmentOf(iced: Iced): number {
  const segment = iced.memorySegment;
  return segment === Register.FS ? OFFSET.fsBase : segment === Register.GS ? OFFSET.gsBase : OFFSET.zero;
}

/** Sizes that are not a `Size` (an address alone, a descriptor of 10 bytes) are for `system()` and LEA, which do not look. */
function memorySize(iced: Iced): Size {
  // FNSTENV, FNSAVE: the operand size decides how the state is laid out.
  if (iced.memorySize === MemorySize.FpuEnv14 || iced.memorySize === MemorySize.FpuState94) return 16;
  if (iced.memorySize === MemorySize.FpuEnv28 || iced.memorySize === MemorySize.FpuState108) return 32;
  const bits = MemorySizeExt.size(iced.memorySize) * 8;
  return bits === 8 || bits === 16 || bits === 32 || bits === 80 || bits === 128 || bits === 256 ? bits : 64;
}

const isStringMemory = (kind: OpKind): boolean => kind >= OpKind.MemorySegSI && kind <= OpKind.MemoryESRDI;

function immediateSize(kind: OpKind): Size {
  switch (kind) {
    case OpKind.Immediate8:
      return 8;
    case OpKind.Immediate16:
    case OpKind.Immediate8to16:
      return 16;
    case OpKind.Immediate32:
    case OpKind.Immediate8to32:
      return 32;
    default:
      return 64;
  }
}
