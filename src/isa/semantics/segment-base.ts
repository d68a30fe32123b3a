import type { StateWord } from '../core-state.ts';
import { Vector } from '../core-state.ts';
import type { Category, Semantics } from './semantics.ts';

/** FS and GS bases (SDM Vol. 2: RDFSBASE/RDGSBASE, WRFSBASE/WRGSBASE): #UD unless CR4.FSGSBASE. */

const CR4_FSGSBASE = 1n << 16n;

const read =
  (word: StateWord): Semantics =>
  (p, i) => {
    p.when(p.eq(p.and(p.state('cr4'), p.constant(CR4_FSGSBASE)), p.constant(0)), () => p.raise(Vector.UD));
    p.write(i.operands[0], p.state(word));
  };

/** A 32-bit source clears the upper half of the base; a base that is not canonical is #GP(0). */
const write =
  (word: StateWord): Semantics =>
  (p, i) => {
    p.when(p.eq(p.and(p.state('cr4'), p.constant(CR4_FSGSBASE)), p.constant(0)), () => p.raise(Vector.UD));
    const base = p.read(i.operands[0]);
    p.checkCanonical(base);
    p.setState(word, base);
  };

export const segmentBase: Category = {
  rdfsbase: read('fsBase'),
  rdgsbase: read('gsBase'),
  wrfsbase: write('fsBase'),
  wrgsbase: write('gsBase'),
};
