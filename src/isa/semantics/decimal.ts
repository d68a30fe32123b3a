import { RAX, Vector } from '../core-state.ts';
import type { Size } from '../instruction.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { borrows, carries } from './binary.ts';
import type { Category, Semantics } from './semantics.ts';

/**
 * Decimal adjustments of 16- and 32-bit code (SDM Vol. 2: AAA, AAS, AAM, AAD, DAA, DAS). The manual leaves the flags undefined that none of its pseudo-code sets; here they are, as
 * measured on Zen 3 over all operands, those of the addition or subtraction that the adjustment is.
 */

/** One of `a` + `b` and `a` - `b`, with its flags but for CF and AF, which say what was adjusted. */
function adjust<V>(p: Vocabulary<V>, size: Size, subtract: boolean, by: V, flags: { readonly CF: V; readonly AF: V }, kept: bigint): void {
  const a = p.register(RAX, size);
  const r = subtract ? p.sub(a, by) : p.add(a, by);
  const out = subtract ? borrows(p, a, by, r) : carries(p, a, by, r);
  p.setRegister(RAX, size, p.and(r, p.constant(kept)));
  p.flagsArithmetic(r, out, size);
  p.setFlags(flags);
}

/** The low digit is above 9, or a carry (borrow) left it. */
function lowDigit<V>(p: Vocabulary<V>): V {
  const digit = p.and(p.register(RAX, 8), p.constant(15));
  return p.or(p.ltUnsigned(p.constant(9), digit), p.flag('AF'));
}

/** AAA and AAS: unpacked digits. AL by 6 with its carry into AH, and AH by 1 more. */
const unpacked =
  (subtract: boolean): Semantics =>
  (p) => {
    const adjusted = lowDigit(p);
    adjust(p, 16, subtract, p.mul(adjusted, p.constant(0x106)), { CF: adjusted, AF: adjusted }, 0xff0fn);
  };

/** DAA and DAS: packed digits, each by 6. DAS borrows from AL < 6 too. */
const packed =
  (subtract: boolean): Semantics =>
  (p) => {
    const al = p.register(RAX, 8);
    const low = lowDigit(p);
    const high = p.or(p.ltUnsigned(p.constant(0x99), al), p.flag('CF'));
    const by = p.or(p.mul(low, p.constant(6)), p.mul(high, p.constant(0x60)));
    const carry = subtract ? p.or(high, p.and(low, p.ltUnsigned(al, p.constant(6)))) : high;
    adjust(p, 8, subtract, by, { CF: carry, AF: low }, 0xffn);
  };

/** AH and AL become quotient and remainder of AL by the base; CF, OF and AF are cleared. */
const aam: Semantics = (p, i) => {
  const base = p.zeroExtend(p.read(i.operands[0]), 8);
  p.when(p.eq(base, p.constant(0)), () => p.raise(Vector.DE));
  const { quotient, remainder } = p.divideUnsigned(p.constant(0), p.register(RAX, 8), base);
  p.setRegister(RAX, 16, p.or(p.shl(quotient, p.constant(8)), remainder));
  p.flagsLogic(remainder, 8);
};

/** AL becomes AL + AH * base, with the flags of that addition of bytes; AH becomes 0. */
const aad: Semantics = (p, i) => {
  const al = p.register(RAX, 8);
  const tens = p.zeroExtend(p.mul(p.shr(p.register(RAX, 16), p.constant(8)), p.read(i.operands[0])), 8);
  const r = p.add(al, tens);
  p.setRegister(RAX, 16, p.zeroExtend(r, 8));
  p.flagsArithmetic(r, carries(p, al, tens, r), 8);
};

export const decimal: Category = { aaa: unpacked(false), aas: unpacked(true), daa: packed(false), das: packed(true), aam, aad };
