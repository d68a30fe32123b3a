import type { Semantics } from '../semantics.ts';
import { putLowest, putValues, type Shape, values } from './float-elements.ts';
import { Environment } from './float-environment.ts';

/** Which operands are multiplied and which is added, by the digits of the name; NaNs go in this order. */
const ORDERS = { 132: [0, 2, 1], 213: [1, 0, 2], 231: [1, 2, 0] } as const;
export const FUSED_ORDERS = ['132', '213', '231'] as const;
export type FusedOrder = (typeof FUSED_ORDERS)[number];

/** FMA: a product and a sum rounded once, by one operation on the even elements and by another one on the odd (SDM Vol. 2: VFMADD132PS and its like). */
export const fused =
  (even: string, odd: string, order: FusedOrder) =>
  (shape: Shape): Semantics =>
  (p, i) => {
    const environment = new Environment(p);
    const last = values(p, i, i.operands[2]!, shape);
    const operands = [values(p, i, i.operands[0]!, shape), values(p, i, i.operands[1]!, shape), last];
    const ordered = ORDERS[order].map((n) => operands[n]!);
    const out = shape.scalar ? environment.each(shape, even, ...ordered) : environment.quads(shape.size, [even, odd], ...ordered);
    environment.finish(() => {
      if (shape.scalar) putLowest(p, i, p.readQuads(i.operands[0]!), out[0]!, shape.size);
      else putValues(p, i, shape, out);
    });
  };
