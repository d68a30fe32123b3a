import { Register } from 'iced-x86';
import type { BranchForm } from './asked.ts';
import { type Expression, parseExpression } from './expression.ts';
import { AsmFailure, type Place } from './failure.ts';
import type { TokenReader } from './lexer.ts';
import { isSegment, registerByName } from './registers.ts';
import type { TemplateOperand } from './template.ts';
import { stackName } from './x87.ts';

const SIZES: Readonly<Record<string, number>> = {
  byte: 8,
  word: 16,
  dword: 32,
  qword: 64,
  fword: 48,
  tbyte: 80,
  oword: 128,
  xmmword: 128,
  ymmword: 256,
};

/** Parses operands in Intel syntax as GNU as has it with `noprefix`: `dword ptr gs:[rax+rcx*4+8]`, `offset name`, `short label`. */
export function parseIntelOperands(reader: TokenReader, branch: boolean, form: BranchForm): TemplateOperand[] {
  const operands: TemplateOperand[] = [];
  if (reader.atEnd()) return operands;
  do operands.push(parseOperand(reader, branch, form));
  while (reader.accept(','));
  return operands;
}

function parseOperand(reader: TokenReader, branch: boolean, form: BranchForm): TemplateOperand {
  const { place } = reader.peek();
  let wanted = form;
  let size: number | undefined;
  if (branch && /^(?:short|near)$/i.test(reader.peek().text)) {
    wanted = reader.next().text.toLowerCase() === 'short' ? 'short' : 'near';
    if (/^ptr$/i.test(reader.peek().text)) reader.next();
  }
  const sized = SIZES[reader.peek().text.toLowerCase()];
  if (reader.peek().kind === 'name' && sized !== undefined) {
    reader.next();
    size = sized;
    if (/^ptr$/i.test(reader.peek().text)) reader.next();
  }
  if (/^offset$/i.test(reader.peek().text)) {
    reader.next();
    return { kind: 'immediate', expression: parseExpression(reader) };
  }
  const register = reader.peek().kind === 'name' ? registerByName(reader.peek().text) : undefined;
  if (register === Register.ST0) {
    const { text } = reader.next();
    const stacked = registerByName(stackName(reader, text));
    if (stacked === undefined) throw new AsmFailure('there is no such register', place, 'the x87 has st(0) to st(7)');
    return { kind: 'register', register: stacked };
  }
  if (register !== undefined) {
    reader.next();
    if (!(isSegment(register) && reader.accept(':'))) return { kind: 'register', register };
    if (reader.peek().text === '[') return parseMemory(reader, size, register, place);
    return {
      kind: 'memory',
      size,
      segment: register,
      base: undefined,
      index: undefined,
      scale: 1,
      displacement: parseExpression(reader),
      place,
    };
  }
  if (reader.peek().text === '[') return parseMemory(reader, size, undefined, place);
  const expression = parseExpression(reader);
  if (branch && size === undefined) return { kind: 'target', expression, form: wanted };
  if (hasSymbol(expression))
    throw new AsmFailure('a bare name may mean its address or what is there', place, 'write [name], [rip+name] or offset name');
  return { kind: 'immediate', expression };
}

const hasSymbol = (e: Expression): boolean =>
  e.kind === 'symbol' || (e.kind === 'unary' && hasSymbol(e.of)) || (e.kind === 'binary' && (hasSymbol(e.left) || hasSymbol(e.right)));

function parseMemory(reader: TokenReader, size: number | undefined, segment: Register | undefined, place: Place): TemplateOperand {
  reader.expect('[');
  let base: Register | undefined;
  let index: Register | undefined;
  let scale = 1;
  let displacement: Expression | undefined;
  const addIndex = (register: Register, by: bigint, at: Place): void => {
    if (index !== undefined) throw new AsmFailure('an address has one index', at, 'write [base+index*scale+displacement]');
    if (![1n, 2n, 4n, 8n].includes(by)) throw new AsmFailure('the scale is 1, 2, 4 or 8', at, 'write [rax+rcx*4]');
    index = register;
    scale = Number(by);
  };
  let sign = reader.accept('-') ? '-' : '+';
  for (;;) {
    const token = reader.peek();
    const register = token.kind === 'name' ? registerByName(token.text) : undefined;
    const scaled = token.kind === 'number' && reader.peek(1).text === '*' ? registerByName(reader.peek(2).text) : undefined;
    if ((register !== undefined || scaled !== undefined) && sign === '-')
      throw new AsmFailure('a register cannot be subtracted', token.place, 'addresses are sums');
    if (scaled !== undefined) {
      reader.position += 3;
      addIndex(scaled, token.value, token.place);
    } else if (register !== undefined) {
      reader.next();
      if (reader.accept('*')) addIndex(register, reader.next().value, token.place);
      else if (base === undefined) base = register;
      // RSP cannot be an index, so it becomes the base, as GNU as has it.
      else if (register === Register.RSP && scale === 1) {
        addIndex(base, 1n, token.place);
        base = register;
      } else addIndex(register, 1n, token.place);
    } else {
      const term = parseExpression(reader, 2);
      const signed: Expression = sign === '-' ? { kind: 'unary', operator: '-', of: term, place: token.place } : term;
      displacement =
        displacement === undefined ? signed : { kind: 'binary', operator: '+', left: displacement, right: signed, place: token.place };
    }
    if (reader.accept(']')) break;
    if (reader.accept('+')) sign = '+';
    else if (reader.accept('-')) sign = '-';
    else throw reader.unexpected('+, - or ]');
  }
  return { kind: 'memory', size, segment, base, index, scale, displacement, place };
}
