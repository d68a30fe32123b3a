import { CORE, Stop } from '../engine/layout.ts';
import { Activity } from '../isa/core-state.ts';
import type { Core } from './core.ts';
import { type FetchChoice, taken } from './fetch.ts';
import type { InstructionCaches } from './icache.ts';
import type { Machine } from './machine.ts';

/** Something that can happen to a line of a core's instruction cache; `line` is the physical address of its first byte. */
export type CacheChoice =
  /** The invalidation that a store sent arrives. */
  | { readonly kind: 'invalidate'; readonly core: number; readonly line: number }
  /** The line makes room for one that the core's fetch needs. */
  | { readonly kind: 'evict'; readonly core: number; readonly line: number }
  /** The line is filled before it is needed. */
  | { readonly kind: 'prefetch'; readonly core: number; readonly line: number };

/** Whether a fetch has to wait for a line to make room. */
export const waitsForRoom = (caches: InstructionCaches, core: Core, fetch: FetchChoice): boolean =>
  caches.inTheWay(core, taken(fetch)).length > 0;

/** Adds what can happen to a core's cache: invalidations before evictions before lines that are filled ahead, each by address. */
export function cacheChoices(machine: Machine, caches: InstructionCaches, core: Core, out: { push(choice: CacheChoice): unknown }): void {
  const add = (kind: CacheChoice['kind'], lines: readonly number[]): void => {
    for (const line of [...lines].sort((a, b) => a - b)) out.push({ kind, core: core.index, line });
  };
  add('invalidate', caches.waiting(core));
  const stop = core.raw(CORE.stop);
  if (core.activity !== Activity.running || stop === Stop.lost) return;
  const at = machine.fetchAt(core);
  if (!('physical' in at)) return;
  const ahead = caches.ahead(core, at.physical);
  const fetch = stop === Stop.fetch ? machine.fetch.choices(core, machine.fetchWindow(core, at.physical))[0] : undefined;
  const missing = fetch === undefined ? [] : caches.missing(core, taken(fetch));
  if (fetch !== undefined) add('evict', caches.inTheWay(core, taken(fetch)));
  // What a fetch needs comes first: a line that is filled ahead takes no room from it.
  add('prefetch', missing.length === 0 ? ahead : ahead.filter((line) => missing.includes(line)));
}

/** Makes a choice happen. */
export function performOnCache(caches: InstructionCaches, core: Core, { kind, line }: CacheChoice): void {
  if (kind === 'prefetch') caches.fill(core, line, 'prefetched');
  else caches.drop(core, line, kind === 'evict' ? 'evicted' : 'invalidated');
}
