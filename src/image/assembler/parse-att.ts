import { Register } from 'iced-x86';
import type { BranchForm } from './asked.ts';
import { type Expression, parseExpression } from './expression.ts';
import { AsmFailure } from './failure.ts';
import type { TokenReader } from './lexer.ts';
import { isSegment, registerByName } from './registers.ts';
import type { TemplateOperand } from './template.ts';
import { stackName } from './x87.ts';

/** Parses AT&T operands (GNU as, "AT&T Syntax versus Intel Syntax") and returns them in Intel's order. */
export function parseAttOperands(reader: TokenReader, branch: boolean, far: boolean, form: BranchForm): TemplateOperand[] {
  const operands: TemplateOperand[] = [];
  if (reader.atEnd()) return operands;
  do operands.push(parseOperand(reader, branch, far, form));
  while (reader.accept(','));
  // ENTER alone keeps its order in both syntaxes, since its operands are both immediates.
  return operands.every((o) => o.kind === 'immediate') ? operands : operands.reverse();
}

function parseOperand(reader: TokenReader, branch: boolean, far: boolean, form: BranchForm): TemplateOperand {
  if (reader.accept('$')) return { kind: 'immediate', expression: parseExpression(reader) };
  const star = reader.peek();
  const indirect = reader.accept('*');
  if (indirect && !branch && !far) throw new AsmFailure('* has no meaning here', star.place, 'it marks indirect jumps and calls');
  if (reader.peek().text === '%' && reader.peek().kind === 'punctuation') {
    const register = parseRegister(reader);
    if (!(isSegment(register) && reader.accept(':'))) return { kind: 'register', register };
    return parseMemory(reader, register);
  }
  const memory = parseMemory(reader, undefined);
  if (memory.kind === 'memory' && branch && !indirect) {
    if (memory.displacement && memory.base === undefined && memory.index === undefined)
      return { kind: 'target', expression: memory.displacement, form };
    throw new AsmFailure('an indirect jump or call needs *', star.place, 'write *(%rax)');
  }
  return memory;
}

function parseRegister(reader: TokenReader): Register {
  const percent = reader.next();
  const token = reader.next();
  const register = token.kind === 'name' ? registerByName(stackName(reader, token.text)) : undefined;
  if (register === undefined)
    throw new AsmFailure(`%${token.text} is not a register`, percent.place, 'registers are %rax, %r8d, %cr3, %gs...');
  return register;
}

function parseMemory(reader: TokenReader, segment: Register | undefined): TemplateOperand {
  const { place } = reader.peek();
  let displacement: Expression | undefined;
  const opensAddress = (): boolean => reader.peek().text === '(' && (reader.peek(1).text === '%' || reader.peek(1).text === ',');
  if (!opensAddress()) displacement = parseExpression(reader);
  let base: Register | undefined;
  let index: Register | undefined;
  let scale = 1;
  if (opensAddress()) {
    reader.next();
    if (reader.peek().text === '%') base = parseRegister(reader);
    if (reader.accept(',')) {
      index = parseRegister(reader);
      if (reader.accept(',')) {
        const token = reader.next();
        scale = Number(token.value);
        if (token.kind !== 'number' || ![1, 2, 4, 8].includes(scale))
          throw new AsmFailure('the scale is 1, 2, 4 or 8', token.place, 'write (%rax,%rcx,4)');
      }
    }
    reader.expect(')');
    // `(%dx)` is how AT&T syntax writes the port of IN and OUT.
    if (base === Register.DX && index === undefined && displacement === undefined) return { kind: 'register', register: base };
  }
  // GNU as leaves out a prefix that names the segment an address has anyway.
  const stack = base === Register.RSP || base === Register.RBP || base === Register.ESP || base === Register.EBP;
  const usual = stack ? Register.SS : Register.DS;
  return { kind: 'memory', size: undefined, segment: segment === usual ? undefined : segment, base, index, scale, displacement, place };
}
