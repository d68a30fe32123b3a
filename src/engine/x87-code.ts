import type { QuickFormula } from './quick-code.ts';
import { ARITHMETIC } from './x87-arithmetic.ts';
import { CONVERSIONS } from './x87-convert.ts';
import { MOVES } from './x87-moves.ts';

/** The helpers of the x87 FPU that have formulas. */
export const X87_FORMULAS: ReadonlyMap<string, QuickFormula> = new Map([...ARITHMETIC, ...CONVERSIONS, ...MOVES]);
