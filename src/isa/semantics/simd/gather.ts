import type { Instruction } from '../../instruction.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import type { Category, Semantics } from '../semantics.ts';
import { lanes, packLanes } from './lanes.ts';
import { onlyVex, result } from './operands.ts';

/**
 * VGATHERxxx, VPGATHERxx (SDM Vol. 2). One execution fetches one element and stays at the instruction while more are due: when an element faults, those before
 * it are there and their masks are clear, as the manual has it. The decoder gives the index register as a fourth operand.
 */
const gather =
  (indexSize: 32 | 64, size: 32 | 64): Semantics =>
  <V>(p: Vocabulary<V>, i: Instruction): void => {
    const [to, memory, mask, index] = i.operands;
    const count = Math.min(to!.size / size, index!.size / indexSize);
    const masks = lanes(p, p.readQuads(mask!), size).slice(0, count);
    const bit = (v: V, n: number): V => p.shl(p.ne(v, p.constant(0)), p.constant(n));
    // An element whose mask is not set has it cleared when its turn comes, no sooner.
    const due = masks.map((m, n) => bit(m, n)).reduce((a, b) => p.or(a, b));
    const which = p.ctz(due);
    const isHere = (n: number): V => p.eq(which, p.constant(n));
    const here = (values: readonly V[]): V => values.reduce((found, x, n) => p.select(isHere(n), x, found));
    const isSet = p.and(p.ne(due, p.constant(0)), p.shr(here(masks), p.constant(size - 1)));
    const old = lanes(p, p.readQuads(to!), size);
    const indexes = lanes(p, p.readQuads(index!), indexSize, true).slice(0, count);
    const offset = p.add(p.offset(memory!), p.shl(here(indexes), p.indexScale()));
    const address = p.add(p.segmentBase(), p.zeroExtend(offset, i.addressSize));
    const value = p.variable(p.constant(0));
    p.when(isSet, () => value.set(p.load(address, size, 'operand')));
    const element = value.get();
    const left = p.and(due, p.sub(due, p.constant(1)));
    const out = old.map((x, n) => (n < count ? p.select(p.and(isSet, isHere(n)), element, x) : p.constant(0)));
    const still = Array.from({ length: mask!.size / size }, (_, n) =>
      n < count ? p.select(p.and(left, p.constant(1 << n)), masks[n] as V, p.constant(0)) : p.constant(0),
    );
    // What lies behind the elements is cleared at the end.
    p.when(
      left,
      () => {
        const kept = lanes(p, p.readQuads(to!), size);
        const keptMask = lanes(p, p.readQuads(mask!), size);
        p.writeQuads(
          to!,
          packLanes(
            p,
            out.map((x, n) => (n < count ? x : (kept[n] as V))),
            size,
          ),
        );
        p.writeQuads(
          mask!,
          packLanes(
            p,
            still.map((x, n) => (n < count ? x : (keptMask[n] as V))),
            size,
          ),
        );
        p.again();
      },
      () => {
        result(p, i, to!, packLanes(p, out, size));
        result(p, i, mask!, packLanes(p, still, size));
      },
    );
  };

export const gathers: Category = onlyVex({
  vpgatherdd: gather(32, 32),
  vpgatherdq: gather(32, 64),
  vpgatherqd: gather(64, 32),
  vpgatherqq: gather(64, 64),
  vgatherdps: gather(32, 32),
  vgatherdpd: gather(32, 64),
  vgatherqps: gather(64, 32),
  vgatherqpd: gather(64, 64),
});
