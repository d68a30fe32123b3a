import { Vector } from '../core-state.ts';
import { type Category, nothing, type Semantics } from './semantics.ts';

/**
 * Hints and ordering (SDM Vol. 2: NOP, PAUSE, ENDBR, PREFETCH, CLFLUSH, CLFLUSHOPT, CLWB, LFENCE, SFENCE, MFENCE, WAIT).
 *
 * LFENCE and SFENCE order nothing that x86-TSO leaves unordered for ordinary memory: stores leave the buffer in order already.
 */

/** A line flush checks its address as a byte load does (SDM Vol. 2, "CLFLUSH"). There is no cache to flush. */
const flushLine: Semantics = (p, i) => {
  p.load(p.address(i.operands[0]), 8, 'operand');
};

const CR0_MP = 1 << 1;
const CR0_TS = 1 << 3;

/** No x87 exception can be pending; #NM where the OS wants to know of x87 use. */
const wait: Semantics = (p) => {
  const both = p.constant(CR0_MP | CR0_TS);
  p.when(p.eq(p.and(p.state('cr0'), both), both), () => p.raise(Vector.NM));
};

export const hints: Category = {
  nop: nothing,
  reservednop: nothing,
  pause: nothing,
  endbr32: nothing,
  endbr64: nothing,
  lfence: nothing,
  sfence: nothing,
  prefetch: nothing,
  prefetchw: nothing,
  prefetchwt1: nothing,
  prefetchnta: nothing,
  prefetcht0: nothing,
  prefetcht1: nothing,
  prefetcht2: nothing,
  prefetchit0: nothing,
  prefetchit1: nothing,
  cldemote: nothing,
  // NOPs while shadow stacks are off (SDM Vol. 2, "RDSSPD/RDSSPQ").
  rdsspd: nothing,
  rdsspq: nothing,
  prefetchreserved3: nothing,
  prefetchreserved4: nothing,
  prefetchreserved5: nothing,
  prefetchreserved6: nothing,
  prefetchreserved7: nothing,
  clflush: flushLine,
  clflushopt: flushLine,
  clwb: flushLine,
  mfence: (p) => p.drainStoreBuffer(),
  wait,
};
