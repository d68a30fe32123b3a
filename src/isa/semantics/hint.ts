import { type Category, nothing, type Semantics } from './semantics.ts';

/**
 * Hints and ordering (SDM Vol. 2: NOP, PAUSE, ENDBR, PREFETCH, CLFLUSH, CLFLUSHOPT, CLWB, LFENCE, SFENCE, MFENCE).
 *
 * LFENCE and SFENCE order nothing that x86-TSO leaves unordered for ordinary memory: stores leave the buffer in order already.
 */

/** A line flush checks its address as a byte load does (SDM Vol. 2, "CLFLUSH"). There is no cache to flush. */
const flushLine: Semantics = (p, i) => {
  p.load(p.address(i.operands[0]), 8, 'operand');
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
};
