import type { Vocabulary } from '../../vocabulary.ts';
import type { Category, Semantics } from '../semantics.ts';
import { waiting } from './available.ts';
import { type Format, source } from './operands.ts';
import { Stack } from './stack.ts';

/** Comparisons: the result is in the condition codes, or in the flags. */

const compare = (helper: string, format: Format, pops: 0 | 1 | 2): Semantics =>
  waiting((p, i) => {
    const stack = new Stack(p);
    const [, status, has] = stack.compute(helper, [stack.get(0), source(p, i, stack, format)], 3);
    for (let n = 0; n < pops; n++) stack.free(n, has!);
    stack.retire(i, status!, p.mul(has!, p.constant(pops)));
  });

/** FTST: ST(0) with 0.0. */
const test: Semantics = waiting((p, i) => {
  const stack = new Stack(p);
  const [, status] = stack.compute('com', [stack.get(0), [p.constant(0), p.constant(0)]], 3);
  stack.retire(i, status!, p.constant(0));
});

/** FCOMI: condition codes C0, C2 and C3 go to CF, PF and ZF; the other arithmetic flags are cleared. */
const compareToFlags = (helper: string, pops: boolean): Semantics =>
  waiting((p, i) => {
    const stack = new Stack(p);
    const [codes, status, has] = stack.compute(helper, [stack.get(0), source(p, i, stack, 'float')], 3);
    if (pops) stack.free(0, has!);
    stack.retire(i, status!, pops ? has! : p.constant(0));
    p.setArithmeticFlags(flagsOf(p, codes!));
  });

/** ZF, PF and CF stand eight places below C3, C2 and C0. */
const flagsOf = <V>(p: Vocabulary<V>, codes: V): V => p.shr(codes, p.constant(8));

const examine: Semantics = waiting((p, i) => {
  const stack = new Stack(p);
  const [status] = p.compute('x87.examine', [stack.status, ...stack.get(0)], 1);
  stack.retire(i, status!, p.constant(0));
});

export const comparisons: Category = {
  fcom: compare('com', 'float', 0),
  fcomp: compare('com', 'float', 1),
  fcompp: compare('com', 'float', 2),
  ficom: compare('com', 'integer', 0),
  ficomp: compare('com', 'integer', 1),
  fucom: compare('ucom', 'float', 0),
  fucomp: compare('ucom', 'float', 1),
  fucompp: compare('ucom', 'float', 2),
  fcomi: compareToFlags('comi', false),
  fcomip: compareToFlags('comi', true),
  fucomi: compareToFlags('ucomi', false),
  fucomip: compareToFlags('ucomi', true),
  ftst: test,
  fxam: examine,
};
