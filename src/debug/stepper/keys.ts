/** What a key is called here: a character, or one of these. */
const NAMES: Readonly<Record<string, string>> = {
  '\x1b[A': 'up',
  '\x1b[B': 'down',
  '\x1b[C': 'right',
  '\x1b[D': 'left',
  '\x1bOA': 'up',
  '\x1bOB': 'down',
  '\x1bOC': 'right',
  '\x1bOD': 'left',
  '\x1b[1;2C': 'shift-right',
  '\x1b[1;2D': 'shift-left',
  '\x1b[H': 'home',
  '\x1b[F': 'end',
  '\x1b[1~': 'home',
  '\x1b[4~': 'end',
  '\x1b[5~': 'page-up',
  '\x1b[6~': 'page-down',
  '\x1b[Z': 'shift-tab',
  '\t': 'tab',
  '\r': 'enter',
  '\n': 'enter',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x1b': 'escape',
  '\x03': 'interrupt',
  '\x04': 'end-of-input',
  '\x0c': 'redraw',
  '\x15': 'erase',
};

const ESCAPE = '\x1b';
const SEQUENCE = new RegExp(`${ESCAPE}\\[[0-9;]*[A-Za-z~]|${ESCAPE}O[A-Z]|[\\s\\S]`, 'gu');

/** The keys in what a terminal sent, several at once when they were typed fast or pasted. A sequence that no key of ours has is left out. */
export function keysOf(input: string): string[] {
  const pieces = input.match(SEQUENCE) ?? [];
  return pieces.flatMap((piece) => {
    const name = NAMES[piece];
    if (name !== undefined) return [name];
    return piece.length > 1 && piece.startsWith('\x1b') ? [] : piece < ' ' ? [] : [piece];
  });
}
