import type { Instruction, Operand } from '../../instruction.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import type { Category, Semantics } from '../semantics.ts';
import { avx, isVex, mustBeAligned, sse } from './available.ts';
import { mmx } from './mmx-state.ts';

/** Whether the instruction works on MMX registers. */
export const isMmx = (i: Instruction): boolean => i.operands.some((o) => o.kind === 'vector' && o.size === 64);

/** Quadwords of a source of the size of a register. In the legacy encodings 16 bytes of memory must be aligned. */
export function source<V>(p: Vocabulary<V>, i: Instruction, operand: Operand): V[] {
  if (operand.kind === 'memory' && operand.size === 128 && !isVex(i)) mustBeAligned(p, p.address(operand), 16);
  return p.readQuads(operand);
}

/**
 * Writes a register, or memory. VEX clears what is above in a YMM register; the exponent of an MMX register becomes all ones (SDM Vol. 1, "MMX State and x87
 * FPU State").
 */
export function result<V>(p: Vocabulary<V>, i: Instruction, operand: Operand, quads: readonly V[]): void {
  if (operand.kind === 'vector' && operand.size === 64) p.writeQuads(operand, [quads[0] as V, p.constant(0xffff)]);
  else p.writeQuads(operand, quads, isVex(i));
}

/** The sources of `op a, b` (a is the destination, too) and of `vop dst, a, b`. */
export function sources<V>(p: Vocabulary<V>, i: Instruction): { readonly a: V[]; readonly b: V[] } {
  const b = source(p, i, i.operands.at(-1)!);
  return { a: p.readQuads(i.operands.at(-2)!), b };
}

/** The immediate operand at the end: known when the instruction runs, not before. */
export const immediate = <V>(p: Vocabulary<V>, i: Instruction): V => p.zeroExtend(p.read(i.operands.at(-1)!), 8);

/** Entries for the legacy mnemonic, MMX and SSE, and for the VEX one. */
export function withVex(entries: Readonly<Record<string, Semantics>>): Category {
  return Object.fromEntries(
    Object.entries(entries).flatMap(([name, semantics]) => [
      [name, legacy(semantics)],
      [`v${name}`, avx(semantics)],
    ]),
  );
}

const legacy = (semantics: Semantics): Semantics => {
  const [forMmx, forSse] = [mmx(semantics), sse(semantics)];
  return (p, i) => (isMmx(i) ? forMmx(p, i) : forSse(p, i));
};

/** Only VEX: the name begins with v. */
export const onlyVex = (entries: Readonly<Record<string, Semantics>>): Category =>
  Object.fromEntries(Object.entries(entries).map(([name, semantics]) => [name, avx(semantics)]));

/** Only legacy. */
export const onlyLegacy = (entries: Readonly<Record<string, Semantics>>): Category =>
  Object.fromEntries(Object.entries(entries).map(([name, semantics]) => [name, legacy(semantics)]));
