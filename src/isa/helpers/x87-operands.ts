import { type Encoded, INDEFINITE, isNan, quieted, type X87Number } from './x87-number.ts';
import type { X87Outcome } from './x87-round.ts';
import { DE, IE, STACK, unmasked } from './x87-word.ts';

export const exact = (value: Encoded, flags = 0, codes = 0): X87Outcome => ({ value, flags, codes });

export const invalid = (): X87Outcome => exact(INDEFINITE, IE);

export const stackUnderflow = (): X87Outcome => exact(INDEFINITE, STACK);

/**
 * What becomes of operands that are no numbers: an empty register and an unsupported encoding are invalid; of two NaNs the quiet one counts, of two alike the
 * one with the larger significand (SDM Vol. 1, "Operating on SNaNs and QNaNs").
 */
export function special(...operands: readonly X87Number[]): X87Outcome | undefined {
  if (operands.some((x) => x.kind === 'empty')) return stackUnderflow();
  if (operands.some((x) => x.kind === 'unsupported')) return invalid();
  const nans = operands.filter(isNan);
  if (nans.length === 0) return undefined;
  const flags = nans.some((x) => x.kind === 'signalling') ? IE : 0;
  return exact(quieted(nans.reduce(preferred)), flags);
}

function preferred(a: X87Number, b: X87Number): X87Number {
  if (a.kind !== b.kind) return a.kind === 'quiet' ? a : b;
  if (a.low !== b.low) return a.low > b.low ? a : b;
  return a.negative ? b : a;
}

/** The denormal exception comes before the computation: unmasked, there is none. */
export function withDenormals(control: number, operands: readonly X87Number[], compute: () => X87Outcome): X87Outcome {
  if (!operands.some((x) => x.denormal)) return compute();
  if (unmasked(control, DE) !== 0) return exact(INDEFINITE, DE);
  const outcome = compute();
  return { ...outcome, flags: outcome.flags | DE };
}
