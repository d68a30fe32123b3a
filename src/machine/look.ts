import { CORE, STORE_BUFFER, STORE_BUFFER_ENTRY_BYTES } from '../engine/layout.ts';
import { REQUESTED } from './apic-state.ts';
import type { Core } from './core.ts';
import type { Machine } from './machine.ts';
import { isCanonical } from './paging.ts';
import { followTables, pagingMode } from './paging-modes.ts';
import { isLong } from './segmentation.ts';

// What a debugger sees of a machine. Nothing here changes anything: no accessed flags, no translation caches, no store buffers.

/**
 * Physical address of a linear one as a core maps it, whatever it may do there; undefined where it maps nothing or there is no RAM. `used` is told the entries of page tables on
 * the way: their physical addresses and sizes.
 */
export function translate(machine: Machine, core: Core, linear: bigint, used?: (at: number, bytes: number) => void): number | undefined {
  const long = isLong(core);
  const address = BigInt.asUintN(long ? 64 : 32, linear);
  if (long && !isCanonical(address)) return undefined;
  const { map, view } = machine.engine;
  const inRam = (physical: number): number | undefined => (physical < map.ramBytes ? physical : undefined);
  const mode = pagingMode({ cr0: core.get('cr0'), cr4: core.get('cr4'), efer: core.get('efer') });
  if (mode === undefined) return inRam(Number(address & 0xffffffffn));
  const path = followTables(core, mode, address, (at, bytes) => {
    if (at >= map.ramBytes) return undefined;
    used?.(at, bytes);
    return bytes === 8 ? view.getBigUint64(map.ram + at, true) : BigInt(view.getUint32(map.ram + at, true));
  });
  return path.kind === 'page' ? inRam(path.physical) : undefined;
}

/** One store that waits in a core's store buffer. */
export interface PendingStore {
  readonly physical: number;
  readonly size: number;
  readonly value: bigint;
}

/** The store buffer of a core, oldest first. */
export function pendingStores(machine: Machine, core: Core): PendingStore[] {
  const { view, bytes } = machine.engine;
  return Array.from({ length: core.raw(CORE.storeBufferCount) }, (_, n) => {
    const at = core.base + CORE.storeBuffer + n * STORE_BUFFER_ENTRY_BYTES;
    return {
      physical: view.getUint32(at + STORE_BUFFER.address, true),
      size: bytes[at + STORE_BUFFER.size] as number,
      value: view.getBigUint64(at + STORE_BUFFER.value, true),
    };
  });
}

/**
 * Memory at a linear address of a core: as it is, or with the core's own pending stores over it, which is what its loads would give. As many bytes as are
 * mapped, up to the first that is not.
 */
export function readLinear(machine: Machine, core: Core, linear: bigint, length: number, view: 'memory' | 'core' = 'core'): Uint8Array {
  const out = new Uint8Array(length);
  const stores = view === 'core' ? pendingStores(machine, core) : [];
  const { bytes, map } = machine.engine;
  let done = 0;
  while (done < length) {
    const at = linear + BigInt(done);
    const physical = translate(machine, core, at);
    if (physical === undefined) break;
    const count = Math.min(length - done, 4096 - (physical & 0xfff));
    out.set(bytes.subarray(map.ram + physical, map.ram + physical + count), done);
    for (const store of stores) {
      for (let n = 0; n < store.size; n++) {
        const place = store.physical + n - physical;
        if (place >= 0 && place < count) out[done + place] = Number((store.value >> BigInt(8 * n)) & 0xffn);
      }
    }
    done += count;
  }
  return done < length ? out.subarray(0, Math.min(done, length)) : out;
}

/** Bytes that a core's fetch at some address could return, and whether they are what memory holds. */
export interface FetchView {
  readonly bytes: Uint8Array;
  readonly stale: boolean;
}

/** All instructions that a fetch of the core at a linear address could return now, what memory holds first; empty where nothing is mapped. */
export function fetchViews(machine: Machine, core: Core, linear: bigint): FetchView[] {
  const physical = translate(machine, core, linear);
  if (physical === undefined) return [];
  const next = (): { readonly physical: number } | { readonly absent: true } => {
    const page = translate(machine, core, (linear & ~0xfffn) + 0x1000n);
    return page === undefined ? { absent: true } : { physical: page };
  };
  const window = machine.fetch.window(physical, core.mode, next);
  // What a core holds of an instruction elsewhere, of which it has fetched one line, says nothing about this one.
  const isElsewhere = core.raw(CORE.partialLength) > 0 && core.linearRip !== linear;
  if (!window.patched || isElsewhere) return [{ bytes: decodedBytes(machine, core, window.current()), stale: false }];
  return machine.fetch.choices(core, window).map(({ bytes, stale }) => ({ bytes, stale }));
}

/** Only the bytes that the instruction takes. */
function decodedBytes(machine: Machine, core: Core, bytes: Uint8Array): Uint8Array {
  const decoded = machine.fetch.decode(bytes, core.mode);
  return 'length' in decoded ? bytes.subarray(0, decoded.length) : bytes;
}

/** Vectors that a core was sent and has not taken, highest first; an NMI before them. */
export function pendingInterrupts(core: Core): (number | 'nmi')[] {
  const out: (number | 'nmi')[] = core.small('nmiPending') !== 0 ? ['nmi'] : [];
  const words = REQUESTED.map((word) => core.get(word));
  for (let vector = 255; vector >= 0; vector--) if (((words[vector >> 6]! >> BigInt(vector & 63)) & 1n) !== 0n) out.push(vector);
  return out;
}

/** Values that a core's fetch may return for the byte at a physical address, oldest first; `memory` is what memory holds. */
export function fetchableBytes(machine: Machine, core: Core, physical: number, memory: number): number[] {
  const { text, icache, policy } = machine;
  if (icache !== undefined) {
    const line = machine.icacheView(core).find((l) => physical >= l.address && physical < l.address + l.bytes.length);
    return line === undefined ? [memory] : [line.bytes[physical - line.address] as number];
  }
  const q = text?.indexOf(physical) ?? -1;
  if (text === undefined || q < 0 || policy?.stale !== true) return [memory];
  const values = new Set<number>();
  for (let v = text.floor(core, q); v < text.count(q); v++) values.add(Number((text.version(q, v) >> BigInt(8 * (physical & 7))) & 0xffn));
  return [...values];
}
