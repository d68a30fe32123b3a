import { Vector } from '../../core-state.ts';
import type { Category } from '../semantics.ts';
import { withVex } from './operands.ts';

/** Bits of MXCSR that may be set (SDM Vol. 1, "MXCSR Control and Status Register": MXCSR_MASK). */
const MXCSR_MASK = 0xffffn;

/** LDMXCSR and STMXCSR (SDM Vol. 2). */
export const floatControl: Category = withVex({
  ldmxcsr: (p, i) => {
    const value = p.read(i.operands[0]!);
    p.when(p.and(value, p.constant(~MXCSR_MASK)), () => p.raise(Vector.GP, 0));
    p.setState('mxcsr', value);
  },
  stmxcsr: (p, i) => p.write(i.operands[0]!, p.state('mxcsr')),
});
