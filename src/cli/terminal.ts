import { createInterface } from 'node:readline';

/** Standard input and output as one terminal, or as what takes their place. */
export interface Terminal {
  /** Keys can be read and a screen be drawn. */
  readonly isScreen: boolean;
  /** Lines are typed by somebody who sees what is printed. */
  readonly isTyped: boolean;
  size(): { readonly columns: number; readonly rows: number };
  write(text: string): void;
  /** Reads keys as they are typed, until what it gives is called. */
  keys(typed: (input: string) => void, resized: () => void): () => void;
  /** Lines of input up to its end. */
  lines(): AsyncIterable<string>;
}

/** Where a terminal does not tell its size. */
const SIZE = { columns: 80, rows: 24 };

/** The process's own. */
export function nodeTerminal(): Terminal {
  const { stdin, stdout } = process;
  return {
    isScreen: stdin.isTTY === true && stdout.isTTY === true && process.env.TERM !== 'dumb' && process.env.TERM !== undefined,
    isTyped: stdin.isTTY === true,
    size: () => ({ columns: stdout.columns || SIZE.columns, rows: stdout.rows || SIZE.rows }),
    write: (text) => void stdout.write(text),
    keys(typed, resized) {
      const hear = (data: Buffer): void => typed(data.toString('utf8'));
      stdin.setRawMode(true);
      stdin.on('data', hear);
      stdin.resume();
      stdout.on('resize', resized);
      return () => {
        stdout.off('resize', resized);
        stdin.off('data', hear);
        stdin.setRawMode(false);
        stdin.pause();
      };
    },
    async *lines() {
      const reader = createInterface({ input: stdin, terminal: false });
      try {
        yield* reader;
      } finally {
        // Who leaves the loop early leaves the reader open, and a terminal's never ends by itself.
        reader.close();
        stdin.pause();
      }
    },
  };
}
