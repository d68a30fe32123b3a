import type { Instruction, Size } from '../instruction.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { type Category, type Semantics, signBit } from './semantics.ts';

/**
 * Shifts and double shifts (SDM Vol. 2: SAL/SAR/SHL/SHR, SHLD, SHRD). A count of 0 (after masking) writes the operand back and leaves
 * all flags. OF is written as if the count were 1, where the manual leaves it undefined.
 */

/**
 * The masked count: from CL at run time, or an immediate that the decoder has masked already; undefined when the decoder found that it
 * is 0 and dropped it.
 */
export function shiftCount<V>(p: Vocabulary<V>, i: Instruction, operand: number): V | undefined {
  const count = i.operands[operand];
  if (count === undefined) return undefined;
  const value = p.read(count);
  return count.kind === 'immediate' ? value : p.and(value, p.constant(i.size === 64 ? 63 : 31));
}

/** Runs `flags` unless the count is 0, which only a count from CL can still be. */
export function unlessZero<V>(p: Vocabulary<V>, i: Instruction, operand: number, count: V, flags: () => void): void {
  if (i.operands[operand].kind === 'immediate') flags();
  else p.when(count, flags);
}

/** Writes the first operand back as it is: 32-bit registers clear their upper half, memory is written. */
export function writeBack<V>(p: Vocabulary<V>, i: Instruction): void {
  p.write(i.operands[0], p.readModify(i.operands[0]));
}

interface Shifted<V> {
  readonly result: V;
  readonly carries: () => V;
}

type Shift = <V>(p: Vocabulary<V>, value: V, count: V, previous: V, size: Size) => Shifted<V>;

const shift =
  (operation: Shift): Semantics =>
  (p, i) => {
    const count = shiftCount(p, i, 1);
    if (count === undefined) return writeBack(p, i);
    const value = p.readModify(i.operands[0]);
    const { result, carries } = operation(p, value, count, p.sub(count, p.constant(1)), i.size);
    p.write(i.operands[0], result);
    unlessZero(p, i, 1, count, () => p.flagsArithmetic(result, carries(), i.size));
  };

/** One shift less has the last bit out at the top (CF) and the result's sign below it (CF xor OF). */
const shl = shift((p, value, count, previous) => ({
  result: p.shl(value, count),
  carries: () => p.shl(value, previous),
}));

/** The last bit out, spread, gives CF and CF xor OF; the result's bit below the sign is the old sign when the count is 1: OF. */
const shr = shift((p, value, count, previous) => {
  const result = p.shr(value, count);
  return { result, carries: () => p.xor(spread(p, p.shr(value, previous)), result) };
});

/** OF is 0: CF and CF xor OF are the last bit out. */
const sar = shift((p, value, count, previous, size) => {
  const signed = p.signExtend(value, size);
  return { result: p.sar(signed, count), carries: () => spread(p, p.sar(signed, previous)) };
});

/** All bits equal to bit 0 of `value`. */
function spread<V>(p: Vocabulary<V>, value: V): V {
  return p.sub(p.constant(0), p.and(value, p.constant(1)));
}

const shld: Semantics = (p, i) => {
  const count = shiftCount(p, i, 2);
  if (count === undefined) return writeBack(p, i);
  const a = p.readModify(i.operands[0]);
  const b = p.read(i.operands[1]);
  const bits = p.constant(i.size);
  const joined = p.or(p.shl(a, count), p.shr(b, p.sub(bits, count)));
  const result = doubleResult(p, i, count, a, joined);
  p.write(i.operands[0], result);
  unlessZero(p, i, 2, count, () => p.flagsArithmetic(result, p.shl(a, p.sub(count, p.constant(1))), i.size));
};

const shrd: Semantics = (p, i) => {
  const count = shiftCount(p, i, 2);
  if (count === undefined) return writeBack(p, i);
  const a = p.readModify(i.operands[0]);
  const b = p.read(i.operands[1]);
  const joined = p.or(p.shr(a, count), p.shl(b, p.sub(p.constant(i.size), count)));
  const result = doubleResult(p, i, count, a, joined);
  p.write(i.operands[0], result);
  unlessZero(p, i, 2, count, () => {
    // The bit below the result's sign is the old sign when the count is 1: OF is whether the sign changed.
    const overflow = p.and(p.xor(result, p.shr(result, p.constant(1))), p.constant(signBit(i.size) >> 1n));
    p.flagsArithmetic(result, p.xor(spread(p, p.shr(a, p.sub(count, p.constant(1)))), overflow), i.size);
  });
};

/** With a count of 0 the other half would be shifted by its whole size, which a 64-bit shift takes as 0. */
function doubleResult<V>(p: Vocabulary<V>, i: Instruction, count: V, unchanged: V, joined: V): V {
  return i.size === 64 && i.operands[2].kind === 'register' ? p.select(count, joined, unchanged) : joined;
}

export const shifts: Category = { shl, shr, sar, shld, shrd };
