import type { Instruction, Operand } from '../../instruction.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import type { Category, Semantics } from '../semantics.ts';
import { avx, isVex, mustBeAligned, sse } from './available.ts';

/** Bitwise operations on whole registers (SDM Vol. 2: PAND, PANDN, POR, PXOR, ANDPS and their like). */

/** Quadwords of a source: in the legacy encodings memory must be aligned. */
export function source<V>(p: Vocabulary<V>, i: Instruction, operand: Operand): V[] {
  if (operand.kind === 'memory' && operand.size === 128 && !isVex(i)) mustBeAligned(p, p.address(operand), 16);
  return p.readQuads(operand);
}

type Bitwise = <V>(p: Vocabulary<V>, a: V, b: V) => V;

/** `op dst, src` or `vop dst, a, b`. */
const bitwise =
  (operation: Bitwise): Semantics =>
  (p, i) => {
    const b = source(p, i, i.operands.at(-1)!);
    const a = p.readQuads(i.operands.at(-2)!);
    p.writeQuads(
      i.operands[0]!,
      a.map((x, n) => operation(p, x, b[n]!)),
      isVex(i),
    );
  };

const and: Bitwise = (p, a, b) => p.and(a, b);
const andn: Bitwise = (p, a, b) => p.and(p.not(a), b);
const or: Bitwise = (p, a, b) => p.or(a, b);
const xor: Bitwise = (p, a, b) => p.xor(a, b);

const OPERATIONS: Readonly<Record<string, Bitwise>> = {
  pand: and,
  andps: and,
  andpd: and,
  pandn: andn,
  andnps: andn,
  andnpd: andn,
  por: or,
  orps: or,
  orpd: or,
  pxor: xor,
  xorps: xor,
  xorpd: xor,
};

export const logical: Category = Object.fromEntries(
  Object.entries(OPERATIONS).flatMap(([name, operation]) => [
    [name, sse(bitwise(operation))],
    [`v${name}`, avx(bitwise(operation))],
  ]),
);
