import { RAX, RDX, Vector } from '../core-state.ts';
import type { Instruction, Size } from '../instruction.ts';
import type { Vocabulary } from '../vocabulary.ts';
import type { Category, Semantics } from './semantics.ts';

/**
 * Multiplication and division (SDM Vol. 2: MUL, IMUL, DIV, IDIV). Products set CF and OF when the upper half matters; the other flags,
 * undefined in the manual, stay, as on AMD processors. Quotients leave all flags, undefined there too.
 */

/** Writes a product of 2 * size bits: AX, or the pair RDX:RAX. */
function writeProduct<V>(p: Vocabulary<V>, size: Size, high: V, low: V): void {
  if (size === 8) {
    p.setRegister(RAX, 16, low);
  } else {
    p.setRegister(RAX, size, low);
    p.setRegister(RDX, size, high);
  }
}

const mul: Semantics = (p, i) => {
  const a = p.register(RAX, i.size);
  const b = p.read(i.operands[0]);
  const low = p.mul(a, b);
  const high = i.size === 64 ? p.mulHighUnsigned(a, b) : p.shr(low, p.constant(i.size));
  writeProduct(p, i.size, high, low);
  const overflow = p.ne(high, p.constant(0));
  p.setFlags({ CF: overflow, OF: overflow });
};

/** The signed product, its upper half, and whether that is more than the sign of the lower. */
function signedProduct<V>(p: Vocabulary<V>, size: Size, a: V, b: V): { low: V; high: V; overflow: V } {
  const x = p.signExtend(a, size);
  const y = p.signExtend(b, size);
  const low = p.mul(x, y);
  if (size === 64) {
    const high = p.mulHighSigned(x, y);
    return { low, high, overflow: p.ne(high, p.sar(low, p.constant(63))) };
  }
  return { low, high: p.shr(low, p.constant(size)), overflow: p.ne(low, p.signExtend(low, size)) };
}

/** One operand: accumulator pair; two: the first is also a factor; three: the first is only written. */
const imul: Semantics = (p, i) => {
  const [first, second, third] = i.operands;
  if (second === undefined) {
    const { low, high, overflow } = signedProduct(p, i.size, p.register(RAX, i.size), p.read(first));
    writeProduct(p, i.size, high, low);
    p.setFlags({ CF: overflow, OF: overflow });
  } else {
    const b = p.read(second);
    const { low, overflow } = signedProduct(p, i.size, b, p.read(third ?? first));
    p.write(first, low);
    p.setFlags({ CF: overflow, OF: overflow });
  }
};

/** The dividend of 2 * size bits as two halves of 64, and what its narrow form is split from. */
function dividend<V>(p: Vocabulary<V>, size: Size): { high: V; low: V } {
  if (size === 8) {
    const ax = p.register(RAX, 16);
    return { high: p.shr(ax, p.constant(8)), low: p.and(ax, p.constant(0xff)) };
  }
  return { high: p.register(RDX, size), low: p.register(RAX, size) };
}

function writeQuotient<V>(p: Vocabulary<V>, size: Size, quotient: V, remainder: V): void {
  if (size === 8) {
    p.setRegister(RAX, 16, p.or(p.shl(remainder, p.constant(8)), p.zeroExtend(quotient, 8)));
  } else {
    p.setRegister(RAX, size, quotient);
    p.setRegister(RDX, size, remainder);
  }
}

/** high:low of 2 * size bits as one value; size at most 32. */
const joined = <V>(p: Vocabulary<V>, size: Size, high: V, low: V): V => p.or(p.shl(high, p.constant(size)), low);

const divideErrorUnless = <V>(p: Vocabulary<V>, fits: V): void => p.when(p.eq(fits, p.constant(0)), () => p.raise(Vector.DE));

/** The quotient fits exactly when high < divisor, which also excludes a divisor of 0. */
const div: Semantics = (p, i) => {
  const divisor = p.read(i.operands[0]);
  const { high, low } = dividend(p, i.size);
  divideErrorUnless(p, p.ltUnsigned(high, divisor));
  const { quotient, remainder } =
    i.size === 64 ? p.divideUnsigned(high, low, divisor) : p.divideUnsigned(p.constant(0), joined(p, i.size, high, low), divisor);
  writeQuotient(p, i.size, quotient, remainder);
};

/** Magnitudes are divided; the quotient's sign is the product of the signs, the remainder has the dividend's. */
const idiv: Semantics = (p, i) => {
  const divisor = p.signExtend(p.read(i.operands[0]), i.size);
  const { high, low, sign } = dividendMagnitude(p, i);
  const divisorSign = p.sar(divisor, p.constant(63));
  const magnitude = applySign(p, divisor, divisorSign);
  divideErrorUnless(p, p.ltUnsigned(high, magnitude));
  const divided = p.divideUnsigned(high, low, magnitude);
  const quotientSign = p.xor(sign, divisorSign);
  const quotient = applySign(p, divided.quotient, quotientSign);
  const fits =
    i.size === 64
      ? p.or(p.eq(quotient, p.constant(0)), p.eq(p.sar(quotient, p.constant(63)), quotientSign))
      : p.and(p.ltUnsigned(divided.quotient, p.constant(1n << BigInt(i.size))), p.eq(quotient, p.signExtend(quotient, i.size)));
  divideErrorUnless(p, fits);
  writeQuotient(p, i.size, quotient, applySign(p, divided.remainder, sign));
};

/** `value`, negated where `sign` is all ones (it is 0 otherwise). */
const applySign = <V>(p: Vocabulary<V>, value: V, sign: V): V => p.sub(p.xor(value, sign), sign);

/** Absolute value of the dividend as high:low of 64 bits each, and its sign spread over 64 bits. */
function dividendMagnitude<V>(p: Vocabulary<V>, i: Instruction): { high: V; low: V; sign: V } {
  const { high, low } = dividend(p, i.size);
  if (i.size === 64) {
    const sign = p.sar(high, p.constant(63));
    const magnitude = applySign(p, low, sign);
    // Negating high:low carries into the upper half only where the lower one is 0.
    const borrow = p.and(p.ne(low, p.constant(0)), sign);
    return { high: p.sub(applySign(p, high, sign), borrow), low: magnitude, sign };
  }
  const value = p.signExtend(joined(p, i.size, high, low), i.size === 8 ? 16 : i.size === 16 ? 32 : 64);
  const sign = p.sar(value, p.constant(63));
  return { high: p.constant(0), low: applySign(p, value, sign), sign };
}

export const muldiv: Category = { mul, imul, div, idiv };
