import { Register } from 'iced-x86';
import { nearestName } from '../did-you-mean.ts';
import type { BranchForm } from './asked.ts';
import type { Syntax } from './assembler.ts';
import { AsmFailure } from './failure.ts';
import type { Token, TokenReader } from './lexer.ts';
import { attMeaning, instructionNames, intelMeaning, isBranch, isString, type Meaning } from './mnemonics.ts';
import { parseAttOperands } from './parse-att.ts';
import { parseIntelOperands } from './parse-intel.ts';
import { generalSize, isVector, registerByName } from './registers.ts';
import type { Template, TemplateOperand } from './template.ts';

const SEGMENTS = new Set(['cs', 'ds', 'es', 'ss', 'fs', 'gs']);

interface Prefixes {
  lock: boolean;
  repeat: 'none' | 'rep' | 'repne';
  notrack: boolean;
  segment: Register | undefined;
  displacementBytes: 1 | 4 | undefined;
}

/** Parses a statement that is an instruction, prefixes included. */
export function parseInstruction(reader: TokenReader, syntax: Syntax): Template {
  const prefixes = parsePrefixes(reader);
  const token = reader.next();
  if (token.kind !== 'name') throw new AsmFailure(`expected an instruction, found '${token.text}'`, token.place, 'labels end with a colon');
  const bare = token.text.toLowerCase();
  const written = bare.replace(/\.d(?:8|32)$/, '');
  const branchForm: BranchForm = bare.endsWith('.d8') || prefixes.displacementBytes === 1 ? 'short' : bare.endsWith('.d32') || prefixes.displacementBytes === 4 ? 'near' : 'any';
  const guess = meaningOf(written, syntax, false);
  const branch = guess !== undefined && isBranch(guess.mnemonic) && !guess.far;
  const operands = syntax === 'att' ? parseAttOperands(reader, branch, branchForm) : parseIntelOperands(reader, branch, branchForm);
  reader.expectEnd();
  const meaning = meaningOf(written, syntax, operands.some((o) => o.kind === 'register' && isVector(o.register)));
  if (!meaning) {
    const near = nearestName(written, instructionNames());
    throw new AsmFailure(`'${written}' is not an instruction`, token.place, near === undefined ? 'see the instruction set reference of the SDM' : `did you mean '${near}'?`);
  }
  if (bare !== written && !branch) throw new AsmFailure('.d8 and .d32 are for branches', token.place, 'write {disp8} or {disp32} in front');
  return finish(meaning, written, syntax, prefixes, applySizes(meaning, syntax, withSegment(operands, prefixes.segment, token)), token);
}

const meaningOf = (name: string, syntax: Syntax, vector: boolean): Meaning | undefined => (syntax === 'att' ? attMeaning(name, vector) : intelMeaning(name));

function parsePrefixes(reader: TokenReader): Prefixes {
  const prefixes: Prefixes = { lock: false, repeat: 'none', notrack: false, segment: undefined, displacementBytes: undefined };
  for (;;) {
    const token = reader.peek();
    const name = token.text.toLowerCase();
    if (token.kind === 'punctuation' && token.text === '{') {
      reader.next();
      const option = reader.next();
      reader.expect('}');
      if (option.text !== 'disp8' && option.text !== 'disp32') throw new AsmFailure(`{${option.text}} is not supported`, option.place, 'only {disp8} and {disp32} are');
      prefixes.displacementBytes = option.text === 'disp8' ? 1 : 4;
    } else if (name === 'lock') {
      reader.next();
      prefixes.lock = true;
    } else if (name === 'notrack') {
      reader.next();
      prefixes.notrack = true;
    } else if (/^rep(?:e|z|ne|nz)?$/.test(name)) {
      reader.next();
      prefixes.repeat = name === 'repne' || name === 'repnz' ? 'repne' : 'rep';
    } else if (SEGMENTS.has(name) && reader.peek(1).kind === 'name') {
      reader.next();
      prefixes.segment = registerByName(name);
    } else return prefixes;
  }
}

