import { I32, I64 } from './wasm/code.ts';
import type { ModuleBuilder } from './wasm/module.ts';

/** What a build of the engine contains: paid for only where it is asked for. */
export interface Features {
  /** Undo journal and incremental state hash. */
  readonly journal: boolean;
  /** Visible accesses, latches, events, learning of what is shared. Needs `journal`. */
  readonly explore: boolean;
  /** MFENCE asks the machine, because it serializes instruction fetch. */
  readonly fence: boolean;
  /** Store buffers (x86-TSO); without it a visible store is a visible operation of its own. Needs `explore`. */
  readonly tso: boolean;
  /** Hot code is compiled (`region-code.ts`). */
  readonly regions: boolean;
}

/** The engine's globals, shared by all modules of a machine. Their order is that of the imports. */
export const GLOBAL_NAMES = [
  /** Reason of the stop in progress plus 1, 0 while running. */
  'stop',
  /** Visible operations that may still be done. */
  'visible',
  /** Visible accesses that the instruction in flight has passed. */
  'access',
  /** 1 inside a locked instruction that has begun. */
  'locked',
  'journalTop',
  /** Grows when a quadword becomes visible that was not known to be. */
  'learned',
  'eventTop',
  /** 1 while an interrupt could be taken: then a store to shared memory is a place in the schedule, because its handler may look. */
  'interruptible',
  /** 1 while the store in progress goes through an executable mapping. */
  'sameAddress',
  /** Set where a store has made a region out of date. */
  'textChanged',
] as const;
export type EngineGlobals = Readonly<Record<(typeof GLOBAL_NAMES)[number], number>>;

/** Imports the globals into a module. */
export function importGlobals(m: ModuleBuilder): EngineGlobals {
  return Object.fromEntries(GLOBAL_NAMES.map((name) => [name, m.importGlobal(name)])) as EngineGlobals;
}

/** Functions of the memory module that handlers call. */
export interface MemoryFunctions {
  readonly globals: EngineGlobals;
  /** load(core block, address, bytes, kind, with write intent) -> value */
  readonly load: number;
  /** store(core block, address, bytes, value, kind) */
  readonly store: number;
  /** lockBegin(core block, address, bytes, kind) */
  readonly lockBegin: number;
  /** storeAt(host offset, bytes, value, page info): inside one quadword */
  readonly storeAt: number;
  /** beginExtended(core block): before the first use of the extended state */
  readonly beginExtended: number;
  /** probe(core block, address, bytes, kind): faults as a store would */
  readonly probe: number;
}

/** Types of the functions that handlers and the memory module share. */
export const MEMORY_TYPES = {
  load: { params: [I32, I64, I32, I32, I32], results: [I64] },
  store: { params: [I32, I64, I32, I64, I32], results: [] },
  lockBegin: { params: [I32, I64, I32, I32], results: [] },
  storeAt: { params: [I32, I32, I64, I32], results: [] },
  beginExtended: { params: [I32], results: [] },
  probe: { params: [I32, I64, I32, I32], results: [] },
} as const;

/** Imports the memory functions into a module of handlers. */
export function importMemoryFunctions(m: ModuleBuilder, globals: EngineGlobals): MemoryFunctions {
  return {
    globals,
    load: m.importFunction('load', MEMORY_TYPES.load),
    store: m.importFunction('store', MEMORY_TYPES.store),
    lockBegin: m.importFunction('lockBegin', MEMORY_TYPES.lockBegin),
    storeAt: m.importFunction('storeAt', MEMORY_TYPES.storeAt),
    beginExtended: m.importFunction('beginExtended', MEMORY_TYPES.beginExtended),
    probe: m.importFunction('probe', MEMORY_TYPES.probe),
  };
}

/** TypeScript functions that the memory code calls. */
export interface MemoryImports {
  /** walk(core block, address low, high, access: 0 read 1 write, kind, bytes of the access) -> offset in linear memory, or 0 after a fault was noted. */
  walk: number;
  /** A store to a page that holds decoded records: (core block, physical address, size), before the bytes change. */
  textWrite: number;
  /** Patched text changed: (core block or 0, physical address, size), after the bytes changed. */
  textCommitted: number;
}
