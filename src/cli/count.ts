import type { Share } from '../explore/share.ts';
import { groupDigits } from './progress.ts';
import { part } from './report.ts';

/** `9 666 interleavings, 702 of them end in a violation (7.3 %)`, or why there is no number. */
export function sayCount(count: Share): string {
  if (count.kind === 'uncounted') return `not counted: ${count.why}`;
  const { all, violating } = count;
  const end = violating === 0n ? 'none of them ends' : `${groupDigits(violating)} of them end`;
  return `${groupDigits(all)} interleavings, ${end} in a violation${violating === 0n ? '' : ` (${part(violating, all)})`}`;
}

/** As fields of a JSON object: numbers of any size are decimal digits in strings. */
export function countFields(count: Share): Record<string, unknown> {
  if (count.kind === 'uncounted') return { interleavings: null, notCounted: count.why };
  return { interleavings: `${count.all}`, violatingInterleavings: `${count.violating}` };
}
