import { RAX, RCX, RDX, ymmOffset } from '../../core-state.ts';
import type { Category, Semantics } from '../semantics.ts';
import { isVex } from './available.ts';
import { immediate, withVex } from './operands.ts';

/**
 * PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM and their VEX forms. Memory need not be aligned. `64`: lengths of 64 bits, with REX.W; the index goes to ECX, the
 * mask to XMM0.
 */
const compareStrings =
  (lengths: 'explicit' | 'explicit64' | 'implicit', gives: 'index' | 'mask'): Semantics =>
  (p, i) => {
    const b = p.readQuads(i.operands[1]!);
    const a = p.readQuads(i.operands[0]!);
    const size = lengths === 'explicit64' ? 64 : 32;
    const length = (n: number) => p.signExtend(p.register(n, size), size);
    const [helper, more] = lengths === 'implicit' ? ['strings.implicit', []] : ['strings.explicit', [length(RAX), length(RDX)]];
    const [index, low, high, flags] = p.compute(helper as string, [...a, ...b, immediate(p, i), ...(more as (typeof a)[number][])], 4);
    if (gives === 'index') p.setRegister(RCX, 32, index!);
    else {
      const zero = p.constant(0);
      [low!, high!, ...(isVex(i) ? [zero, zero] : [])].forEach((quad, n) => p.setStacked(ymmOffset(0) + 8 * n, zero, quad));
    }
    p.setArithmeticFlags(flags!);
  };

export const strings: Category = withVex({
  pcmpestri: compareStrings('explicit', 'index'),
  pcmpestri64: compareStrings('explicit64', 'index'),
  pcmpestrm: compareStrings('explicit', 'mask'),
  pcmpestrm64: compareStrings('explicit64', 'mask'),
  pcmpistri: compareStrings('implicit', 'index'),
  pcmpistrm: compareStrings('implicit', 'mask'),
});
