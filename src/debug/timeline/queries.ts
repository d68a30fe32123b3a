import { type FetchView, fetchViews, pendingStores, readLinear, translate } from '../../machine/look.ts';
import type { Access, Fetch, Happening, Trace } from '../happening.ts';
import { writes } from '../happening.ts';
import { Debugger } from './debugger.ts';
import type { Position } from './position.ts';
import type { Timeline } from './timeline.ts';

/** Who wrote some bytes. */
export interface Writer {
  /** Linear address of the first of them, and how many. */
  readonly address: bigint;
  readonly size: number;
  /** What was written there. */
  readonly bytes: Uint8Array;
  readonly core: number;
  /** The function that made the store. */
  readonly by: string;
  /** Step in which the store was made; undefined: before the first one. */
  readonly stored: number | undefined;
  /** Step in which it came to memory; undefined: it waits in the store buffer. */
  readonly reached: number | undefined;
}

/** A store on its way: where it was made, and where it came to memory. */
interface Store {
  readonly physical: number;
  readonly size: number;
  readonly value: bigint;
  readonly core: number;
  readonly by: string;
  readonly stored: number | undefined;
  readonly reached: number | undefined;
}

/**
 * Who wrote each of the bytes at a linear address of `core`, here: the stores that reached memory last, in the order of the bytes, then those that
 * wait in store buffers, the oldest of a core first. Bytes that are from the start have no writer. The trace is the run's; it knows memory that cores share. Of
 * other memory, and without a trace, it is what changed the bytes last: `goOn` false gives that up. Neither moves the run.
 */
export function whoWrote(
  timeline: Timeline,
  core: number,
  address: bigint,
  size: number,
  trace?: Trace,
  goOn: () => boolean = () => true,
): Writer[] {
  const physical = physicalBytes(timeline, core, address, size);
  const stores = trace === undefined ? [] : storesUpTo(trace, timeline);
  const reached = stores.filter((s) => s.reached !== undefined);
  const last = physical.map((p) => (p === undefined ? undefined : reached.findLast((s) => holds(s, p))));
  const known = group(address, physical, last);
  const waiting = (trace === undefined ? pendingOf(timeline) : stores.filter((s) => s.reached === undefined)).flatMap((store) =>
    group(
      address,
      physical,
      physical.map((p) => (p !== undefined && holds(store, p) ? store : undefined)),
    ),
  );
  // Cores share a byte or they do not: what the trace has a store of is all in it, and what waits in a buffer is no change of memory yet.
  if (known.length > 0 || waiting.length > 0) return [...known, ...waiting];
  const changed = lastChange(timeline, core, address, size, goOn);
  return changed === undefined ? [] : [changed];
}

const holds = (store: Store, physical: number): boolean => physical >= store.physical && physical < store.physical + store.size;

function physicalBytes(timeline: Timeline, core: number, address: bigint, size: number): (number | undefined)[] {
  const on = timeline.machine.cores[core]!;
  return Array.from({ length: size }, (_, n) => translate(timeline.machine, on, address + BigInt(n)));
}

/** Runs of bytes of one writer. */
function group(address: bigint, physical: readonly (number | undefined)[], of: readonly (Store | undefined)[]): Writer[] {
  const out: Writer[] = [];
  for (let n = 0; n < of.length; ) {
    const store = of[n];
    let end = n + 1;
    while (end < of.length && of[end] === store) end++;
    if (store !== undefined) {
      const { core, by, stored, reached } = store;
      const bytes = Uint8Array.from(physical.slice(n, end), (p) => Number((store.value >> BigInt(8 * (p! - store.physical))) & 0xffn));
      out.push({ address: address + BigInt(n), size: end - n, bytes, core, by, stored, reached });
    }
    n = end;
  }
  return out;
}

/** Every store of the run up to here: those that reached memory in that order, then those that still wait. */
function storesUpTo(trace: Trace, timeline: Timeline): Store[] {
  const { at, inside } = timeline.position;
  const reached: Store[] = [];
  // A store buffer is first in, first out; what was in it before the first step has no event.
  const buffers: { readonly access: Access | undefined; readonly at: number | undefined }[][] = trace.buffered.map((count) =>
    Array.from({ length: count }, () => ({ access: undefined, at: undefined })),
  );
  for (const step of trace.steps) {
    // The operation that others see is the first of its step.
    if (step.at > at || (step.at === at && inside === 0)) break;
    for (const h of step.happened) {
      if (h.what !== 'access') continue;
      const { physical, size, value, core, by } = h;
      if (h.access === 'buffer') buffers[core]!.push({ access: h, at: step.at });
      else if (h.access === 'drain') {
        const from = buffers[core]!.shift();
        reached.push({ physical, size, value, core, by: from?.access?.by ?? by, stored: from?.at, reached: step.at });
      } else if (writes(h)) reached.push({ physical, size, value, core, by, stored: step.at, reached: step.at });
    }
  }
  // Inside a step some stores of the trace may not have been made yet: the buffers themselves say how many were.
  const waiting = pendingOf(timeline, (core, n) => buffers[core]![n]);
  return [...reached, ...waiting];
}

