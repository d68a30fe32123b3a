import { OFFSET, RSP } from '../isa/core-state.ts';
import {
  CORE, coreBase, EVENT_BASE, EVENT_BYTES, HASH_BASE, HASH_BYTES, HASH_LANE_BYTES, KEY_AT, LATCH_ENTRIES, MAX_EVENTS, type MemoryMap, PAGE, PAGE_INFO_BASE,
  PAIR_FIRST, SHADOW, Stop, STORE_BUFFER, STORE_BUFFER_ENTRIES, STORE_BUFFER_ENTRY_BYTES, TLB,
} from './layout.ts';
import {
  block, br, brIf, call, type Code, drop, get, globalGet, globalSet, I32, I64, i32, i64, iff, loop, memoryCopy, memoryFill, ret, select, set,
} from './wasm/code.ts';
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
}

const MEMORY_TYPES = {
  load: { params: [I32, I64, I32, I32, I32], results: [I64] },
  store: { params: [I32, I64, I32, I64, I32], results: [] },
  lockBegin: { params: [I32, I64, I32, I32], results: [] },
  storeAt: { params: [I32, I32, I64, I32], results: [] },
} as const;

/** Imports the memory functions into a module of handlers. */
export function importMemoryFunctions(m: ModuleBuilder, globals: EngineGlobals): MemoryFunctions {
  return {
    globals,
    load: m.importFunction('load', MEMORY_TYPES.load),
    store: m.importFunction('store', MEMORY_TYPES.store),
    lockBegin: m.importFunction('lockBegin', MEMORY_TYPES.lockBegin),
    storeAt: m.importFunction('storeAt', MEMORY_TYPES.storeAt),
  };
}

/** TypeScript functions that the memory code calls. */
export interface MemoryImports {
  /** walk(core block, address low, high, access: 0 read 1 write, kind) -> offset in linear memory, or 0 after a fault was noted. */
  walk: number;
  /** A store to a page that holds decoded records: (core block, physical address, size), before the bytes change. */
  textWrite: number;
  /** Patched text changed: (core block or 0, physical address, size), after the bytes changed. */
  textCommitted: number;
}


const UNHASHED = new Set<number>([OFFSET.zero, OFFSET.flagCarry]);

const K1 = 0x9e3779b97f4a7c15n;
const K2 = 0xbf58476d1ce4e5b9n;
const K3 = 0x94d049bb133111ebn;
const K4 = 0xd6e8feb86659fd93n;
const CELL = ~7;

/**
 * Adds the code of the memory subsystem to a module: translated loads and stores, store buffers, the undo journal and the
 * incremental hash. Every engine reaches memory through these functions, so there is one meaning of a memory access.
 */
