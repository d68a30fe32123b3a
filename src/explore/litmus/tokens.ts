import { TextpokeError } from '../../error.ts';
import type { Location } from './syntax.ts';

/** The words of a condition. */
export class Tokens {
  readonly #words: readonly string[];
  readonly #where: string;
  #at = 0;

  constructor(text: string, where: string) {
    this.#words = text.match(/#[A-Z]+|\/\\|\\\/|=>|<>|[A-Za-z_][\w.]*|-?0x[0-9a-fA-F]+|-?\d+|[^\s]/g) ?? [];
    this.#where = where;
  }

  get next(): string | undefined {
    return this.#words[this.#at];
  }

  /** Takes the next word. */
  take(): string {
    const word = this.next;
    if (word === undefined) throw this.error('the condition ends too early');
    this.#at++;
    return word;
  }

  /** Takes the next word if it is this one. */
  skip(word: string): boolean {
    if (this.next !== word) return false;
    this.#at++;
    return true;
  }

  expect(word: string): void {
    if (!this.skip(word)) throw this.error(`'${word}' is missing before '${this.next ?? 'the end'}'`);
  }

  /** `x`, `[x]`, `x[1]`, `0:rax`, `fault(P0)`, `fault(P0,#BP)`. */
  location(): Location {
    const bracket = this.skip('[');
    const first = this.take();
    if (first === 'fault' && this.skip('(')) return this.#fault();
    if (/^\d+$/.test(first)) {
      this.expect(':');
      return { kind: 'register', thread: Number(first), register: this.take() };
    }
    if (!/^[A-Za-z_]/.test(first)) throw this.error(`'${first}' is no location`);
    if (bracket) this.expect(']');
    let index = 0;
    if (this.skip('[')) {
      index = Number(this.take());
      this.expect(']');
    }
    return { kind: 'variable', name: first, index };
  }

  #fault(): Location {
    const thread = /^P(\d+)$/.exec(this.take())?.[1];
    if (thread === undefined) throw this.error('a fault is that of a thread');
    const vector = this.skip(',') ? this.take() : undefined;
    this.expect(')');
    return { kind: 'fault', thread: Number(thread), vector };
  }

  error(what: string): TextpokeError {
    return new TextpokeError('E_USAGE', `not a litmus test: ${what}`, {
      where: this.#where,
      hint: 'a condition is like exists (x=1 /\\ 0:rax=0)',
    });
  }
}
