import { eachBlock } from '../../src/isa/blocks.ts';
import type { Vocabulary } from '../../src/isa/vocabulary.ts';

/** A value that knows in which `when`, `otherwise` or `loop` body it was made. */
export interface Scoped {
  readonly scope: number;
}

/**
 * A provider that computes nothing and watches how it is spoken to: a value may only be used while the body that made it is open, since a
 * code generator has no value for a path that was not taken. Throws at the first misuse. `used` collects the words spoken.
 */
export function scopedProvider(used: Set<string>): Vocabulary<Scoped> {
  const open = [0];
  let scopes = 0;
  const make = (): Scoped => ({ scope: open[open.length - 1] });
  const check = (word: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null || !('scope' in value) || typeof value.scope !== 'number') return;
    if (!open.includes(value.scope)) throw new Error(`${word} uses a value of a body that is closed`);
  };
  const within = <T>(body: () => T): T => {
    open.push(++scopes);
    try {
      return body();
    } finally {
      open.pop();
    }
  };
  const special: Partial<Vocabulary<Scoped>> = {
    when: (condition, then, otherwise) => {
      check('when', condition);
      within(then);
      if (otherwise) within(otherwise);
    },
    loop: (condition, body) =>
      within(() => {
        check('loop', condition());
        within(body);
      }),
    variable: (initial) => {
      check('variable', initial);
      return { get: make, set: (value) => check('set', value) };
    },
    divideUnsigned: (high, low, divisor) => {
      for (const value of [high, low, divisor]) check('divideUnsigned', value);
      return { quotient: make(), remainder: make() };
    },
    readQuads: (operand, size = operand.size) => Array.from({ length: size / 64 }, make),
    writeQuads: (_operand, values) => {
      for (const value of values) check('writeQuads', value);
    },
    compute: (_helper, parameters, results) => {
      for (const value of parameters) check('compute', value);
      return Array.from({ length: results }, make);
    },
    float: (_helper, parameters, mxcsr) => {
      for (const value of [...parameters, mxcsr]) check('float', value);
      return { value: make(), flags: make() };
    },
    floatQuads: (_names, _size, operands, mxcsr) => {
      for (const value of [...operands.flat(), mxcsr]) check('floatQuads', value);
      return { quads: operands[0]!.map(make), flags: make() };
    },
    blockwise: (_name, operands, meaning, control) => {
      for (const value of [...operands.flat(), ...(control === undefined ? [] : [control])]) check('blockwise', value);
      return eachBlock(operands, meaning);
    },
    setFlags: (flags) => {
      for (const value of Object.values(flags)) check('setFlags', value);
    },
  };
  return new Proxy({} as Vocabulary<Scoped>, {
    get: (_target, word: keyof Vocabulary<Scoped>) => {
      used.add(word);
      return (
        special[word] ??
        ((...values: unknown[]): Scoped => {
          for (const value of values) check(word, value);
          return make();
        })
      );
    },
  });
}