export function defineMemory(m: ModuleBuilder, map: MemoryMap, features: Features, globals: EngineGlobals, imports: MemoryImports): void {
  const stopWith = (reason: number): Code => globalSet(globals.stop, i32.const(reason + 1));
  const translate = m.declare({ params: [I32, I64, I32, I32], results: [I32] });
  const mix = m.declare({ params: [I64, I64], results: [I64] });
  const storeAt = m.declare(MEMORY_TYPES.storeAt, 'storeAt');
  const journalBlock = m.declare({ params: [I32, I32], results: [] }, 'journalBlock');
  const rollback = m.declare({ params: [I32], results: [] }, 'rollback');
  const load = m.declare(MEMORY_TYPES.load, 'load');
  const store = m.declare(MEMORY_TYPES.store, 'store');
  const lockBegin = m.declare(MEMORY_TYPES.lockBegin, 'lockBegin');
  const readAt = m.declare({ params: [I32, I32], results: [I64] });
  const write = m.declare({ params: [I32, I32, I32, I64], results: [] });
  const pieceLoad = m.declare({ params: [I32, I32, I32], results: [I64] });
  const pieceStore = m.declare({ params: [I32, I32, I32, I64, I32], results: [] });
  const visibleAt = m.declare({ params: [I32, I32, I32, I32], results: [I32] });
  const event = m.declare({ params: [I32, I32, I32, I32, I64], results: [] });
  const drain = m.declare({ params: [I32, I32], results: [] }, 'drain');
  const physicalWrite = m.declare({ params: [I32, I32, I64], results: [] }, 'physicalWrite');
  const scrub = m.declare({ params: [I32], results: [] }, 'scrub');
  const look = m.declare({ params: [I32, I64, I32], results: [I64] }, 'look');
  const poke = m.declare({ params: [I32, I32, I32], results: [] }, 'poke');

  const pageInfo = (pa: Code): Code => i32.load(i32.add(i32.const(PAGE_INFO_BASE), i32.shl(i32.shrU(pa, i32.const(12)), i32.const(2))));
  const hostOf = (pa: Code): Code => i32.add(pa, i32.const(map.ram));

  // translate(core, address, access, kind) -> host offset of the byte, 0 after a fault
  {
    const [core, address, access, kind, entry] = [0, 1, 2, 3, 4];
    m.define(translate, [I32], [
      set(entry, tlbEntry(core, get(address))),
      iff(
        i32.and(
          i64.eq(i64.and(i64.load(get(entry), TLB.tagAny), i64.const(~0xfff)), i64.and(get(address), i64.const(~0xfff))),
          i32.and(i32.shrU(i32.wrap(i64.load(get(entry), TLB.tagAny)), get(access)), i32.const(1)),
        ),
        ret(i32.add(i32.wrap(get(address)), i32.load(get(entry), TLB.delta))),
      ),
      call(imports.walk, get(core), i32.wrap(get(address)), i32.wrap(i64.shrU(get(address), i64.const(32))), get(access), get(kind)),
    ]);
  }

  // mix(key, value): a bijection of value for a given key
  {
    const [key, value] = [0, 1];
    m.define(mix, [], [mixInto(value, key), get(value)]);
  }

  // storeAt(host, size, value, info): bytes inside one aligned quadword; journal and hash
  {
    const [host, size, value, info, cell, top, lane] = [0, 1, 2, 3, 4, 5, 6];
    const [before, after, key, a, b] = [7, 8, 9, 10, 11];
    const writeBytes: Code = iff(i32.eq(get(size), i32.const(8)), i64.store(get(host), get(value)),
      iff(i32.eq(get(size), i32.const(4)), i64.store32(get(host), get(value)),
        iff(i32.eq(get(size), i32.const(2)), i64.store16(get(host), get(value)),
          iff(i32.eq(get(size), i32.const(1)), i64.store8(get(host), get(value)),
            // 3, 5, 6 or 7 bytes: pieces of an access that crosses a quadword
            [set(cell, i32.const(0)), block(loop([
              brIf(1, i32.geU(get(cell), get(size))),
              i64.store8(i32.add(get(host), get(cell)), i64.shrU(get(value), i64.extend(i32.shl(get(cell), i32.const(3))))),
              set(cell, i32.add(get(cell), i32.const(1))), br(0),
            ]))]))));
    m.define(storeAt, [I32, I32, I32, I64, I64, I64, I64, I64], features.journal ? [
      set(before, i64.load(i32.and(get(host), i32.const(CELL)))),
      writeBytes,
      set(cell, i32.and(get(host), i32.const(CELL))),
      set(after, i64.load(get(cell))),
      iff(i64.eq(get(before), get(after)), ret()),
      set(top, globalGet(globals.journalTop)),
      iff(i32.geU(get(top), i32.const(map.journal + map.journalBytes - 8192)), set(top, i32.const(map.journal))),
      i64.store(get(top), get(before)),
      i32.store(get(top), get(cell), 8),
      i32.store(get(top), i32.const(8), 12),
      globalSet(globals.journalTop, i32.add(get(top), i32.const(16))),
      set(lane, i32.add(i32.const(HASH_BASE), i32.mul(i32.and(get(info), i32.const(PAGE.laneMask)), i32.const(HASH_LANE_BYTES)))),
      set(key, i64.extend(i32.or(i32.shl(i32.shrU(get(info), i32.const(8)), i32.const(12)), i32.and(get(cell), i32.const(0xfff))))),
      set(a, call(mix, get(key), get(after))),
      set(b, call(mix, get(key), get(before))),
      i64.store(get(lane), i64.add(i64.load(get(lane)), i64.sub(get(a), get(b)))),
      i64.store(get(lane), i64.add(i64.load(get(lane), 8), spreadDifference(get(a), get(b))), 8),
    ] : [writeBytes, drop(get(info))]);
  }

  // journalBlock(at, length): remembers a block of linear memory as it is
  {
    const [at, length, top] = [0, 1, 2];
    m.define(journalBlock, [I32], [
      set(top, globalGet(globals.journalTop)),
      memoryCopy(get(top), get(at), get(length)),
      i32.store(i32.add(get(top), get(length)), get(at)),
      i32.store(i32.add(get(top), get(length)), get(length), 4),
      globalSet(globals.journalTop, i32.add(i32.add(get(top), get(length)), i32.const(8))),
    ]);
  }
  // begin(): the mark of a new transition
  {
    const mark = 0;
    m.define(m.declare({ params: [], results: [I32] }, 'begin'), [I32], [
      set(mark, globalGet(globals.journalTop)),
      call(journalBlock, i32.const(HASH_BASE), i32.const(HASH_BYTES)),
      globalSet(globals.eventTop, i32.const(EVENT_BASE)),
      get(mark),
    ]);
  }

  // rollback(mark): undoes everything since journalTop was `mark`
  {
    const [mark, top, length] = [0, 1, 2];
    m.define(rollback, [I32, I32], [
      set(top, globalGet(globals.journalTop)),
      block(loop([
        brIf(1, i32.leU(get(top), get(mark))),
        set(length, i32.load(i32.sub(get(top), i32.const(4)))),
        set(top, i32.sub(get(top), i32.add(get(length), i32.const(8)))),
        iff(i32.eq(get(length), i32.const(8)),
          i64.store(i32.load(get(top), 8), i64.load(get(top))),
          memoryCopy(i32.load(i32.add(get(top), get(length))), get(top), get(length))),
        br(0),
      ])),
      globalSet(globals.journalTop, get(mark)),
    ]);
  }

  // event(core, kind, physical address, size, value)
  {
    const [core, kind, pa, size, value, top] = [0, 1, 2, 3, 4, 5];
    m.define(event, [I32], [
      set(top, globalGet(globals.eventTop)),
      iff(i32.geU(get(top), i32.const(EVENT_BASE + MAX_EVENTS * EVENT_BYTES)), ret()),
      i32.store(get(top), i32.load(get(core), CORE.index)),
      i32.store(get(top), get(kind), 4),
      i32.store(get(top), get(pa), 8),
      i32.store(get(top), get(size), 12),
      i64.store(get(top), get(value), 16),
      i64.store(get(top), i64.load(get(core), OFFSET.rip), 24),
      globalSet(globals.eventTop, i32.add(get(top), i32.const(EVENT_BYTES))),
    ]);
  }

  // visibleAt(core, physical address, size, isWrite): learns the access; 1 when any quadword of it is shared and written
  {
    const [core, pa, size, isWrite, at, end, word, next, seen] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
    const shadowOf = (p: Code): Code => i32.add(i32.const(map.shadow), i32.shl(i32.shrU(p, i32.const(3)), i32.const(2)));
    const everyone = (w: number): Code => i32.and(i32.or(get(w), i32.shrU(get(w), i32.const(SHADOW.writersShift))), i32.const(SHADOW.readers));
    const shared = (w: number): Code =>
      i32.or(
        i32.ne(i32.and(get(w), i32.const(SHADOW.declared | SHADOW.text)), i32.const(0)),
        i32.and(
          i32.ne(i32.and(get(w), i32.const(SHADOW.readers << SHADOW.writersShift)), i32.const(0)),
          i32.ne(i32.and(everyone(w), i32.sub(everyone(w), i32.const(1))), i32.const(0)),
        ),
      );
    m.define(visibleAt, [I32, I32, I32, I32, I32], features.explore ? [
      set(at, shadowOf(get(pa))),
      set(end, shadowOf(i32.sub(i32.add(get(pa), get(size)), i32.const(1)))),
      loop([
        set(word, i32.load(get(at))),
        set(next, i32.or(get(word), i32.shl(i32.const(1), i32.add(i32.load(get(core), CORE.index), i32.mul(get(isWrite), i32.const(SHADOW.writersShift)))))),
        iff(i32.ne(get(next), get(word)), [
          i32.store(get(at), get(next)),
          iff(i32.and(shared(next), i32.eqz(shared(word))), globalSet(globals.learned, i32.add(globalGet(globals.learned), i32.const(1)))),
        ]),
        set(seen, i32.or(get(seen), shared(next))),
        set(at, i32.add(get(at), i32.const(4))),
        brIf(0, i32.leU(get(at), get(end))),
      ]),
      get(seen),
    ] : [i32.const(0)]);
  }

  // readAt(host, size): 1 to 8 bytes of linear memory
  {
    const [host, size] = [0, 1];
    m.define(readAt, [], [
      iff(i32.eq(get(size), i32.const(8)), ret(i64.load(get(host)))),
      iff(i32.eq(get(size), i32.const(4)), ret(i64.load32(get(host)))),
      iff(i32.eq(get(size), i32.const(2)), ret(i64.load16(get(host)))),
      iff(i32.eq(get(size), i32.const(1)), ret(i64.load8(get(host)))),
      i64.and(i64.load(get(host)), i64.sub(i64.shl(i64.const(1), i64.extend(i32.shl(get(size), i32.const(3)))), i64.const(1))),
    ]);
  }

  // write(core, physical address, size, value): to memory, up to 8 bytes, possibly over a quadword or page boundary of RAM
  {
    const [core, pa, size, value, info, first] = [0, 1, 2, 3, 4, 5];
    m.define(write, [I32, I32], [
      set(info, pageInfo(get(pa))),
      iff(i32.and(get(info), i32.const(PAGE.hasRecords)), call(imports.textWrite, get(core), get(pa), get(size))),
      set(first, i32.sub(i32.const(8), i32.and(get(pa), i32.const(7)))),
      iff(i32.geU(get(first), get(size)),
        call(storeAt, hostOf(get(pa)), get(size), get(value), get(info)),
        [
          call(storeAt, hostOf(get(pa)), get(first), get(value), get(info)),
          call(storeAt, hostOf(i32.add(get(pa), get(first))), i32.sub(get(size), get(first)),
            i64.shrU(get(value), i64.extend(i32.shl(get(first), i32.const(3)))), pageInfo(i32.add(get(pa), get(first)))),
        ]),
      features.explore
        ? iff(i32.and(i32.or(shadowWord(map, get(pa)), shadowWord(map, i32.sub(i32.add(get(pa), get(size)), i32.const(1)))), i32.const(SHADOW.text)),
            call(imports.textCommitted, get(core), get(pa), get(size)))
        : [],
    ]);
    m.define(physicalWrite, [], call(write, i32.const(coreBase(0)), get(0), get(1), get(2)));
  }

  // forwarded read: youngest own buffered byte, else memory
  const forwarded = m.declare({ params: [I32, I32, I32], results: [I64] });
  {
    const [core, pa, size, n, entry, shift, from] = [0, 1, 2, 3, 4, 5, 6];
    const [value, mask] = [7, 8];
    m.define(forwarded, [I32, I32, I32, I32, I64, I64], [
      set(value, call(readAt, hostOf(get(pa)), get(size))),
      iff(i32.eqz(i32.load(get(core), CORE.storeBufferCount)), ret(get(value))),
      block(loop([
        brIf(1, i32.geU(get(n), i32.load(get(core), CORE.storeBufferCount))),
        set(entry, i32.add(get(core), i32.mul(get(n), i32.const(STORE_BUFFER_ENTRY_BYTES)))),
        set(n, i32.add(get(n), i32.const(1))),
        set(from, i32.load(get(entry), CORE.storeBuffer + STORE_BUFFER.address)),
        // overlaps?
        brIf(0, i32.geU(get(from), i32.add(get(pa), get(size)))),
        brIf(0, i32.geU(get(pa), i32.add(get(from), i32.load8(get(entry), CORE.storeBuffer + STORE_BUFFER.size)))),
        set(mask, select(i64.const(-1), i64.sub(i64.shl(i64.const(1), i64.extend(i32.shl(i32.load8(get(entry), CORE.storeBuffer + STORE_BUFFER.size), i32.const(3)))), i64.const(1)),
          i32.eq(i32.load8(get(entry), CORE.storeBuffer + STORE_BUFFER.size), i32.const(8)))),
        iff(i32.geU(get(from), get(pa)), [
          set(shift, i32.shl(i32.sub(get(from), get(pa)), i32.const(3))),
          set(value, i64.or(
            i64.and(get(value), i64.xor(i64.shl(get(mask), i64.extend(get(shift))), i64.const(-1))),
            i64.shl(i64.and(i64.load(get(entry), CORE.storeBuffer + STORE_BUFFER.value), get(mask)), i64.extend(get(shift))))),
        ], [
          set(shift, i32.shl(i32.sub(get(pa), get(from)), i32.const(3))),
          set(value, i64.or(
            i64.and(get(value), i64.xor(i64.shrU(get(mask), i64.extend(get(shift))), i64.const(-1))),
            i64.shrU(i64.and(i64.load(get(entry), CORE.storeBuffer + STORE_BUFFER.value), get(mask)), i64.extend(get(shift))))),
        ]),
        br(0),
      ])),
      iff(i32.eq(get(size), i32.const(8)), ret(get(value))),
      i64.and(get(value), i64.sub(i64.shl(i64.const(1), i64.extend(i32.shl(get(size), i32.const(3)))), i64.const(1))),
    ]);
  }

  // look(core, address, size): what the core's load would give, without being one; inside one quadword
  {
    const [core, address, size, host] = [0, 1, 2, 3];
    m.define(look, [I32], [
      set(host, call(translate, get(core), get(address), i32.const(0), i32.const(0))),
      iff(i32.eqz(get(host)), ret(i64.const(0))),
      set(host, i32.sub(get(host), i32.const(map.ram))),
      [call(visibleAt, get(core), get(host), get(size), i32.const(0)), 0x1a],
      call(forwarded, get(core), get(host), get(size)),
    ]);
  }

  // pieceLoad(core, physical address, size): inside one page; a visible one costs a visible operation
  {
    const [core, pa, size, k] = [0, 1, 2, 3];
    const value = 4;
    m.define(pieceLoad, [I32, I64], features.explore ? [
      iff(i32.eqz(i32.and(pageInfo(get(pa)), i32.const(PAGE.slow))), ret(call(readAt, hostOf(get(pa)), get(size)))),
      iff(i32.eqz(call(visibleAt, get(core), get(pa), get(size), i32.const(0))), ret(call(readAt, hostOf(get(pa)), get(size)))),
      iff(globalGet(globals.locked), [
        set(value, call(readAt, hostOf(get(pa)), get(size))),
        call(event, get(core), i32.const(2), get(pa), get(size), get(value)),
        ret(get(value)),
      ]),
      set(k, globalGet(globals.access)),
      globalSet(globals.access, i32.add(get(k), i32.const(1))),
      iff(i32.ltU(get(k), i32.load(get(core), CORE.latchDone)), ret(i64.load(i32.add(get(core), i32.shl(get(k), i32.const(3))), CORE.latch))),
      iff(i32.eqz(globalGet(globals.visible)), [noteStop(core, pa, size), stopWith(Stop.visible), ret(i64.const(0))]),
      iff(i32.geU(get(k), i32.const(LATCH_ENTRIES)), [0x00]),
      globalSet(globals.visible, i32.sub(globalGet(globals.visible), i32.const(1))),
      set(value, call(forwarded, get(core), get(pa), get(size))),
      i64.store(i32.add(get(core), i32.shl(get(k), i32.const(3))), get(value), CORE.latch),
      i32.store(get(core), i32.add(get(k), i32.const(1)), CORE.latchDone),
      call(event, get(core), i32.const(0), get(pa), get(size), get(value)),
      get(value),
    ] : [call(readAt, hostOf(get(pa)), get(size))]);
  }

  // pieceStore(core, physical address, size, value, flags)
  {
    const [core, pa, size, value, flags, k, entry] = [0, 1, 2, 3, 4, 5, 6];
    const done: Code = [
      iff(i32.geU(get(k), i32.const(LATCH_ENTRIES)), [0x00]),
      i32.store(get(core), i32.add(get(k), i32.const(1)), CORE.latchDone),
    ];
    m.define(pieceStore, [I32, I32], features.explore ? [
      iff(i32.eqz(i32.and(pageInfo(get(pa)), i32.const(PAGE.slow))), [call(write, get(core), get(pa), get(size), get(value)), ret()]),
      iff(i32.eqz(call(visibleAt, get(core), get(pa), get(size), i32.const(1))), [call(write, get(core), get(pa), get(size), get(value)), ret()]),
      iff(globalGet(globals.locked), [
        call(event, get(core), i32.const(3), get(pa), get(size), get(value)),
        call(write, get(core), get(pa), get(size), get(value)), ret(),
      ]),
      set(k, globalGet(globals.access)),
      globalSet(globals.access, i32.add(get(k), i32.const(1))),
      iff(i32.ltU(get(k), i32.load(get(core), CORE.latchDone)), ret()),
      ...(features.tso ? [
        iff(i32.geU(i32.load(get(core), CORE.storeBufferCount), i32.const(STORE_BUFFER_ENTRIES - 2)), [stopWith(Stop.drain), ret()]),
        iff(globalGet(globals.interruptible), [
          iff(i32.eqz(globalGet(globals.visible)), [noteStop(core, pa, size), stopWith(Stop.visible), ret()]),
          globalSet(globals.visible, i32.sub(globalGet(globals.visible), i32.const(1))),
        ]),
        done,
        set(entry, i32.add(get(core), i32.mul(i32.load(get(core), CORE.storeBufferCount), i32.const(STORE_BUFFER_ENTRY_BYTES)))),
        i32.store(get(entry), get(pa), CORE.storeBuffer + STORE_BUFFER.address),
        i32.store(get(entry), i32.or(get(size), i32.shl(i32.or(get(flags), i32.shl(globalGet(globals.sameAddress), i32.const(1))), i32.const(8))), CORE.storeBuffer + STORE_BUFFER.size),
        i64.store(get(entry), get(value), CORE.storeBuffer + STORE_BUFFER.value),
        i32.store(get(core), i32.add(i32.load(get(core), CORE.storeBufferCount), i32.const(1)), CORE.storeBufferCount),
        call(event, get(core), i32.const(1), get(pa), get(size), get(value)),
      ] : [
        iff(i32.eqz(globalGet(globals.visible)), [noteStop(core, pa, size), stopWith(Stop.visible), ret()]),
        done,
        globalSet(globals.visible, i32.sub(globalGet(globals.visible), i32.const(1))),
        call(event, get(core), i32.const(4), get(pa), get(size), get(value)),
        call(write, get(core), get(pa), get(size), get(value)),
      ]),
    ] : [call(write, get(core), get(pa), get(size), get(value))]);
  }

  // load(core, address, size, kind, modify)
  {
    const [core, address, size, kind, modify, host, first, host2] = [0, 1, 2, 3, 4, 5, 6, 7];
    const value = 8;
    m.define(load, [I32, I32, I32, I64], [
      set(host, call(translate, get(core), get(address), get(modify), get(kind))),
      iff(i32.eqz(get(host)), ret(i64.const(0))),
      set(first, i32.sub(i32.const(4096), i32.and(i32.wrap(get(address)), i32.const(0xfff)))),
      // Inside one cache line an access is one; over a line it is two, in address order.
      iff(i32.geU(i32.sub(i32.const(64), i32.and(i32.wrap(get(address)), i32.const(63))), get(size)),
        ret(call(pieceLoad, get(core), i32.sub(get(host), i32.const(map.ram)), get(size)))),
      iff(i32.geU(get(first), get(size)), [
        set(first, i32.sub(i32.const(64), i32.and(i32.wrap(get(address)), i32.const(63)))),
        set(host2, i32.add(get(host), get(first))),
      ], [
        set(host2, call(translate, get(core), i64.add(get(address), i64.extend(get(first))), get(modify), get(kind))),
        iff(i32.eqz(get(host2)), ret(i64.const(0))),
      ]),
      set(value, call(pieceLoad, get(core), i32.sub(get(host), i32.const(map.ram)), get(first))),
      iff(globalGet(globals.stop), ret(i64.const(0))),
      i64.or(get(value), i64.shl(
        call(pieceLoad, get(core), i32.sub(get(host2), i32.const(map.ram)), i32.sub(get(size), get(first))),
        i64.extend(i32.shl(get(first), i32.const(3))))),
    ]);
  }

  // store(core, address, size, value, kind)
  {
    const [core, address, size, value, kind, host, first, host2] = [0, 1, 2, 3, 4, 5, 6, 7];
    m.define(store, [I32, I32, I32], [
      set(host, call(translate, get(core), get(address), i32.const(1), get(kind))),
      iff(i32.eqz(get(host)), ret()),
      features.explore
        ? globalSet(globals.sameAddress, i32.and(i32.shrU(i32.wrap(i64.load(tlbEntry(core, get(address)), TLB.tagAny)), i32.const(2)), i32.const(1)))
        : [],
      iff(i32.geU(i32.sub(i32.const(64), i32.and(i32.wrap(get(address)), i32.const(63))), get(size)), [
        call(pieceStore, get(core), i32.sub(get(host), i32.const(map.ram)), get(size), get(value), i32.const(0)), ret(),
      ]),
      set(first, i32.sub(i32.const(4096), i32.and(i32.wrap(get(address)), i32.const(0xfff)))),
      iff(i32.geU(get(first), get(size)), [
        set(first, i32.sub(i32.const(64), i32.and(i32.wrap(get(address)), i32.const(63)))),
        set(host2, i32.add(get(host), get(first))),
      ], [
        set(host2, call(translate, get(core), i64.add(get(address), i64.extend(get(first))), i32.const(1), get(kind))),
        iff(i32.eqz(get(host2)), ret()),
      ]),
      call(pieceStore, get(core), i32.sub(get(host), i32.const(map.ram)), get(first), lowBytes(get(value), get(first)), i32.const(PAIR_FIRST)),
      iff(globalGet(globals.stop), ret()),
      call(pieceStore, get(core), i32.sub(get(host2), i32.const(map.ram)), i32.sub(get(size), get(first)),
        i64.shrU(get(value), i64.extend(i32.shl(get(first), i32.const(3)))), i32.const(0)),
    ]);
  }

  // lockBegin(core, address, size, kind): the locked access that follows is one atomic visible operation
  {
    const [core, address, size, kind, host, pa] = [0, 1, 2, 3, 4, 5];
    m.define(lockBegin, [I32, I32], features.explore ? [
      iff(globalGet(globals.locked), ret()),
      set(host, call(translate, get(core), get(address), i32.const(1), get(kind))),
      iff(i32.eqz(get(host)), ret()),
      iff(i32.load(get(core), CORE.storeBufferCount), [stopWith(Stop.drain), ret()]),
      set(pa, i32.sub(get(host), i32.const(map.ram))),
      iff(i32.and(pageInfo(get(pa)), i32.const(PAGE.slow)), [
        iff(call(visibleAt, get(core), get(pa), get(size), i32.const(1)), [
          iff(i32.eqz(globalGet(globals.visible)), [noteStop(core, pa, size), stopWith(Stop.visible), ret()]),
          globalSet(globals.visible, i32.sub(globalGet(globals.visible), i32.const(1))),
        ]),
      ]),
      globalSet(globals.locked, i32.const(1)),
    ] : [set(host, i32.const(0)), set(pa, i32.const(0))]);
  }

  // drain(core, n): commits entry n of the store buffer to memory
  {
    const [core, n, entry, count, last] = [0, 1, 2, 3, 4];
    m.define(drain, [I32, I32, I32], [
      set(entry, i32.add(i32.add(get(core), i32.const(CORE.storeBuffer)), i32.mul(get(n), i32.const(STORE_BUFFER_ENTRY_BYTES)))),
      call(event, get(core), i32.const(5), i32.load(get(entry)), i32.load8(get(entry), STORE_BUFFER.size), i64.load(get(entry), STORE_BUFFER.value)),
      globalSet(globals.sameAddress, i32.shrU(i32.load8(get(entry), STORE_BUFFER.flags), i32.const(1))),
      call(write, get(core), i32.load(get(entry)), i32.load8(get(entry), STORE_BUFFER.size), i64.load(get(entry), STORE_BUFFER.value)),
      // A half that goes first leaves its partner alone in order again.
      iff(get(n), i32.store8(i32.sub(get(entry), i32.const(STORE_BUFFER_ENTRY_BYTES)),
        i32.and(i32.load8(i32.sub(get(entry), i32.const(STORE_BUFFER_ENTRY_BYTES)), STORE_BUFFER.flags), i32.const(~PAIR_FIRST)), STORE_BUFFER.flags)),
      set(count, i32.sub(i32.load(get(core), CORE.storeBufferCount), i32.const(1))),
      i32.store(get(core), get(count), CORE.storeBufferCount),
      set(last, i32.add(i32.add(get(core), i32.const(CORE.storeBuffer)), i32.mul(get(count), i32.const(STORE_BUFFER_ENTRY_BYTES)))),
      memoryCopy(get(entry), i32.add(get(entry), i32.const(STORE_BUFFER_ENTRY_BYTES)), i32.sub(get(last), get(entry))),
      memoryFill(get(last), i32.const(0), i32.const(STORE_BUFFER_ENTRY_BYTES)),
    ]);
  }

  // scrub(core): zeroes the dead part of the declared stack, so that leftovers below RSP do not tell states apart
  {
    const [core, entry, host, end] = [0, 1, 2, 3];
    const rsp = 4;
    m.define(scrub, [I32, I32, I32, I64], features.explore ? [
      globalSet(globals.visible, i32.const(0)),
      set(rsp, i64.load(get(core), 8 * RSP)),
      iff(i32.or(i64.ltU(get(rsp), i64.load(get(core), CORE.stackLow)), i64.gtU(get(rsp), i64.load(get(core), CORE.stackHigh))), ret()),
      set(entry, tlbEntry(core, i64.load(get(core), CORE.stackLow))),
      iff(i64.ne(i64.and(i64.load(get(entry), TLB.tagAny), i64.const(~0xfff)), i64.load(get(core), CORE.stackLow)), ret()),
      set(host, i32.add(i32.wrap(i64.load(get(core), CORE.stackLow)), i32.load(get(entry), TLB.delta))),
      set(end, i32.add(get(host), i32.and(i32.wrap(i64.sub(get(rsp), i64.load(get(core), CORE.stackLow))), i32.const(CELL)))),
      // Nearly all of it is zero already: a cache line at a time.
      block(loop([
        brIf(1, i32.gtU(i32.add(get(host), i32.const(64)), get(end))),
        brIf(1, i32.eqz(i64.eqz([1, 2, 3, 4, 5, 6, 7].reduce((sum, n) => i64.or(sum, i64.load(get(host), 8 * n)), i64.load(get(host)))))),
        set(host, i32.add(get(host), i32.const(64))),
        br(0),
      ])),
      block(loop([
        brIf(1, i32.geU(get(host), get(end))),
        iff(i32.eqz(i64.eqz(i64.load(get(host)))), call(storeAt, get(host), i32.const(8), i64.const(0), i32.load(get(entry), TLB.info))),
        set(host, i32.add(get(host), i32.const(8))),
        br(0),
      ])),
    ] : []);
  }

  // poke(offset, value, info): a 32-bit word of linear memory that is state: journaled and hashed
  m.define(poke, [], call(storeAt, get(0), i32.const(4), i64.extend(get(1)), get(2)));

  defineHash(m, mix);

  function noteStop(core: number, pa: number, size: number): Code {
    return [i32.store(get(core), get(pa), CORE.stopAddress), i32.store(get(core), get(size), CORE.stopSize)];
  }
}

