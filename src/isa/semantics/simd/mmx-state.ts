import { Vector } from '../../core-state.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import type { Semantics } from '../semantics.ts';
import { reportPending } from '../x87/available.ts';

const CR0_EM = 1n << 2n;
const CR0_TS = 1n << 3n;
/** TOP in the status word. */
const TOP = 0x3800n;

/** #UD, #NM or a pending x87 exception. */
export function beginMmx<V>(p: Vocabulary<V>): void {
  const cr0 = p.state('cr0');
  p.when(p.and(cr0, p.constant(CR0_EM | CR0_TS)), () => {
    p.when(p.and(cr0, p.constant(CR0_EM)), () => p.raise(Vector.UD));
    p.raise(Vector.NM);
  });
  p.useExtended();
  reportPending(p);
}

/** The transition to MMX, which stays when the instruction faults behind it. */
export function enterMmx<V>(p: Vocabulary<V>): void {
  p.setStateEarly('fsw', p.and(p.state('fsw'), p.constant(~TOP)));
  p.setStateEarly('ftw', p.constant(0xff));
}

/**
 * An instruction on MMX registers: #UD, #NM or a pending x87 exception come first; behind it all registers are in use and TOP is 0 (SDM Vol. 1, "Transitions
 * Between x87 FPU and MMX Code"; SDM Vol. 2, "Exception Conditions for Legacy SIMD Instructions").
 */
export const mmx =
  (semantics: Semantics): Semantics =>
  (p, i) => {
    // MASKMOVQ changes the state before it stores, as measured: a fault of the store finds it changed.
    const isEarly = i.mnemonic === 'maskmovq';
    beginMmx(p);
    if (isEarly) enterMmx(p);
    semantics(p, i);
    if (isEarly) return;
    p.setState('fsw', p.and(p.state('fsw'), p.constant(~TOP)));
    p.setState('ftw', p.constant(0xff));
  };
