import { Coverage } from './coverage.ts';
import { programOf } from './programs.ts';
import { type Difference, differOn } from './visits.ts';

export interface Minimal {
  readonly difference: Difference;
  /** Instructions that are left, as hexadecimal at their addresses; all others are NOPs of the same length. */
  readonly left: readonly string[];
}

/**
 * Leaves out instructions of a program in which engines differ, ever smaller parts of it, while they still do; and visits behind the first difference. Undefined where the
 * seed shows none.
 */
export function minimise(seed: number): Minimal | undefined {
  const all = programOf(seed).text.items;
  const omitted = new Set<number>();
  const run = (without: ReadonlySet<number>, visits?: number): Difference | undefined =>
    differOn(seed, new Coverage(), without, visits).difference;
  let difference = run(omitted);
  if (difference === undefined) return undefined;
  for (let part = 1 << 9; part > 0; part >>= 1) {
    for (let from = 0; from < all; from += part) {
      const more = Array.from({ length: Math.min(part, all - from) }, (_, n) => from + n).filter((n) => !omitted.has(n));
      if (more.length === 0) continue;
      const found = run(new Set([...omitted, ...more]), difference.visit);
      if (found === undefined) continue;
      difference = found;
      for (const n of more) omitted.add(n);
    }
  }
  return { difference, left: programOf(seed, omitted).text.spelt() };
}
