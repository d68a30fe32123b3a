import { LN2, LN10, PI } from './x87-fixed.ts';
import { type Encoded, zero } from './x87-number.ts';
import { roundLong } from './x87-round.ts';
import { inexactly, ONE } from './x87-trigonometric.ts';

/** What FLD1 and its like load. */

const quotient = (numerator: bigint, denominator: bigint): bigint => (numerator << 512n) / denominator;

/** With 512 bits behind the point. */
const EXACT = {
  l2t: quotient(LN10, LN2),
  l2e: quotient(1n << 512n, LN2),
  pi: PI,
  lg2: quotient(LN2, LN10),
  ln2: LN2,
} as const;

export type X87Constant = '1' | 'z' | keyof typeof EXACT;

/** A constant, rounded as `control` says. */
export function constant(name: X87Constant, control: number): Encoded {
  if (name === 'z') return zero(false);
  return name === '1' ? ONE : roundLong(inexactly(EXACT[name], 512), control).value;
}