/** hashCore and stateKey: the hash of a core's block and of the whole machine, from the incremental lanes. */
function defineHash(m: ModuleBuilder, mix: number): void {
  const hashCore = m.declare({ params: [I32], results: [] });
  const stateKey = m.declare({ params: [I32, I32], results: [] }, 'stateKey');
  {
    const core = 0;
    const [value, key, a, b] = [1, 2, 3, 4];
    const fr = i64.load(get(core), OFFSET.flagResult);
    const fc = i64.load(get(core), OFFSET.flagCarry);
    const bit = (c: Code, from: number, to: number): Code => i64.shl(i64.and(i64.shrU(c, i64.const(from)), i64.const(1)), i64.const(to));
    // RFLAGS instead of the lazy words, so that equal flags hash alike however they came about.
    const rflags = [
      bit(fc, 63, 0), bit(i64.xor(fc, i64.shl(fc, i64.const(1))), 63, 11), bit(fc, 3, 4), i64.shl(i64.extend(i64.eqz(fr)), i64.const(6)),
      bit(i64.xor(i64.shrU(fr, i64.const(63)), i64.shrU(fc, i64.const(1))), 0, 7),
      bit(i64.xor(i64.popcnt(i64.and(fr, i64.const(0xff))), fc), 0, 2),
    ].reduce((x, y) => i64.or(x, y));
    const word = (offset: number): Code => {
      if (offset === OFFSET.flagResult) return rflags;
      const code = i64.load(get(core), offset);
      return offset === OFFSET.cr3 ? i64.xor(code, i64.load(get(core), CORE.homeCr3)) : code;
    };
    const add = (offset: number): Code => [
      set(value, word(offset)),
      iff(i32.eqz(i64.eqz(get(value))), [
        set(key, i64.const(offset + 0x7000_0000)),
        mixInto(value, key),
        set(a, i64.add(get(a), get(value))),
        set(b, i64.add(get(b), spread(get(value)))),
      ]),
    ];
    const offsets = Array.from({ length: CORE.hashedEnd / 8 }, (_, n) => 8 * n).filter((offset) => !UNHASHED.has(offset));
    // Most words are zero most of the time: four are asked at once.
    const groups = Array.from({ length: Math.ceil(offsets.length / 4) }, (_, n) => offsets.slice(4 * n, 4 * n + 4));
    m.define(hashCore, [I64, I64, I64, I64], [
      iff(i32.eqz(i32.load(get(core), CORE.hashDirty)), ret()),
      groups.map((group) => iff(
        i32.eqz(i64.eqz(group.map(word).reduce((x, y) => i64.or(x, y)))),
        group.map(add),
      )),
      i64.store(get(core), get(a), CORE.hash),
      i64.store(get(core), get(b), CORE.hash + 8),
      i32.store(get(core), i32.const(0), CORE.hashDirty),
    ]);
  }
  {
    // stateKey(cores, symmetric: bit c set when core c may trade places with the other set ones)
    const [cores, symmetric, n, core, lane, role] = [0, 1, 2, 3, 4, 5];
    const [a, b, x] = [6, 7, 8];
    m.define(stateKey, [I32, I32, I32, I32, I64, I64, I64], [
      set(a, call(mix, i64.const(1), i64.load(i32.const(HASH_BASE)))),
      set(b, call(mix, i64.const(2), i64.load(i32.const(HASH_BASE), 8))),
      loop([
        set(core, i32.add(i32.const(coreBase(0)), i32.mul(get(n), i32.const(coreBase(1) - coreBase(0))))),
        call(hashCore, get(core)),
        set(lane, i32.add(i32.const(HASH_BASE + HASH_LANE_BYTES), i32.mul(get(n), i32.const(HASH_LANE_BYTES)))),
        set(role, select(i32.const(99), get(n), i32.and(i32.shrU(get(symmetric), get(n)), i32.const(1)))),
        set(x, call(mix, i64.extend(i32.add(get(role), i32.const(0x100))), i64.add(i64.load(get(core), CORE.hash), i64.load(get(lane))))),
        set(x, call(mix, get(x), i64.add(i64.load(get(core), CORE.hash + 8), i64.load(get(lane), 8)))),
        set(a, i64.add(get(a), get(x))),
        set(b, i64.add(get(b), spread(i64.xor(get(x), i64.shrU(get(x), i64.const(31)))))),
        set(n, i32.add(get(n), i32.const(1))),
        brIf(0, i32.ltU(get(n), get(cores))),
      ]),
      i64.store(i32.const(KEY_AT), get(a)),
      i64.store(i32.const(KEY_AT), get(b), 8),
    ]);
  }
}

