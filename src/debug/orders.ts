import type { EssentialOrder, Explanation } from '../explore/explain/explain.ts';
import { conflict, type Moment, momentsOf, type Pair } from './conflicts.ts';
import type { Trace } from './happening.ts';
import { reads, writes } from './happening.ts';

/** Accesses of one step to memory or text. */
function accessesAt(trace: Trace, at: number): Moment[] {
  return momentsOf(trace).flatMap(({ at: step, order, h }) =>
    step === at && (h.what === 'fetch' || reads(h) || writes(h)) ? [{ at, order, core: h.core, what: h }] : [],
  );
}

/** The two accesses by which two steps are in conflict: of a locked change its store. */
function pairOf(firsts: readonly Moment[], seconds: readonly Moment[]): Pair | undefined {
  for (const second of [...seconds].reverse()) {
    const first = firsts.findLast((m) => conflict(m, second));
    if (first !== undefined) return { first, second };
  }
  return undefined;
}

const pairsOf = (trace: Trace, orders: readonly EssentialOrder[]): Pair[] =>
  orders.flatMap(({ first, second }) => pairOf(accessesAt(trace, first), accessesAt(trace, second)) ?? []);

/** Essential orders that follow from others in the run, as accesses. */
export const impliedOrders = (trace: Trace, explanation: Explanation): Pair[] => pairsOf(trace, explanation.implied);

/** The orders that an explanation found essential as accesses, the latest first. `passing` is the trace of the run that passes. */
export function essentialOrders(trace: Trace, explanation: Explanation, passing: Trace | undefined): Pair[] {
  const within = pairsOf(trace, explanation.essential);
  if (passing === undefined) return within;
  const beyond = explanation.early.flatMap(({ first, second }) => pairOf(accessesAt(trace, first), accessesAt(passing, second)) ?? []);
  // What the run did not get to has no place in it.
  return [...within, ...beyond.map(({ first, second }) => ({ first, second: { ...second, at: Infinity, order: Infinity } }))];
}
