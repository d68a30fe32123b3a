import type { Category } from '../semantics.ts';
import { logical } from './logical.ts';

/** MMX, SSE, AVX and what belongs to them. */
export const SIMD: readonly Category[] = [logical];
