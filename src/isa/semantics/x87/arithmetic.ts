import type { Category, Semantics } from '../semantics.ts';
import { waiting } from './available.ts';
import { type Format, registerOf, source } from './operands.ts';
import { minus, Stack } from './stack.ts';

/** Arithmetic of the x87 FPU: two operands or one, results in registers. */

/** `op dest, source`, where the destination is ST(0) with a memory operand; `pops` ST(0) then. */
const twoOperands = (helper: string, format: Format, pops: boolean): Semantics =>
  waiting((p, i) => {
    const stack = new Stack(p);
    const to = registerOf(i, 0);
    const [low, high, status, has] = stack.compute(helper, [stack.get(to), source(p, i, stack, format)], 4);
    stack.put(to, [low!, high!], has!);
    if (pops) stack.free(0, has!);
    stack.retire(i, status!, pops ? has! : p.constant(0));
  });

/** ST(0) becomes what the helper makes of it. */
const one = (helper: string): Semantics =>
  waiting((p, i) => {
    const stack = new Stack(p);
    const [low, high, status, has] = stack.compute(helper, [stack.get(0)], 4);
    stack.put(0, [low!, high!], has!);
    stack.retire(i, status!, p.constant(0));
  });

/** ST(0) becomes what the helper makes of it and ST(1). */
const withNext = (helper: string): Semantics =>
  waiting((p, i) => {
    const stack = new Stack(p);
    const [low, high, status, has] = stack.compute(helper, [stack.get(0), stack.get(1)], 4);
    stack.put(0, [low!, high!], has!);
    stack.retire(i, status!, p.constant(0));
  });

/** ST(1) becomes what the helper makes of it and ST(0), which is popped. */
const intoNext = (helper: string): Semantics =>
  waiting((p, i) => {
    const stack = new Stack(p);
    const [low, high, status, has] = stack.compute(helper, [stack.get(1), stack.get(0)], 4);
    stack.put(1, [low!, high!], has!);
    stack.free(0, has!);
    stack.retire(i, status!, has!);
  });

/** ST(0) becomes the first result of the helper, the second one is pushed. */
const twoResults = (helper: string): Semantics =>
  waiting((p, i) => {
    const stack = new Stack(p);
    const [low, high, low2, high2, status, has, pushes] = stack.compute(helper, [stack.get(0)], 7, stack.isUsed(-1));
    stack.put(0, [low!, high!], has!);
    stack.put(-1, [low2!, high2!], pushes!);
    stack.retire(i, status!, minus(p, pushes!));
  });

const BASIC = ['add', 'sub', 'subr', 'mul', 'div', 'divr'] as const;

export const arithmetic: Category = {
  ...Object.fromEntries(
    BASIC.flatMap((name) => [
      [`f${name}`, twoOperands(name, 'float', false)],
      [`f${name}p`, twoOperands(name, 'float', true)],
      [`fi${name}`, twoOperands(name, 'integer', false)],
    ]),
  ),
  fsqrt: one('sqrt'),
  frndint: one('rndint'),
  fchs: one('chs'),
  fabs: one('abs'),
  f2xm1: one('2xm1'),
  fsin: one('sin'),
  fcos: one('cos'),
  fscale: withNext('scale'),
  fprem: withNext('prem'),
  fprem1: withNext('prem1'),
  fpatan: intoNext('patan'),
  fyl2x: intoNext('yl2x'),
  fyl2xp1: intoNext('yl2xp1'),
  fptan: twoResults('tan'),
  fsincos: twoResults('sincos'),
  fxtract: twoResults('xtract'),
};
