import type { Register } from 'iced-x86';
import { didYouMean } from '../../suggest.ts';
import type { BranchForm } from './asked.ts';
import type { Syntax } from './assembler.ts';
import { canonicalise } from './canonical.ts';
import { AsmFailure } from './failure.ts';
import type { Token, TokenReader } from './lexer.ts';
import { attMeaning, instructionNames, intelMeaning, isBranch, type Meaning } from './mnemonics.ts';
import { parseAttOperands } from './parse-att.ts';
import { parseIntelOperands } from './parse-intel.ts';
import { isVector, registerByName } from './registers.ts';
import type { Template, TemplateOperand } from './template.ts';
import { canonicalX87 } from './x87.ts';

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
  if (token.kind !== 'name')
    throw new AsmFailure(
      `expected an instruction, found '${token.text}'`,
      token.place,
      'a label ends with a colon; a prefix stands in one statement with its instruction',
    );
  const bare = token.text.toLowerCase();
  const written = bare.replace(/\.d(?:8|32)$/, '');
  const branchForm: BranchForm =
    bare.endsWith('.d8') || prefixes.displacementBytes === 1
      ? 'short'
      : bare.endsWith('.d32') || prefixes.displacementBytes === 4
        ? 'near'
        : 'any';
  const guess = meaningOf(written, syntax, 0, false);
  const unknown = (): AsmFailure =>
    new AsmFailure(
      `'${written}' is not an instruction`,
      token.place,
      didYouMean(written, instructionNames()) ?? 'see the instruction set reference of the SDM',
    );
  if (!guess && !meaningOf(written, syntax, 1, true)) throw unknown();
  const far = guess?.far === true;
  const branch = guess !== undefined && isBranch(guess.mnemonic) && !far;
  const operands = syntax === 'att' ? parseAttOperands(reader, branch, far, branchForm) : parseIntelOperands(reader, branch, branchForm);
  reader.expectEnd();
  const vector = operands.some((o) => o.kind === 'register' && isVector(o.register));
  const meaning = meaningOf(written, syntax, operands.length, vector);
  if (!meaning) throw unknown();
  if (bare !== written && !branch) throw new AsmFailure('.d8 and .d32 are for branches', token.place, 'write {disp8} or {disp32} in front');
  const sized = applySizes(meaning, syntax, withSegment(operands, prefixes.segment, token));
  const x87 = meaning.mnemonic.startsWith('f') ? canonicalX87(meaning.mnemonic, syntax, sized) : undefined;
  const { lock, notrack, repeat, displacementBytes } = prefixes;
  return {
    written,
    syntax,
    lock,
    notrack,
    displacementBytes,
    wide: meaning.wide ?? false,
    place: token.place,
    ...canonicalise(
      x87 === undefined ? meaning : { ...meaning, mnemonic: x87.mnemonic },
      written,
      repeat,
      x87?.operands ?? sized,
      token.place,
    ),
  };
}

const meaningOf = (name: string, syntax: Syntax, operands: number, vector: boolean): Meaning | undefined =>
  syntax === 'att' ? attMeaning(name, operands, vector) : intelMeaning(name);

function parsePrefixes(reader: TokenReader): Prefixes {
  const prefixes: Prefixes = { lock: false, repeat: 'none', notrack: false, segment: undefined, displacementBytes: undefined };
  for (;;) {
    const token = reader.peek();
    const name = token.text.toLowerCase();
    if (token.kind === 'punctuation' && token.text === '{') {
      reader.next();
      const option = reader.next();
      reader.expect('}');
      if (option.text !== 'disp8' && option.text !== 'disp32')
        throw new AsmFailure(`{${option.text}} is not supported`, option.place, 'only {disp8} and {disp32} are');
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
  // A far pointer is a 16-bit selector after an offset of the suffix's size.
  const size = meaning.far ? (meaning.size ?? 32) + 16 : (meaning.sourceSize ?? meaning.size);
  return operands.map((o) => (o.kind === 'memory' ? { ...o, size } : o));
}
