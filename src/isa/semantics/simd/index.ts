import type { Category } from '../semantics.ts';
import { crypto } from './crypto.ts';
import { float } from './float.ts';
import { gathers } from './gather.ts';
import { integer } from './integer.ts';
import { logical } from './logical.ts';
import { moves } from './move.ts';
import { vectorShifts } from './shift.ts';
import { shuffles } from './shuffle.ts';
import { sse4a } from './sse4a.ts';
import { strings } from './strings.ts';

/** MMX, SSE, AVX and what belongs to them. */
export const SIMD: readonly Category[] = [crypto, ...float, gathers, integer, logical, moves, shuffles, sse4a, strings, vectorShifts];
