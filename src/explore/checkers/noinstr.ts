import type { Checker } from '../checker.ts';

/** Text that nobody may instrument, by linear address: from `start` up to `end`. */
export interface NoinstrRange {
  readonly start: bigint;
  readonly end: bigint;
}

/** I12: nobody writes to text that is declared noinstr: what runs there comes before any check of recursion. */
export function noinstrChecker(range: NoinstrRange): Checker {
  return {
    name: 'noinstr',
    onEvent(event, world) {
      if (event.kind !== 'text') return;
      const address = world.lab.linear(event.physical);
      if (address + BigInt(event.size) <= range.start || address >= range.end) return;
      const where = world.lab.image.describe(address);
      world.report({ check: 'I12', message: `CPU${event.core} patches ${where}, which is noinstr`, core: event.core, rip: address });
    },
  };
}
