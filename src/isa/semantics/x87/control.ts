import { BUSY, ES, EXCEPTIONS, SF, TOP } from '../../helpers/x87-word.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import { type Category, nothing, type Semantics } from '../semantics.ts';
import { beginMmx } from '../simd/mmx-state.ts';
import { notWaiting, wait, waiting } from './available.ts';
import { registerOf } from './operands.ts';
import { minus, Stack } from './stack.ts';

/** Control of the x87 FPU: its words, its stack pointer, EMMS. */

/** Reserved bits of the control word: bit 6 is always set, the upper three never. */
const CONTROL_WORD = 0x1f3fn;
const ALWAYS_SET = 0x40n;

/** A control word as FLDCW, FLDENV and FXRSTOR take it. */
export const controlWord = <V>(p: Vocabulary<V>, value: V): V => p.or(p.and(value, p.constant(CONTROL_WORD)), p.constant(ALWAYS_SET));

/** Bits 7 and 15 of the status word as its flags and the masks of `control` make them. */
export function summarized<V>(p: Vocabulary<V>, control: V, status: V): V {
  const pending = p.ne(p.and(p.and(status, p.not(control)), p.constant(EXCEPTIONS)), p.constant(0));
  return p.or(p.and(status, p.constant(~(ES | BUSY) & 0xffff)), p.select(pending, p.constant(ES | BUSY), p.constant(0)));
}

/** FLDCW may unmask an exception that happened before: then it is pending. */
const loadControl: Semantics = waiting((p, i) => {
  const control = controlWord(p, p.read(i.operands[0]!));
  p.setState('fcw', control);
  p.setState('fsw', summarized(p, control, p.state('fsw')));
});

const storeControl: Semantics = notWaiting((p, i) => p.write(i.operands[0]!, p.state('fcw')));
const storeStatus: Semantics = notWaiting((p, i) => p.write(i.operands[0]!, p.state('fsw')));

const initialize: Semantics = notWaiting((p) => reset(p));

/** State after FNINIT (SDM Vol. 2, "FINIT/FNINIT"). */
export function reset<V>(p: Vocabulary<V>): void {
  p.setState('fcw', p.constant(0x37f));
  for (const word of ['fsw', 'ftw', 'fop', 'fip', 'fdp'] as const) p.setState(word, p.constant(0));
}

const clearExceptions: Semantics = notWaiting((p) =>
  p.setState('fsw', p.and(p.state('fsw'), p.constant(~(EXCEPTIONS | SF | ES | BUSY) & 0xffff))),
);

const moveTop = (by: 1 | -1): Semantics =>
  waiting((p, i) => {
    const stack = new Stack(p);
    stack.retire(i, stack.plainStatus, by === 1 ? p.constant(1) : minus(p, p.constant(1)));
  });

/** EMMS: all registers are empty, for the FPU to use. TOP becomes 0, as with every instruction of MMX. */
const emptyMmx: Semantics = (p) => {
  beginMmx(p);
  p.setState('fsw', p.and(p.state('fsw'), p.constant(~TOP & 0xffff)));
  p.setState('ftw', p.constant(0));
};

/** FFREE, and FFREEP, which pops too. */
const free = (pops: boolean): Semantics =>
  waiting((p, i) => {
    const stack = new Stack(p);
    stack.free(registerOf(i, 0), p.constant(1));
    if (pops) stack.free(0, p.constant(1));
    stack.retire(i, stack.plainStatus, p.constant(pops ? 1 : 0));
  });

export const control: Category = {
  fldcw: loadControl,
  fnstcw: storeControl,
  fnstsw: storeStatus,
  fninit: initialize,
  fnclex: clearExceptions,
  fincstp: moveTop(1),
  fdecstp: moveTop(-1),
  ffree: free(false),
  ffreep: free(true),
  fnop: waiting(nothing),
  wait,
  emms: emptyMmx,
  // Instructions of the 8087 and 80287 that later FPUs take for FNOP.
  fneni: notWaiting(nothing),
  fndisi: notWaiting(nothing),
  fnsetpm: notWaiting(nothing),
};
