import { Register, RegisterExt } from 'iced-x86';
import { AsmFailure, type Place } from './failure.ts';
import type { Meaning } from './mnemonics.ts';
import { isString } from './mnemonics.ts';
import { generalSize, isSegment, isVector, registerName } from './registers.ts';
import type { Template, TemplateOperand } from './template.ts';

type Canonical = Pick<Template, 'mnemonic' | 'size' | 'repeat' | 'operands'>;

/**
 * Brings the ways to write one instruction to the one that the decoder shows, so that the guard can compare: implied operands made
 * explicit, symmetric operands in the manual's order, registers whose width does not matter at one width.
 */
export function canonicalise(
  meaning: Meaning,
  written: string,
  repeat: Template['repeat'],
  given: readonly TemplateOperand[],
  place: Place,
): Canonical {
  checkSuffix(meaning, written, given, place);
  const { mnemonic, size } = meaning;
  const same = { mnemonic, size, repeat };
  const [first, second] = given;
  if (repeat !== 'none' && !isString(mnemonic) && mnemonic !== 'ret' && !(mnemonic === 'nop' && repeat === 'rep' && given.length === 0)) {
    throw new AsmFailure(`${written} takes no repeat prefix`, place, 'REP is for string instructions, and for rep ret and rep nop');
  }
  if (isString(mnemonic) && given.length > 0 && !given.some((o) => o.kind === 'register' && isVector(o.register))) {
    throw new AsmFailure('string instructions take no operands here', place, 'write them bare: rep movsb');
  }
  if (mnemonic === 'bswap' && first?.kind === 'register' && generalSize(first.register) === 16) {
    throw new AsmFailure('BSWAP of 16 bits has no defined result', place, 'use ror $8');
  }
  if (mnemonic === 'nop' && repeat === 'rep' && given.length === 0) return { mnemonic: 'pause', size, repeat: 'none', operands: [] };
  if (mnemonic === 'int' && first?.kind === 'immediate' && first.expression.kind === 'number' && first.expression.value === 3n) {
    return { ...same, mnemonic: 'int3', operands: [] };
  }
  if (mnemonic === 'xchg' && first?.kind === 'register' && second?.kind === 'register') {
    // Exchanging the accumulator with itself is NOP by its encoding, and so is plain 90 (SDM Vol. 2, XCHG and NOP).
    if (first.register === second.register && first.register === Register.AX) return { ...same, mnemonic: 'nop', size: 16, operands: [] };
    if (first.register === second.register && first.register === Register.RAX)
      return { ...same, mnemonic: 'nop', size: undefined, operands: [] };
    if (ACCUMULATORS.has(first.register)) return { ...same, operands: [second, first] };
  }
  // GNU as takes both orders of the symmetric pair with memory; the manual has memory first.
  if ((mnemonic === 'test' || mnemonic === 'xchg') && first?.kind === 'register' && second?.kind === 'memory')
    return { ...same, operands: [second, first] };
  // An IMUL of two operands is one of three with the register twice, a shift without a count is by one.
  if (mnemonic === 'imul' && given.length === 2 && second?.kind === 'immediate' && first)
    return { ...same, operands: [first, first, second] };
  if (/^(?:shl|shr|sar|rol|ror|rcl|rcr)$/.test(mnemonic) && given.length === 1 && first) {
    return { ...same, operands: [first, { kind: 'immediate', expression: { kind: 'number', value: 1n, place } }] };
  }
  if (mnemonic === 'movsx' && first?.kind === 'register' && second && bitsOf(second) === 32)
    return { ...same, mnemonic: 'movsxd', operands: given };
  return { ...same, operands: given.map((o, i) => widen(mnemonic, o, i, given)) };
}

const ACCUMULATORS = new Set<Register>([Register.AX, Register.EAX, Register.RAX]);
const bitsOf = (o: TemplateOperand): number | undefined =>
  o.kind === 'memory' ? o.size : o.kind === 'register' ? generalSize(o.register) : undefined;

/**
 * Selectors are read from the low 16 bits of a register of any width, and GNU as leaves the size prefix out; the decoder then shows the
 * register at 32 bits (SDM Vol. 2, MOV, LLDT, LTR, LMSW, VERR, LAR, LSL).
 */
function widen(mnemonic: string, o: TemplateOperand, i: number, all: readonly TemplateOperand[]): TemplateOperand {
  if (o.kind !== 'register' || generalSize(o.register) === undefined) return o;
  const [first, second] = all;
  // A selector that is stored to a register of 64 bits is zero-extended there by the form of 32 bits.
  const zeroExtended = /^(?:sldt|str)$/.test(mnemonic) && generalSize(o.register) === 64;
  const stored =
    mnemonic === 'mov' && i === 0 && second?.kind === 'register' && isSegment(second.register) && generalSize(o.register) === 64;
  const selector =
    zeroExtended ||
    stored ||
    /^(?:lldt|ltr|lmsw|verr|verw)$/.test(mnemonic) ||
    (mnemonic === 'mov' && i === 1 && first?.kind === 'register' && isSegment(first.register)) ||
    (/^(?:lar|lsl)$/.test(mnemonic) && i === 1 && first?.kind === 'register' && generalSize(first.register) === 32);
  if (/^(?:lar|lsl)$/.test(mnemonic) && i === 1 && first?.kind === 'register' && generalSize(first.register) === 64) {
    return { kind: 'register', register: RegisterExt.fullRegister(o.register) };
  }
  return selector && generalSize(o.register) !== 8 ? { kind: 'register', register: RegisterExt.fullRegister32(o.register) } : o;
}

/** Refuses an AT&T suffix that contradicts a register: `addl %rax,%rbx`. */
function checkSuffix(meaning: Meaning, written: string, operands: readonly TemplateOperand[], place: Place): void {
  const { mnemonic, size, sourceSize } = meaning;
  if (size !== undefined && /^(?:int$|prefetch|cl(?:flush|wb|demote))/.test(mnemonic))
    throw new AsmFailure(`${written} takes no suffix`, place, `write ${mnemonic}`);
  for (const [i, o] of operands.entries()) {
    const bits = o.kind === 'register' ? generalSize(o.register) : undefined;
    if (o.kind !== 'register' || bits === undefined) continue;
    const wanted = i === 1 && sourceSize !== undefined ? sourceSize : size;
    if (wanted === undefined || bits === wanted) continue;
    // CL counts shifts, DX is a port, CRC32's suffix is of its source; selectors are 16 bits wherever they are.
    const counts = o.register === Register.CL && i > 0 && /^(?:sh[lr]d?|sar|ro[lr]|rc[lr])$/.test(mnemonic);
    const port = o.register === Register.DX && (mnemonic === 'in' || mnemonic === 'out');
    const selector = i === 1 && /^(?:lar|lsl)$/.test(mnemonic);
    if (counts || port || selector || (mnemonic === 'crc32' && i === 0)) continue;
    throw new AsmFailure(
      `the suffix of ${written} says ${wanted} bits, %${registerName(o.register)} has ${bits}`,
      place,
      'leave the suffix out, or use the register of that size',
    );
  }
}
