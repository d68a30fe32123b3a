import { AsmFailure, type Place } from './failure.ts';

/** One statement as written, without comments. */
export interface RawStatement {
  readonly text: string;
  readonly place: Place;
}

/**
 * Cuts source text into statements: at new lines and at `;`. Comments are `#` and `//` to the end of the line, and C's. Columns are those
 * of the source. (GNU as, "Comments" and "Statements", for x86.)
 */
export function splitStatements(source: string): RawStatement[] {
  const statements: RawStatement[] = [];
  let line = 1;
  let lineStart = 0;
  let text = '';
  let place: Place | undefined;
  const flush = (): void => {
    if (place && text.trim() !== '') statements.push({ text: text.trimEnd(), place });
    text = '';
    place = undefined;
  };
  for (let at = 0; at < source.length; ) {
    const c = source[at] ?? '';
    const here: Place = { line, column: at - lineStart + 1 };
    if (c === '\n') {
      flush();
      at++;
      line++;
      lineStart = at;
    } else if (c === ';') {
      flush();
      at++;
    } else if (c === '#' || source.startsWith('//', at)) {
      const end = source.indexOf('\n', at);
      at = end < 0 ? source.length : end;
    } else if (source.startsWith('/*', at)) {
      const end = source.indexOf('*/', at + 2);
      if (end < 0) throw new AsmFailure('the comment does not end', here, 'close it with */');
      for (let i = at; i < end; i++) {
        if (source[i] !== '\n') continue;
        line++;
        lineStart = i + 1;
      }
      // Columns within the statement stay those of the line only when the comment does not span lines: it ends the statement then.
      if (line !== here.line) flush();
      else text += ' '.repeat(end + 2 - at);
      at = end + 2;
    } else {
      place ??= here;
      const length =
        c === '"'
          ? stringLength(source, at)
          : c === "'" && source[at + 1] !== undefined && source[at + 1] !== '\n'
            ? characterLength(source, at)
            : 1;
      text += source.slice(at, at + length);
      at += length;
    }
    if (place === undefined) text = '';
  }
  flush();
  return statements.map((s) => {
    const spaces = /^\s*/.exec(s.text)?.[0].length ?? 0;
    return { text: s.text.slice(spaces), place: { line: s.place.line, column: s.place.column + spaces } };
  });
}

/** Characters of the string that begins at `at`; one that does not end goes to the end of the line. */
function stringLength(source: string, at: number): number {
  let end = at + 1;
  while (end < source.length && source[end] !== '"' && source[end] !== '\n') end += source[end] === '\\' ? 2 : 1;
  return source[end] === '"' ? end + 1 - at : Math.min(end, source.length) - at;
}

const characterLength = (source: string, at: number): number => (source[at + 1] === '\\' ? 3 : 2);