/** Address of the TLB entry of a linear address: `core` is the local that holds the core's block. */
export function tlbEntry(core: number, address: Code): Code {
  return i32.add(i32.add(get(core), i32.const(CORE.tlb)), i32.and(i32.wrap(i64.shrU(address, i64.const(7))), i32.const((TLB.entries - 1) * TLB.bytes)));
}

function shadowWord(map: MemoryMap, pa: Code): Code {
  return i32.load(i32.add(i32.const(map.shadow), i32.shl(i32.shrU(pa, i32.const(3)), i32.const(2))));
}

function lowBytes(value: Code, size: Code): Code {
  return i64.and(value, i64.sub(i64.shl(i64.const(1), i64.extend(i32.shl(size, i32.const(3)))), i64.const(1)));
}

/** Replaces the local `value` by a bijection of it that depends on the local `key`. */
export function mixInto(value: number, key: number): Code {
  return [
    set(value, i64.mul(i64.add(get(value), i64.mul(get(key), i64.const(K1))), i64.const(K2))),
    set(value, i64.mul(i64.xor(get(value), i64.shrU(get(value), i64.const(32))), i64.const(K3))),
    set(value, i64.xor(get(value), i64.shrU(get(value), i64.const(29)))),
  ];
}

/** spread(a) - spread(b), with one multiplication. */
export function spreadDifference(a: Code, b: Code): Code {
  return i64.mul(i64.sub(i64.rotl(a, i64.const(23)), i64.rotl(b, i64.const(23))), i64.const(K4));
}

/** Second lane of the hash: another bijection of the same mixed value. */
export function spread(a: Code): Code {
  return i64.mul(i64.rotl(a, i64.const(23)), i64.const(K4));
}

