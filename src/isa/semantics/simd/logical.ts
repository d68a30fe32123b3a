import type { Instruction } from '../../instruction.ts';
import type { BlockOperation, Vocabulary } from '../../vocabulary.ts';
import type { Semantics } from '../semantics.ts';
import { isVex } from './available.ts';
import type { Binary } from './lanes.ts';
import { result, sources, withVex } from './operands.ts';

/** Bitwise operations on whole registers (SDM Vol. 2: PAND, PANDN, POR, PXOR, ANDPS and their like). */

/** The same operation on each quadword; `name` where there is a vector instruction that does so. */
export const quadwise =
  (operation: Binary, name?: BlockOperation): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    const { a, b } = sources(p, i);
    const each = (x: readonly V[], y: readonly V[]): V[] => x.map((v, n) => operation(p, v, y[n] as V));
    result(p, i, i.operands[0]!, name === undefined ? each(a, b) : p.blockwise(name, [a, b], each));
  };

const and = quadwise((p, a, b) => p.and(a, b), 'and');
const andn = quadwise((p, a, b) => p.and(p.not(a), b), 'andNot');
const or = quadwise((p, a, b) => p.or(a, b), 'or');
const xor = quadwise((p, a, b) => p.xor(a, b), 'xor');

/** Sets ZF where `a` and `b` have no bit in common, CF where `b` has none that `a` lacks; only bits in `mask` count (PTEST, VTESTPS, VTESTPD). */
const test =
  (mask: bigint): Semantics =>
  (p, i) => {
    const b = i.operands[1]!.kind === 'memory' && !isVex(i) ? sources(p, i).b : p.readQuads(i.operands[1]!);
    const a = p.readQuads(i.operands[0]!);
    const any = (f: Binary): ReturnType<typeof p.constant> =>
      p.and(
        a.map((x, n) => f(p, x, b[n]!)).reduce((x, y) => p.or(x, y)),
        p.constant(mask),
      );
    const zero = p.constant(0);
    const zf = p.eq(
      any((q, x, y) => q.and(x, y)),
      zero,
    );
    const cf = p.eq(
      any((q, x, y) => q.and(q.not(x), y)),
      zero,
    );
    p.setFlags({ ZF: zf, CF: cf, OF: zero, AF: zero, PF: zero, SF: zero });
  };

export const logical = {
  ...withVex({
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
    ptest: test(0xffffffffffffffffn),
    // The legacy names do not exist.
    testps: test(0x8000000080000000n),
    testpd: test(0x8000000000000000n),
  }),
};
