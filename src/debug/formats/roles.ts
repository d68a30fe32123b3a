import type { Trace } from '../happening.ts';

/** What each core is there for, in a word: the function that it runs, `patcher` for one of the host, `idle` for one that does nothing of its own. */
export function rolesIn(trace: Trace): string[] {
  const patching = new Set(trace.steps.flatMap((s) => s.happened.flatMap((h) => (h.what === 'mark' ? [h.core] : []))));
  return Array.from({ length: trace.cores }, (_, core) => trace.roles[core] || (patching.has(core) ? 'patcher' : 'idle'));
}

/** A function by a place in it: `patcher_stub` for `patcher_stub+0x2`. */
export const functionOf = (symbol: string): string => symbol.replace(/\+(0x[0-9a-f]+|\d+)$/, '');
