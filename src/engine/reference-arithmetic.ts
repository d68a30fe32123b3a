import { TextpokeError } from '../error.ts';
import type { Size } from '../isa/instruction.ts';

const ALL64 = (1n << 64n) - 1n;
const wrap = (a: bigint): bigint => BigInt.asUintN(64, a);
const signed = (a: bigint): bigint => BigInt.asIntN(64, a);
const bool = (b: boolean): bigint => (b ? 1n : 0n);

/** The pure part of the vocabulary on unsigned 64-bit BigInts. */
export class ReferenceArithmetic {
  constant(value: bigint | number): bigint {
    return wrap(BigInt(value));
  }
  add(a: bigint, b: bigint): bigint {
    return wrap(a + b);
  }
  sub(a: bigint, b: bigint): bigint {
    return wrap(a - b);
  }
  mul(a: bigint, b: bigint): bigint {
    return wrap(a * b);
  }
  mulHighUnsigned(a: bigint, b: bigint): bigint {
    return (a * b) >> 64n;
  }
  mulHighSigned(a: bigint, b: bigint): bigint {
    return wrap((signed(a) * signed(b)) >> 64n);
  }
  and(a: bigint, b: bigint): bigint {
    return a & b;
  }
  or(a: bigint, b: bigint): bigint {
    return a | b;
  }
  xor(a: bigint, b: bigint): bigint {
    return a ^ b;
  }
  not(a: bigint): bigint {
    return a ^ ALL64;
  }
  shl(a: bigint, count: bigint): bigint {
    return wrap(a << (count & 63n));
  }
  shr(a: bigint, count: bigint): bigint {
    return a >> (count & 63n);
  }
  sar(a: bigint, count: bigint): bigint {
    return wrap(signed(a) >> (count & 63n));
  }
  rotl(a: bigint, count: bigint): bigint {
    return wrap(a << (count & 63n)) | (a >> (64n - (count & 63n)));
  }

  clz(a: bigint): bigint {
    return 64n - BigInt(a === 0n ? 0 : a.toString(2).length);
  }

  ctz(a: bigint): bigint {
    let n = 0n;
    while (n < 64n && !((a >> n) & 1n)) n++;
    return n;
  }

  popcnt(a: bigint): bigint {
    return BigInt(a.toString(2).replaceAll('0', '').length);
  }

  eq(a: bigint, b: bigint): bigint {
    return bool(a === b);
  }
  ne(a: bigint, b: bigint): bigint {
    return bool(a !== b);
  }
  ltUnsigned(a: bigint, b: bigint): bigint {
    return bool(a < b);
  }
  ltSigned(a: bigint, b: bigint): bigint {
    return bool(signed(a) < signed(b));
  }
  select(condition: bigint, a: bigint, b: bigint): bigint {
    return condition !== 0n ? a : b;
  }
  zeroExtend(a: bigint, size: Size): bigint {
    return BigInt.asUintN(Math.min(size, 64), a);
  }
  signExtend(a: bigint, size: Size): bigint {
    return wrap(BigInt.asIntN(Math.min(size, 64), a));
  }

  divideUnsigned(high: bigint, low: bigint, divisor: bigint): { quotient: bigint; remainder: bigint } {
    if (high >= divisor) throw new TextpokeError('E_INTERNAL', 'a quotient of more than 64 bits');
    const dividend = (high << 64n) | low;
    return { quotient: dividend / divisor, remainder: dividend % divisor };
  }
}
