import { didYouMean } from '../../suggest.ts';
import { type Expression, parseExpression } from './expression.ts';
import { AsmFailure } from './failure.ts';
import type { Token, TokenReader } from './lexer.ts';
import type { Statement } from './statements.ts';

const DATA_SIZES: Readonly<Record<string, 1 | 2 | 4 | 8>> = {
  '.byte': 1,
  '.2byte': 2,
  '.word': 2,
  '.short': 2,
  '.value': 2,
  '.hword': 2,
  '.4byte': 4,
  '.long': 4,
  '.int': 4,
  '.8byte': 8,
  '.quad': 8,
};
/** What a linker or a debugger reads, and what changes no byte here. */
const IGNORED = new Set(['.globl', '.global', '.local', '.weak', '.hidden', '.type', '.size', '.file', '.ident', '.code64', '.text']);
const OTHERS = [
  '.ascii',
  '.asciz',
  '.string',
  '.align',
  '.balign',
  '.p2align',
  '.skip',
  '.space',
  '.zero',
  '.fill',
  '.nops',
  '.org',
  '.set',
  '.equ',
  '.rept',
  '.endr',
  '.att_syntax',
  '.intel_syntax',
  '.section',
];

/** Parses a directive (GNU as, "Assembler Directives") whose name is `token`. `.rept` and the syntax switches belong to the caller. */
export function parseDirective(token: Token, reader: TokenReader): Statement[] {
  const name = token.text.toLowerCase();
  const { place } = token;
  const size = DATA_SIZES[name];
  const statements =
    size !== undefined ? [{ kind: 'data', size, items: parseList(reader), place } as const] : parseOther(name, token, reader);
  if (!IGNORED.has(name)) reader.expectEnd();
  return statements;
}

function parseOther(name: string, token: Token, reader: TokenReader): Statement[] {
  const { place } = token;
  const zero: Expression = { kind: 'number', value: 0n, place };
  const optional = (): Expression | undefined =>
    reader.accept(',') && reader.peek().text !== ',' && !reader.atEnd() ? parseExpression(reader) : undefined;
  if (IGNORED.has(name)) return [];
  switch (name) {
    case '.ascii':
    case '.asciz':
    case '.string':
      return [{ kind: 'bytes', bytes: parseStrings(reader, name !== '.ascii'), place }];
    case '.align':
    case '.balign':
    case '.p2align': {
      const to = parseExpression(reader);
      const value = optional();
      return [{ kind: 'align', power: name === '.p2align', to, value, atMost: optional(), place }];
    }
    case '.skip':
    case '.space':
    case '.zero': {
      const count = parseExpression(reader);
      return [{ kind: 'fill', count, size: 1, value: optional() ?? zero, place }];
    }
    case '.fill': {
      const count = parseExpression(reader);
      const size = optional();
      if (size && (size.kind !== 'number' || size.value < 1n || size.value > 8n))
        throw new AsmFailure('the size of .fill is 1 to 8', size.place, 'write .fill count, size, value');
      return [{ kind: 'fill', count, size: size?.kind === 'number' ? Number(size.value) : 1, value: optional() ?? zero, place }];
    }
    case '.nops':
      return [{ kind: 'nops', count: parseExpression(reader), place }];
    case '.org': {
      const to = parseExpression(reader);
      return [{ kind: 'org', to, value: optional(), place }];
    }
    case '.set':
    case '.equ': {
      const symbol = reader.next();
      if (symbol.kind !== 'name') throw new AsmFailure('expected a name', symbol.place, 'write .set name, value');
      reader.expect(',');
      return [{ kind: 'set', name: symbol.text, expression: parseExpression(reader), place: symbol.place }];
    }
    case '.section': {
      const section = reader.next();
      if (section.text !== '.text' && new TextDecoder().decode(Uint8Array.from(section.bytes)) !== '.text') {
        throw new AsmFailure(
          `there is one section, .text: '${section.text}' cannot be placed`,
          section.place,
          'put the data after the code, with .align',
        );
      }
      while (!reader.atEnd()) reader.next();
      return [];
    }
    case '.code16':
    case '.code16gcc':
    case '.code32':
      throw new AsmFailure(
        `${name}: 64-bit code alone is assembled here`,
        place,
        'GNU as makes the other sizes; textpoke dis --bits reads them',
      );
    default: {
      const hint = didYouMean(name, [...Object.keys(DATA_SIZES), ...OTHERS, ...IGNORED]);
      throw new AsmFailure(
        `${name} is not a directive here`,
        place,
        hint ?? `there are ${Object.keys(DATA_SIZES).join(' ')} ${OTHERS.join(' ')}`,
      );
    }
  }
}

function parseList(reader: TokenReader): Expression[] {
  const items: Expression[] = [];
  if (reader.atEnd()) return items;
  do items.push(parseExpression(reader));
  while (reader.accept(','));
  return items;
}

function parseStrings(reader: TokenReader, terminate: boolean): number[] {
  const bytes: number[] = [];
  if (reader.atEnd()) return bytes;
  do {
    if (reader.peek().kind !== 'string') throw reader.unexpected('a string');
    while (reader.peek().kind === 'string') bytes.push(...reader.next().bytes);
    if (terminate) bytes.push(0);
  } while (reader.accept(','));
  return bytes;
}
