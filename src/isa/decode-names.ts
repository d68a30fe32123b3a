import { Code, type Instruction as Iced, Mnemonic, OpKind, Register } from 'iced-x86';
import type { Prefixes } from './decode-prefixes.ts';

/**
 * The mnemonic under which the semantics of a decoded instruction are kept: the manual's, lower-case, except where one name would stand
 * for different forms or several for one:
 *
 * | here | the manual |
 * |---|---|
 * | `movs` `cmps` `stos` `lods` `scas` `ins` `outs` | with the size in `Instruction.size` instead of a suffix |
 * | `movabs` | MOV between the accumulator and a 64-bit offset (A0 to A3): the address is an immediate operand |
 * | `mov_to_cr` `mov_from_cr` `mov_to_dr` `mov_from_dr` `mov_to_sreg` `pop_sreg` | MOV and POP of system registers; stores of selectors are `mov`, `push` |
 * | `pushf` `popf` `pusha` `popa` `iret` `sysret` `sysexit` | without a size suffix |
 * | `call_far` `jmp_far` | CALL and JMP to a far pointer, in memory or (16- and 32-bit code) in the instruction |
 * | `jrcxz` | also JECXZ and JCXZ: counts in `addressSize` |
 * | `xlat` | XLATB |
 */
export function mnemonicOf(iced: Iced, prefixes: Prefixes): string {
  const name = NAMES.get(iced.mnemonic) ?? Mnemonic[iced.mnemonic].toLowerCase();
  if (name === 'mov') return movName(iced);
  if (name === 'pop' && iced.opKind(0) === OpKind.Register && isSegment(iced.opRegister(0))) return 'pop_sreg';
  if (iced.isCallFarIndirect || iced.isJmpFarIndirect || iced.isCallFar || iced.isJmpFar) return `${name}_far`;
  // The last of F3 and F2 decides about ZF whatever the opcode says: as measured; the manual reserves these prefixes here.
  if (iced.isLoopcc && prefixes.repeat !== 'none') return prefixes.repeat === 'rep' ? 'loope' : 'loopne';
  if (iced.isStringInstruction) return name.slice(0, -1);
  return name;
}

const NAMES = new Map<Mnemonic, string>([
  [Mnemonic.Pushfq, 'pushf'],
  [Mnemonic.Pushfd, 'pushf'],
  [Mnemonic.Popfq, 'popf'],
  [Mnemonic.Popfd, 'popf'],
  [Mnemonic.Iretd, 'iret'],
  [Mnemonic.Iretq, 'iret'],
  [Mnemonic.Sysretq, 'sysret'],
  [Mnemonic.Sysexitq, 'sysexit'],
  [Mnemonic.Jecxz, 'jrcxz'],
  [Mnemonic.Jcxz, 'jrcxz'],
  [Mnemonic.Pushad, 'pusha'],
  [Mnemonic.Popad, 'popa'],
  [Mnemonic.Xlatb, 'xlat'],
  [Mnemonic.Sal, 'shl'],
]);

const MOFFS = new Set<Code>([
  Code.Mov_AL_moffs8,
  Code.Mov_AX_moffs16,
  Code.Mov_EAX_moffs32,
  Code.Mov_RAX_moffs64,
  Code.Mov_moffs8_AL,
  Code.Mov_moffs16_AX,
  Code.Mov_moffs32_EAX,
  Code.Mov_moffs64_RAX,
]);

function movName(iced: Iced): string {
  if (MOFFS.has(iced.code)) return 'movabs';
  const to = iced.opKind(0) === OpKind.Register ? iced.opRegister(0) : Register.None;
  const from = iced.opKind(1) === OpKind.Register ? iced.opRegister(1) : Register.None;
  if (isSegment(to)) return 'mov_to_sreg';
  if (isControl(to)) return 'mov_to_cr';
  if (isControl(from)) return 'mov_from_cr';
  if (isDebug(to)) return 'mov_to_dr';
  if (isDebug(from)) return 'mov_from_dr';
  return 'mov';
}

const isSegment = (r: Register): boolean => r >= Register.ES && r <= Register.GS;
const isControl = (r: Register): boolean => r >= Register.CR0 && r <= Register.CR15;
const isDebug = (r: Register): boolean => r >= Register.DR0 && r <= Register.DR15;
