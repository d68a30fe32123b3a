import type { Scenario } from '../scenario.ts';
import { int3OnIst } from './int3-on-ist.ts';
import { nmiIret } from './nmi-iret.ts';

/** Exceptions, their stacks and NMIs. */
export const entry: readonly Scenario[] = [int3OnIst, nmiIret];
