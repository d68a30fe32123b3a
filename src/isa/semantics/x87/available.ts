import { Vector } from '../../core-state.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import type { Semantics } from '../semantics.ts';

const CR0_MP = 2n;
const CR0_EM = 4n;
const CR0_TS = 8n;
const CR0_NE = 0x20n;
const ES = 0x80n;

/** #NM where there is no FPU, or its state has been switched away (SDM Vol. 3, "Device Not Available Exception (#NM)"). */
function begin<V>(p: Vocabulary<V>): void {
  p.when(p.and(p.state('cr0'), p.constant(CR0_EM | CR0_TS)), () => p.raise(Vector.NM));
  p.useExtended();
}

/**
 * #MF for an unmasked exception of an earlier instruction. With CR0.NE clear a processor would report it through pins that nothing is connected to
 * here: it is ignored.
 */
export function reportPending<V>(p: Vocabulary<V>): void {
  const isReported = p.and(
    p.ne(p.and(p.state('fsw'), p.constant(ES)), p.constant(0)),
    p.ne(p.and(p.state('cr0'), p.constant(CR0_NE)), p.constant(0)),
  );
  p.when(isReported, () => p.raise(Vector.MF));
}

/** An instruction that waits for earlier exceptions. */
export const waiting =
  (semantics: Semantics): Semantics =>
  (p, i) => {
    begin(p);
    reportPending(p);
    semantics(p, i);
  };

/** FNINIT and its like: earlier exceptions stay pending. */
export const notWaiting =
  (semantics: Semantics): Semantics =>
  (p, i) => {
    begin(p);
    semantics(p, i);
  };

/** FWAIT is #NM only where CR0.MP and CR0.TS are both set. */
export const wait: Semantics = (p) => {
  const both = p.constant(CR0_MP | CR0_TS);
  p.when(p.eq(p.and(p.state('cr0'), both), both), () => p.raise(Vector.NM));
  p.useExtended();
  reportPending(p);
};
