import type { Instruction } from '../../instruction.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import type { Category, Semantics } from '../semantics.ts';
import { onlyLegacy, result } from './operands.ts';

/** AMD's EXTRQ and INSERTQ (APM Vol. 4): a field of bits of the low quadword. A length of 0 is 64. The upper quadword is undefined there; processors clear it. */

interface Field<V> {
  readonly mask: V;
  readonly index: V;
}

function fieldOf<V>(p: Vocabulary<V>, length: V, index: V): Field<V> {
  const bits = p.and(length, p.constant(63));
  const mask = p.select(bits, p.sub(p.shl(p.constant(1), bits), p.constant(1)), p.constant(0xffffffffffffffffn));
  return { mask, index: p.and(index, p.constant(63)) };
}

/** Length and index as two immediates (the decoder keeps the second one above the first), or as two bytes of a register. */
function control<V>(p: Vocabulary<V>, i: Instruction, quad: V | undefined): Field<V> {
  const last = i.operands.at(-1)!;
  if (last.kind === 'immediate') {
    const both = p.read(last);
    return fieldOf(p, p.zeroExtend(both, 8), p.zeroExtend(p.shr(both, p.constant(16)), 8));
  }
  return fieldOf(p, p.zeroExtend(quad as V, 8), p.zeroExtend(p.shr(quad as V, p.constant(8)), 8));
}

const extractField: Semantics = <V>(p: Vocabulary<V>, i: Instruction): void => {
  const last = i.operands.at(-1)!;
  const { mask, index } = control(p, i, last.kind === 'vector' ? p.readQuads(last)[0] : undefined);
  const [low] = p.readQuads(i.operands[0]!);
  result(p, i, i.operands[0]!, [p.and(p.shr(low as V, index), mask), p.constant(0)]);
};

const insertField: Semantics = <V>(p: Vocabulary<V>, i: Instruction): void => {
  const [value, how] = p.readQuads(i.operands[1]!);
  const { mask, index } = control(p, i, how);
  const [low] = p.readQuads(i.operands[0]!);
  const place = p.shl(mask, index);
  const inserted = p.or(p.and(low as V, p.not(place)), p.shl(p.and(value as V, mask), index));
  result(p, i, i.operands[0]!, [inserted, p.constant(0)]);
};

export const sse4a: Category = onlyLegacy({ extrq: extractField, insertq: insertField });