function pendingOf(
  { machine, image }: Timeline,
  made?: (core: number, n: number) => { readonly access: Access | undefined; readonly at: number | undefined } | undefined,
): Store[] {
  return machine.cores.flatMap((core) =>
    pendingStores(machine, core).map((store, n) => {
      const from = made?.(core.index, n);
      const by = from?.access?.by ?? image.symbolAt(core.linearRip)?.symbol.name ?? image.describe(core.linearRip);
      return { ...store, core: core.index, by, stored: from?.at, reached: undefined };
    }),
  );
}

/** What changed the bytes last, found by going back; the run is where it was then. */
function lastChange(timeline: Timeline, core: number, address: bigint, size: number, goOn: () => boolean): Writer | undefined {
  const here = timeline.position;
  const on = timeline.machine.cores[core]!;
  const bytes = readLinear(timeline.machine, on, address, size, 'memory');
  if (bytes.length === 0) return undefined;
  const back = new Debugger(timeline);
  back.watches.add({ address, size: bytes.length, kind: 'write' });
  try {
    const stopped = back.resume({ direction: 'back', goal: { kind: 'continue' } }, goOn);
    if (stopped?.why !== 'watch') return undefined;
    const { rip } = timeline.machine.cores[stopped.core]!;
    const by = timeline.image.symbolAt(rip)?.symbol.name ?? timeline.image.describe(rip);
    const { at } = timeline.position;
    return { address, size: bytes.length, bytes, core: stopped.core, by, stored: at, reached: at };
  } finally {
    timeline.goto(here);
  }
}

/** A fetch of patched text in its place in a run. */
export interface Fetched {
  /** Its step. */
  readonly at: number;
  readonly fetch: Fetch;
}

/** Which versions of the bytes at a linear address of `core` cores have fetched up to here, in order. */
export function whoFetched(timeline: Timeline, core: number, address: bigint, size: number, trace: Trace): Fetched[] {
  const physical = physicalBytes(timeline, core, address, size);
  const { at, inside } = timeline.position;
  const out: Fetched[] = [];
  for (const step of trace.steps) {
    if (step.at > at || (step.at === at && inside === 0)) break;
    for (const h of step.happened) {
      if (h.what !== 'fetch') continue;
      if (physical.some((p) => p !== undefined && p >= h.physical && p < h.physical + h.length)) out.push({ at: step.at, fetch: h });
    }
  }
  return out;
}

/** What cores may see at an address. */
export interface Views {
  /** What memory holds: at most the 15 bytes of an instruction. */
  readonly memory: Uint8Array;
  /** By core, the instructions that its fetch could return now, what memory holds first; empty where it maps nothing. */
  readonly cores: readonly (readonly FetchView[])[];
}

/** What the fetch of each core could return at a linear address now. `core` says whose memory. */
export function viewsOf({ machine }: Timeline, core: number, address: bigint): Views {
  return {
    memory: readLinear(machine, machine.cores[core]!, address, 15, 'memory'),
    cores: machine.cores.map((c) => fetchViews(machine, c, address)),
  };
}

/** Kinds of what one may want to go to. */
export const EVENT_KINDS = ['exception', 'interrupt', 'ipi', 'drain', 'fetch', 'stale', 'mark', 'violation', 'note'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Something that happens in step `at`: at `@at` it is about to. */
export interface Event {
  readonly at: number;
  readonly happening: Happening;
}

/** Whether something is of a kind; `stale` is a fetch of what memory no longer held, or of no one version. */
export function isOfKind(h: Happening, kind: EventKind): boolean {
  switch (kind) {
    case 'drain':
      return h.what === 'access' && h.access === 'drain';
    case 'stale':
      return h.what === 'fetch' && (h.stale || h.age.kind !== 'now');
    default:
      return h.what === kind;
  }
}

/** Everything of a kind, in order; of one core where it is given. What the end of the run violates is at its last step. */
export function eventsOf(trace: Trace, kind: EventKind, core?: number): Event[] {
  const end = { at: Math.max(0, trace.steps.length - 1), happened: trace.end };
  return [...trace.steps, end].flatMap(({ at, happened }) =>
    happened.filter((h) => isOfKind(h, kind) && (core === undefined || h.core === core)).map((happening) => ({ at, happening })),
  );
}

/** The next event of a kind, in a step behind the one at hand. */
export const nextEvent = (trace: Trace, from: Position, kind: EventKind, core?: number): Event | undefined =>
  eventsOf(trace, kind, core).find((e) => e.at > from.at);

/** The last event of a kind whose step begins before here. */
export const previousEvent = (trace: Trace, from: Position, kind: EventKind, core?: number): Event | undefined =>
  eventsOf(trace, kind, core).findLast((e) => e.at < from.at || (e.at === from.at && from.inside > 0));
