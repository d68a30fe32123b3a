import { TextpokeError } from '../../error.ts';

const WORD = /#[A-Za-z]+|0x[0-9a-fA-F]+|\d+|[A-Za-z_][\w.$]*|==|!=|<=|>=|&&|\|\||[^\s]/g;

/** The words of an expression, taken from left to right. */
export class Words {
  readonly text: string;
  readonly #words: readonly { readonly word: string; readonly at: number }[];
  #next = 0;

  constructor(text: string) {
    this.text = text;
    this.#words = [...text.matchAll(WORD)].map((m) => ({ word: m[0], at: m.index }));
  }

  /** The word that comes next, or one behind it; undefined at the end. */
  peek(ahead = 0): string | undefined {
    return this.#words[this.#next + ahead]?.word;
  }

  take(what: string): string {
    const word = this.peek();
    if (word === undefined) throw this.error(`${what} is missing at the end`);
    this.#next++;
    return word;
  }

  /** Takes the next word if it is one of these. */
  skip(...wanted: readonly string[]): boolean {
    const word = this.peek();
    if (word === undefined || !wanted.includes(word)) return false;
    this.#next++;
    return true;
  }

  expect(word: string): void {
    if (!this.skip(word)) throw this.error(`'${word}' is missing before ${this.peek() === undefined ? 'the end' : `'${this.peek()}'`}`);
  }

  /** What is wrong about the words up to here. */
  error(what: string, hint = "for example: 'CPU1 at ftrace_call and modifying_ftrace_code == 0'"): TextpokeError {
    const at = this.#words[this.#next]?.at ?? this.text.length;
    return new TextpokeError('E_USAGE', `--reach: ${what}`, { where: `${this.text}, at column ${at + 1}`, hint });
  }
}
