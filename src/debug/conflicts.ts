import { SYNC_WORD } from './drafting.ts';
import type { Access, Fetch, Happening, Trace } from './happening.ts';
import { reads, writes } from './happening.ts';

/** One access to memory or fetch of text in its place in a run. */
export interface Moment {
  readonly at: number;
  /** Place among everything that happened. */
  readonly order: number;
  readonly core: number;
  readonly what: Access | Fetch;
}

/** Everything that happened, in order. */
export function momentsOf(trace: Trace): { at: number; order: number; h: Happening }[] {
  let order = 0;
  return trace.steps.flatMap((step) => step.happened.map((h) => ({ at: step.at, order: order++, h })));
}

/** Accesses that reach memory or take from it, without the word that counts answers to a SYNC: its order is enforced by waiting. */
export function accessesOf(trace: Trace): Moment[] {
  return momentsOf(trace).flatMap(({ at, order, h }) => {
    const counts = h.what === 'fetch' || ((reads(h) || writes(h)) && h.name !== SYNC_WORD);
    return counts ? [{ at, order, core: h.core, what: h }] : [];
  });
}

const sizeOf = (what: Access | Fetch): number => (what.what === 'fetch' ? what.length : what.size);

/** Two accesses of different cores to the same bytes, at least one of them a write: their order can matter. */
export function conflict(a: Moment, b: Moment): boolean {
  return a.core !== b.core && (writes(a.what) || writes(b.what)) && sameBytes(a.what, b.what);
}

/** Whether two accesses touch a byte in common. */
export function sameBytes(a: Access | Fetch, b: Access | Fetch): boolean {
  return a.physical < b.physical + sizeOf(b) && b.physical < a.physical + sizeOf(a);
}

/** Two conflicting accesses as they came. */
export interface Pair {
  readonly first: Moment;
  readonly second: Moment;
}

/**
 * Nearest conflicting pairs of the core where it broke with the others, the latest first: for each of its accesses, the last one before it
 * and the first one behind it. `most` accesses are looked at. Without `all`
 * a write whose bytes a fetch returned is left out.
 */
export function nearestPairs(trace: Trace, core: number, most: number, all = false): Pair[] {
  const accesses = accessesOf(trace);
  const pairs: Pair[] = [];
  for (const own of accesses
    .filter((m) => m.core === core)
    .slice(-most)
    .reverse()) {
    const next = accesses.find((m) => m.order > own.order && conflict(own, m));
    const before = accesses.filter((m) => m.order < own.order && conflict(m, own)).at(-1);
    // What a fetch returned says already that the write of those bytes came before it.
    const said = !all && before !== undefined && own.what.what === 'fetch' && !own.what.race && own.what.age.kind === 'now';
    if (before !== undefined && !said) pairs.push({ first: before, second: own });
    if (next !== undefined) pairs.push({ first: own, second: next });
  }
  return pairs;
}
