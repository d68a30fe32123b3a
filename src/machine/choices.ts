import { CORE, PAIR_FIRST, STORE_BUFFER, STORE_BUFFER_ENTRIES, Stop } from '../engine/layout.ts';
import { Activity } from '../isa/core-state.ts';
import type { Core } from './core.ts';
import type { FetchChoice } from './fetch.ts';
import { type CacheChoice, cacheChoices, performOnCache, waitsForRoom } from './icache-choices.ts';
import { deliverables } from './interrupts.ts';
import type { Machine } from './machine.ts';

/** One thing that can happen next. `core` is whose it is; a switch away from a core that could go on is a preemption. */
export type Choice =
  /** The core does its next visible operation and everything local behind it; a fetch of patched text returns `fetch`. */
  | { readonly kind: 'step'; readonly core: number; readonly fetch: FetchChoice | undefined }
  /** The oldest store of the core's buffer reaches memory (entry 1: the second half of a store over two lines, first). */
  | { readonly kind: 'drain'; readonly core: number; readonly entry: number }
  /** A pending interrupt or NMI is taken. */
  | { readonly kind: 'interrupt'; readonly core: number; readonly vector: number | 'nmi' }
  /** Something happens to a line of the core's instruction cache, where the fetch policy has one. */
  | CacheChoice;

/** Everything that can happen next, in canonical order: by core; going on before draining before interrupts before its cache; newest fetch first. */
export function choices(machine: Machine): Choice[] {
  const out: Choice[] = [];
  for (const core of machine.cores) choicesOf(machine, core, out);
  return out;
}

/** Adds what one core can do next: its part of `choices`. It depends on the core with its cache alone, on text, and on what a patcher on it waits for. */
export function choicesOf(machine: Machine, core: Core, out: Choice[]): void {
  stepsOf(machine, core, out);
  othersOf(machine, core, out);
}

/** What its store buffer, its interrupt line and its cache can do. */
export function othersOf(machine: Machine, core: Core, out: Choice[]): void {
  drains(machine, core, out);
  for (const vector of deliverables(machine, core)) out.push({ kind: 'interrupt', core: core.index, vector });
  if (machine.icache !== undefined) cacheChoices(machine, machine.icache, core, out);
}

/** How the core itself can go on. */
export function stepsOf(machine: Machine, core: Core, out: Choice[]): void {
  if (core.activity !== Activity.running) return;
  switch (core.raw(CORE.stop)) {
    case Stop.fetch: {
      const at = machine.fetchAt(core);
      if (!('physical' in at)) return;
      const window = machine.fetchWindow(core, at.physical);
      // No stop of its own: draining alone makes the fetch possible, and what a core waits for is no part of its state.
      if (machine.fetch.mustDrainFirst(core, window)) return;
      for (const fetch of machine.fetch.choices(core, window)) {
        // Likewise: a line that makes room makes the fetch possible.
        if (machine.icache !== undefined && waitsForRoom(machine.icache, core, fetch)) continue;
        out.push({ kind: 'step', core: core.index, fetch });
      }
      return;
    }
    case Stop.drain:
      // Tried again when the buffer is empty: a fence needs that, and a full buffer gains room on the way.
      if (core.raw(CORE.storeBufferCount) === 0) out.push({ kind: 'step', core: core.index, fetch: undefined });
      return;
    case Stop.lost:
      return;
    default:
      // Whether it came here when what it waits for held or when it did not is no part of its state.
      if (machine.host.waits?.(core) === true) return;
      out.push({ kind: 'step', core: core.index, fetch: undefined });
  }
}

function drains(machine: Machine, core: Core, out: Choice[]): void {
  const count = core.raw(CORE.storeBufferCount);
  if (count === 0) return;
  out.push({ kind: 'drain', core: core.index, entry: 0 });
  const flags = machine.engine.bytes[core.base + CORE.storeBuffer + STORE_BUFFER.flags] as number;
  if ((flags & PAIR_FIRST) !== 0 && count > 1) out.push({ kind: 'drain', core: core.index, entry: 1 });
}

/** Makes a choice happen. The caller has marked the journal. */
export function perform(machine: Machine, choice: Choice): void {
  const core = machine.cores[choice.core] as Core;
  switch (choice.kind) {
    case 'step':
      machine.step(core, choice.fetch);
      return;
    case 'drain':
      machine.drain(core, choice.entry);
      return;
    case 'interrupt':
      machine.interrupt(core, choice.vector);
      return;
    default:
      if (machine.icache !== undefined) performOnCache(machine.icache, core, choice);
  }
}

/** Whether the store buffer of some core is as full as it may get: what was found holds for buffers of this depth only. */
export function storeBufferFull(core: Core): boolean {
  return core.raw(CORE.stop) === Stop.drain && core.raw(CORE.storeBufferCount) >= STORE_BUFFER_ENTRIES - 2;
}
