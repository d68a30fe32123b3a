import { AsmFailure, type Place } from './failure.ts';

export interface Token {
  readonly kind: 'name' | 'number' | 'local' | 'string' | 'punctuation' | 'end';
  /** As written; of a local label reference the digits and the direction: `1f`. */
  readonly text: string;
  readonly value: bigint;
  /** Contents of a string, as bytes. */
  readonly bytes: readonly number[];
  readonly place: Place;
}

const NUMBER = /^(?:0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)/;
const NAME = /^[A-Za-z_.][\w.$@]*/;
const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, b: 8, f: 12, '\\': 92, '"': 34, "'": 39 };

/** Splits one statement into tokens and an `end`. `place` is where `text` begins. */
export function tokenize(text: string, place: Place): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const here = (): Place => ({ line: place.line, column: place.column + at });
  const push = (kind: Token['kind'], length: number, value = 0n, bytes: readonly number[] = []) => {
    tokens.push({ kind, text: text.slice(at, at + length), value, bytes, place: here() });
    at += length;
  };
  while (at < text.length) {
    const rest = text.slice(at);
    const space = /^\s+/.exec(rest)?.[0].length ?? 0;
    if (space > 0) {
      at += space;
      continue;
    }
    const local = /^\d+[fb](?![\w.$])/.exec(rest)?.[0];
    const number = NUMBER.exec(rest)?.[0];
    const name = NAME.exec(rest)?.[0];
    if (local !== undefined) push('local', local.length);
    else if (number !== undefined) {
      if (/^[\w.$]/.test(rest.slice(number.length)))
        throw new AsmFailure('this is not a number', here(), 'numbers are 10, 0x1f, 0b101 or 017');
      push('number', number.length, parseNumber(number, here()));
    } else if (name !== undefined) push('name', name.length);
    else if (rest.startsWith('"')) {
      const { bytes, length } = readString(rest, here());
      push('string', length, 0n, bytes);
    } else if (rest.startsWith("'")) {
      const { value, length } = readCharacter(rest, here());
      push('number', length, value);
    } else if (rest.startsWith('<<') || rest.startsWith('>>')) push('punctuation', 2);
    else if (/^[-+*/%&|^~!()[\]{},:$=]/.test(rest)) push('punctuation', 1);
    else throw new AsmFailure(`'${[...rest][0]}' has no meaning here`, here(), 'comments begin with # or //');
  }
  tokens.push({ kind: 'end', text: 'the end of the line', value: 0n, bytes: [], place: here() });
  return tokens;
}

function parseNumber(text: string, place: Place): bigint {
  if (/^0\d+$/.test(text)) {
    if (/[89]/.test(text)) throw new AsmFailure('a number that begins with 0 is octal', place, 'leave the 0 out for decimal');
    return BigInt(`0o${text.slice(1)}`);
  }
  return BigInt(text.toLowerCase());
}

function readEscape(text: string, at: number, place: Place): { byte: number; length: number } {
  const octal = /^[0-7]{1,3}/.exec(text.slice(at))?.[0];
  if (octal !== undefined) return { byte: Number.parseInt(octal, 8) & 0xff, length: octal.length };
  const hex = /^[xX]([0-9a-fA-F]+)/.exec(text.slice(at));
  if (hex) return { byte: Number.parseInt((hex[1] ?? '').slice(-2), 16), length: hex[0].length };
  const byte = ESCAPES[text[at] ?? ''];
  if (byte === undefined)
    throw new AsmFailure(`\\${text[at] ?? ''} is not an escape`, place, 'escapes are \\n \\t \\r \\b \\f \\\\ \\" \\ooo and \\xhh');
  return { byte, length: 1 };
}

function readString(text: string, place: Place): { bytes: number[]; length: number } {
  const bytes: number[] = [];
  for (let at = 1; at < text.length; ) {
    if (text[at] === '"') return { bytes, length: at + 1 };
    if (text[at] === '\\') {
      const read = readEscape(text, at + 1, place);
      bytes.push(read.byte);
      at += 1 + read.length;
    } else {
      const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
      bytes.push(...new TextEncoder().encode(character));
      at += character.length;
    }
  }
  throw new AsmFailure('the string does not end', place, 'close it with "');
}

function readCharacter(text: string, place: Place): { value: bigint; length: number } {
  let value: number;
  let length: number;
  if (text[1] === '\\') {
    const read = readEscape(text, 2, place);
    value = read.byte;
    length = 2 + read.length;
  } else {
    value = text.charCodeAt(1);
    length = 2;
  }
  if (!(value <= 0xff)) throw new AsmFailure('this is not a character of one byte', place, "write 'a' or a number");
  return { value: BigInt(value), length: text[length] === "'" ? length + 1 : length };
}

/** Reads tokens in order. */
export class TokenReader {
  readonly tokens: readonly Token[];
  position = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  peek(ahead = 0): Token {
    const token = this.tokens[Math.min(this.position + ahead, this.tokens.length - 1)];
    if (!token) throw new Error('a token list ends with an end token');
    return token;
  }

  next(): Token {
    const token = this.peek();
    this.position++;
    return token;
  }

  /** True, and past it, when the next token is this punctuation. */
  accept(text: string): boolean {
    const token = this.peek();
    if (token.kind !== 'punctuation' || token.text !== text) return false;
    this.position++;
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) throw this.unexpected(`'${text}'`);
  }

  atEnd(): boolean {
    return this.peek().kind === 'end';
  }

  expectEnd(): void {
    if (!this.atEnd()) throw this.unexpected('the end of the statement');
  }

  unexpected(wanted: string): AsmFailure {
    const token = this.peek();
    return new AsmFailure(
      `expected ${wanted}, found ${token.kind === 'end' ? token.text : `'${token.text}'`}`,
      token.place,
      'statements end at a new line or ;',
    );
  }
}
