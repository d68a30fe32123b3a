import { Vector } from '../core-state.ts';
import type { Instruction } from '../instruction.ts';
import type { Vocabulary } from '../vocabulary.ts';
import type { Category, Semantics } from './semantics.ts';

/** What only protected mode has (SDM Vol. 2: ARPL; "Exceptions Type 13" and the like of VEX-encoded instructions). */

const CR0_PE = 1n;

/** #UD in real mode. 64-bit code is never there. */
export function mustBeProtected<V>(p: Vocabulary<V>, i: Instruction): void {
  if (i.codeSize !== 64) p.when(p.eq(p.and(p.state('cr0'), p.constant(CR0_PE)), p.constant(0)), () => p.raise(Vector.UD));
}

/** All of a category. */
export const protectedOnly = (category: Category): Category =>
  Object.fromEntries(
    Object.entries(category).map(([name, semantics]): [string, Semantics] => [
      name,
      (p, i) => {
        mustBeProtected(p, i);
        semantics(p, i);
      },
    ]),
  );

/** The RPL of the first selector is raised to that of the second, and ZF says whether it was below. What need not be raised is not written: as measured. */
const arpl: Semantics = (p, i) => {
  mustBeProtected(p, i);
  const [destination, source] = i.operands;
  const selector = p.read(destination);
  const level = p.and(p.read(source), p.constant(3));
  const below = p.ltUnsigned(p.and(selector, p.constant(3)), level);
  p.when(below, () => p.write(destination, p.or(p.and(selector, p.not(p.constant(3))), level)));
  p.setFlags({ ZF: below });
};

export const protectedMode: Category = { arpl };
