import type { Category } from '../semantics.ts';
import { arithmetic } from './arithmetic.ts';
import { comparisons } from './compare.ts';
import { control } from './control.ts';
import { moves } from './move.ts';
import { states } from './state.ts';

/** The x87 FPU, EMMS, and what saves and restores its state. */
export const X87: readonly Category[] = [arithmetic, comparisons, control, moves, states];
