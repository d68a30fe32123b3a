import type { Vocabulary } from '../vocabulary.ts';
import type { Category, Semantics } from './semantics.ts';

/** Bitwise logic (SDM Vol. 2: AND, OR, XOR, TEST, NOT). NOT affects no flags. */

type Operation = <V>(p: Vocabulary<V>, a: V, b: V) => V;

const logic =
  (operation: Operation): Semantics =>
  (p, i) => {
    const [destination, source] = i.operands;
    const a = p.readModify(destination);
    const r = operation(p, a, p.read(source));
    p.write(destination, r);
    p.flagsLogic(r, i.size);
  };

const test: Semantics = (p, i) => {
  const a = p.read(i.operands[0]);
  p.flagsLogic(p.and(a, p.read(i.operands[1])), i.size);
};

const not: Semantics = (p, i) => {
  p.write(i.operands[0], p.not(p.readModify(i.operands[0])));
};

export const logical: Category = {
  and: logic((p, a, b) => p.and(a, b)),
  or: logic((p, a, b) => p.or(a, b)),
  xor: logic((p, a, b) => p.xor(a, b)),
  test,
  not,
};
