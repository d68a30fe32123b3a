import type { Syntax } from './assembler.ts';
import { parseDirective } from './directives.ts';
import { evaluate, parseExpression } from './expression.ts';
import { AsmFailure } from './failure.ts';
import { TokenReader, tokenize } from './lexer.ts';
import { parseInstruction } from './parse-instruction.ts';
import { type RawStatement, splitStatements } from './split.ts';
import type { Statement } from './statements.ts';

/** More statements than this after `.rept` is a slip. */
const MOST_STATEMENTS = 1_000_000;
const LABEL = /^(?:([A-Za-z_.][\w.$@]*)|(\d+))\s*:(?!:)/;

/** Parses source text into statements, with `.rept` blocks written out. Both syntaxes, directives and labels. */
export function parseSource(source: string, syntax: Syntax): Statement[] {
  const parser = new SourceParser(syntax);
  const raw = splitStatements(source);
  const end = parser.block(raw, 0, undefined);
  const extra = raw[end];
  if (extra) throw new AsmFailure('.endr without .rept', extra.place, 'remove it');
  return parser.statements;
}

class SourceParser {
  readonly statements: Statement[] = [];
  readonly #constants = new Map<string, bigint>();
  #syntax: Syntax;

  constructor(syntax: Syntax) {
    this.#syntax = syntax;
  }

  /** Parses from statement `at` to the end, or to the `.endr` of `open`; returns where it stopped. */
  block(raw: readonly RawStatement[], at: number, open: RawStatement | undefined): number {
    for (let i = at; i < raw.length; i++) {
      const whole = raw[i];
      if (!whole) break;
      const statement = this.#labels(whole);
      const word = /^\.\w+/.exec(statement.text)?.[0].toLowerCase();
      if (word === '.endr') return i;
      if (word === '.rept') i = this.#repeat(raw, i, statement);
      else if (statement.text !== '') this.#statement(statement);
      if (this.statements.length > MOST_STATEMENTS)
        throw new AsmFailure(`more than ${MOST_STATEMENTS} statements`, statement.place, 'make the .rept smaller');
    }
    if (open) throw new AsmFailure('.rept without .endr', open.place, 'close it with .endr');
    return raw.length;
  }

  /** Takes the labels off the front of a statement. */
  #labels({ text, place }: RawStatement): RawStatement {
    let rest = text;
    let { column } = place;
    for (let label = LABEL.exec(rest); label; label = LABEL.exec(rest)) {
      const here = { line: place.line, column };
      if (label[2] !== undefined) this.statements.push({ kind: 'numericLabel', number: label[2], place: here });
      else this.statements.push({ kind: 'label', name: label[1] ?? '', place: here });
      const skipped = label[0].length + (/^\s*/.exec(rest.slice(label[0].length))?.[0].length ?? 0);
      rest = rest.slice(skipped);
      column += skipped;
    }
    return { text: rest, place: { line: place.line, column } };
  }

  #repeat(raw: readonly RawStatement[], at: number, statement: RawStatement): number {
    const reader = new TokenReader(tokenize(statement.text, statement.place));
    reader.next();
    const expression = parseExpression(reader);
    reader.expectEnd();
    const { value } = evaluate(expression, (name, place) => {
      const known = this.#constants.get(name);
      if (known === undefined)
        throw new AsmFailure(`${name} is not a number that is known here`, place, '.rept needs a number, or a name .set before it');
      return { value: known, kind: 'number' };
    });
    if (value < 0n || value > BigInt(MOST_STATEMENTS))
      throw new AsmFailure(`a count of ${value} is out of range`, expression.place, `0 to ${MOST_STATEMENTS}`);
    // With a count of zero the block is still parsed, so that its end is found and its errors are seen.
    let end = raw.length;
    const before = this.statements.length;
    for (let n = 0n; n < (value === 0n ? 1n : value); n++) end = this.block(raw, at + 1, statement);
    if (value === 0n) this.statements.length = before;
    return end;
  }

  #statement({ text, place }: RawStatement): void {
    const reader = new TokenReader(tokenize(text, place));
    const first = reader.peek();
    if (first.kind === 'name' && reader.peek(1).text === '=' && reader.peek(1).kind === 'punctuation') {
      reader.position = 2;
      const expression = parseExpression(reader);
      reader.expectEnd();
      this.#add({ kind: 'set', name: first.text, expression, place: first.place });
    } else if (first.kind === 'name' && first.text.startsWith('.')) {
      reader.next();
      if (/^\.(?:att|intel)_syntax$/.test(first.text)) this.#switchSyntax(first.text, reader);
      else for (const parsed of parseDirective(first, reader)) this.#add(parsed);
    } else this.statements.push({ kind: 'instruction', template: parseInstruction(reader, this.#syntax), place: first.place });
  }

  #add(statement: Statement): void {
    if (statement.kind === 'set' && statement.expression.kind === 'number') this.#constants.set(statement.name, statement.expression.value);
    this.statements.push(statement);
  }

  #switchSyntax(directive: string, reader: TokenReader): void {
    const intel = directive === '.intel_syntax';
    const option = reader.atEnd() ? undefined : reader.next();
    if (option?.text === (intel ? 'prefix' : 'noprefix'))
      throw new AsmFailure(`${directive} ${option.text} is not supported`, option.place, 'AT&T has %, Intel has not');
    reader.expectEnd();
    this.#syntax = intel ? 'intel' : 'att';
  }
}