/** A segment prefix written in front belongs to the memory operand. */
function withSegment(operands: readonly TemplateOperand[], segment: Register | undefined, token: Token): TemplateOperand[] {
  if (segment === undefined) return [...operands];
  if (!operands.some((o) => o.kind === 'memory' && o.segment === undefined)) {
    throw new AsmFailure('a segment prefix needs a memory operand without one', token.place, 'write the segment in the operand');
  }
  return operands.map((o) => (o.kind === 'memory' ? { ...o, segment } : o));
}

/** Puts the sizes that an AT&T suffix means on memory operands. */
function applySizes(meaning: Meaning, syntax: Syntax, operands: readonly TemplateOperand[]): TemplateOperand[] {
  if (syntax === 'intel') return [...operands];
  const size = meaning.sourceSize ?? (meaning.far ? undefined : meaning.size);
  return operands.map((o) => (o.kind === 'memory' ? { ...o, size } : o));
}

function finish(meaning: Meaning, written: string, syntax: Syntax, prefixes: Prefixes, operands: TemplateOperand[], token: Token): Template {
  let { mnemonic } = meaning;
  let { size } = meaning;
  let { repeat } = prefixes;
  const [first, second] = operands;
  const isRegister = (o: TemplateOperand | undefined, register: Register): boolean => o?.kind === 'register' && o.register === register;
  if (mnemonic === 'nop' && repeat === 'rep' && operands.length === 0) {
    mnemonic = 'pause';
    repeat = 'none';
  }
  // Exchanging a register of 16 or 64 bits with itself is NOP by its encoding (SDM Vol. 2, XCHG and NOP).
  if (mnemonic === 'xchg' && operands.length === 2 && first?.kind === 'register') {
    if (isRegister(first, Register.AX) && isRegister(second, Register.AX)) [mnemonic, size, operands] = ['nop', 16, []];
    else if (isRegister(first, Register.RAX) && isRegister(second, Register.RAX)) [mnemonic, size, operands] = ['nop', 64, []];
  }
  if (mnemonic === 'int' && first?.kind === 'immediate' && first.expression.kind === 'number' && first.expression.value === 3n) [mnemonic, operands] = ['int3', []];
  // Moves into a register of the same value under another name: a two-operand IMUL is three, a shift without a count is by one.
  if (mnemonic === 'imul' && operands.length === 2 && second?.kind === 'immediate' && first) operands = [first, first, second];
  if (/^(?:shl|shr|sar|rol|ror|rcl|rcr)$/.test(mnemonic) && operands.length === 1 && first) {
    operands = [first, { kind: 'immediate', expression: { kind: 'number', value: 1n, place: token.place } }];
  }
  // GNU as takes both orders of the symmetric pair with memory; the manual has memory first.
  if ((mnemonic === 'test' || mnemonic === 'xchg') && operands.length === 2 && first?.kind === 'register' && second?.kind === 'memory') operands = [second, first];
  if (isString(mnemonic) && repeat === 'rep' && operands.length > 0 && !operands.some((o) => o.kind === 'register' && isVector(o.register))) {
    throw new AsmFailure('string instructions take no operands here', token.place, 'write them bare: rep movsb');
  }
  if (mnemonic === 'movsx' && size === undefined && syntax === 'intel' && first?.kind === 'register' && second && sizeOf(second) === 32) mnemonic = 'movsxd';
  return {
    mnemonic, written, syntax, repeat, size, operands,
    lock: prefixes.lock, notrack: prefixes.notrack, wide: meaning.wide ?? false, displacementBytes: prefixes.displacementBytes, place: token.place,
  };
}

const sizeOf = (o: TemplateOperand): number | undefined => (o.kind === 'memory' ? o.size : o.kind === 'register' ? generalSize(o.register) : undefined);
