import { OFFSET, RSP } from '../isa/core-state.ts';
import { CELL } from './journal-code.ts';
import {
  CORE,
  coreBase,
  EVENT_BASE,
  EVENT_BYTES,
  LATCH_ENTRIES,
  MAX_EVENTS,
  type MemoryMap,
  PAGE,
  PAGE_INFO_BASE,
  PAIR_FIRST,
  SHADOW,
  STORE_BUFFER,
  STORE_BUFFER_ENTRIES,
  STORE_BUFFER_ENTRY_BYTES,
  Stop,
} from './layout.ts';
import type { EngineGlobals, Features, MemoryImports } from './memory-abi.ts';
import { holdsCode } from './tlb-code.ts';
import {
  block,
  br,
  brIf,
  type Code,
  call,
  get,
  globalGet,
  globalSet,
  I32,
  I64,
  i32,
  i64,
  iff,
  loop,
  memoryCopy,
  memoryFill,
  ret,
  select,
  set,
} from './wasm/code.ts';
import type { ModuleBuilder } from './wasm/module.ts';

/** What the code of visible accesses needs. */
export interface VisibleContext {
  readonly m: ModuleBuilder;
  readonly map: MemoryMap;
  readonly features: Features;
  readonly globals: EngineGlobals;
  readonly imports: MemoryImports;
  /** translate(core block, address, access, kind, size) -> host offset, 0 after a fault */
  readonly translate: number;
  readonly storeAt: number;
}

/** Numbers of the functions that translated accesses call. */
export interface VisibleFunctions {
  /** pieceLoad(core block, physical address, bytes) -> value: inside one cache line */
  readonly pieceLoad: number;
  /** pieceStore(core block, physical address, bytes, value, flags) */
  readonly pieceStore: number;
  /** visibleAt(core block, physical address, bytes, 1 for a write) -> 1 when it is shared and written */
  readonly visibleAt: number;
}

/** The info word of the page at a physical address. */
export const pageInfo = (pa: Code): Code =>
  i32.load(i32.add(i32.const(PAGE_INFO_BASE), i32.shl(i32.shrU(pa, i32.const(12)), i32.const(2))));

/** Notes at which access a core stopped. */
export function noteStop(core: number, pa: number, size: number): Code {
  return [i32.store(get(core), get(pa), CORE.stopAddress), i32.store(get(core), get(size), CORE.stopSize)];
}

/**
 * Accesses by physical address: which of them others can see, the store buffer and its forwarding, what an instruction has done already when it
 * is taken up again, and the events that traces are made of.
 */
export function defineVisible({ m, map, features, globals, imports, translate, storeAt }: VisibleContext): VisibleFunctions {
  const stopWith = (reason: number): Code => globalSet(globals.stop, i32.const(reason + 1));
  const hostOf = (pa: Code): Code => i32.add(pa, i32.const(map.ram));
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

  // event(core, kind, physical address, size, value)
  {
    const [core, kind, pa, size, value, top] = [0, 1, 2, 3, 4, 5];
    m.define(
      event,
      [I32],
      [
        set(top, globalGet(globals.eventTop)),
        iff(i32.geU(get(top), i32.const(EVENT_BASE + MAX_EVENTS * EVENT_BYTES)), ret()),
        i32.store(get(top), i32.load(get(core), CORE.index)),
        i32.store(get(top), get(kind), 4),
        i32.store(get(top), get(pa), 8),
        i32.store(get(top), get(size), 12),
        i64.store(get(top), get(value), 16),
        i64.store(get(top), i64.load(get(core), OFFSET.rip), 24),
        globalSet(globals.eventTop, i32.add(get(top), i32.const(EVENT_BYTES))),
      ],
    );
  }

  // visibleAt(core, physical address, size, isWrite): learns the access; 1 when any quadword of it is shared and written
  {
    const [core, pa, size, isWrite, at, end, word, next, seen] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
    const shadowOf = (p: Code): Code => i32.add(i32.const(map.shadow), i32.shl(i32.shrU(p, i32.const(3)), i32.const(2)));
    const everyone = (w: number): Code =>
      i32.and(i32.or(get(w), i32.shrU(get(w), i32.const(SHADOW.writersShift))), i32.const(SHADOW.readers));
    const shared = (w: number): Code =>
      i32.or(
        i32.ne(i32.and(get(w), i32.const(SHADOW.declared | SHADOW.text)), i32.const(0)),
        i32.and(
          i32.ne(i32.and(get(w), i32.const(SHADOW.readers << SHADOW.writersShift)), i32.const(0)),
          i32.ne(i32.and(everyone(w), i32.sub(everyone(w), i32.const(1))), i32.const(0)),
        ),
      );
    m.define(
      visibleAt,
      [I32, I32, I32, I32, I32],
      features.explore
        ? [
            set(at, shadowOf(get(pa))),
            set(end, shadowOf(i32.sub(i32.add(get(pa), get(size)), i32.const(1)))),
            loop([
              set(word, i32.load(get(at))),
              set(
                next,
                i32.or(
                  get(word),
                  i32.shl(i32.const(1), i32.add(i32.load(get(core), CORE.index), i32.mul(get(isWrite), i32.const(SHADOW.writersShift)))),
                ),
              ),
              iff(i32.ne(get(next), get(word)), [
                i32.store(get(at), get(next)),
                iff(
                  i32.and(shared(next), i32.eqz(shared(word))),
                  globalSet(globals.learned, i32.add(globalGet(globals.learned), i32.const(1))),
                ),
              ]),
              set(seen, i32.or(get(seen), shared(next))),
              set(at, i32.add(get(at), i32.const(4))),
              brIf(0, i32.leU(get(at), get(end))),
            ]),
            get(seen),
          ]
        : [i32.const(0)],
    );
  }

  // readAt(host, size): 1 to 8 bytes of linear memory
  {
    const [host, size] = [0, 1];
    m.define(
      readAt,
      [],
      [
        iff(i32.eq(get(size), i32.const(8)), ret(i64.load(get(host)))),
        iff(i32.eq(get(size), i32.const(4)), ret(i64.load32(get(host)))),
        iff(i32.eq(get(size), i32.const(2)), ret(i64.load16(get(host)))),
        iff(i32.eq(get(size), i32.const(1)), ret(i64.load8(get(host)))),
        i64.and(i64.load(get(host)), i64.sub(i64.shl(i64.const(1), i64.extend(i32.shl(get(size), i32.const(3)))), i64.const(1))),
      ],
    );
  }

  // write(core, physical address, size, value): to memory, up to 8 bytes, possibly over a quadword or page boundary of RAM
  {
    const [core, pa, size, value, info, first] = [0, 1, 2, 3, 4, 5];
    const onPage = i32.ne(i32.and(get(info), i32.const(PAGE.hasRecords)), i32.const(0));
    const last = i32.sub(i32.add(get(pa), get(size)), i32.const(1));
    // The explorer learns which text is written: it is told of every store to a page with code.
    const onCode = features.explore ? onPage : i32.and(onPage, i32.or(holdsCode(get(pa)), holdsCode(last)));
    m.define(
      write,
      [I32, I32],
      [
        set(info, pageInfo(get(pa))),
        iff(onCode, call(imports.textWrite, get(core), get(pa), get(size))),
        set(first, i32.sub(i32.const(8), i32.and(get(pa), i32.const(7)))),
        iff(i32.geU(get(first), get(size)), call(storeAt, hostOf(get(pa)), get(size), get(value), get(info)), [
          call(storeAt, hostOf(get(pa)), get(first), get(value), get(info)),
          call(
            storeAt,
            hostOf(i32.add(get(pa), get(first))),
            i32.sub(get(size), get(first)),
            i64.shrU(get(value), i64.extend(i32.shl(get(first), i32.const(3)))),
            pageInfo(i32.add(get(pa), get(first))),
          ),
        ]),
        features.explore
          ? iff(
              i32.and(
                i32.or(shadowWord(map, get(pa)), shadowWord(map, i32.sub(i32.add(get(pa), get(size)), i32.const(1)))),
                i32.const(SHADOW.text),
              ),
              call(imports.textCommitted, get(core), get(pa), get(size)),
            )
          : [],
      ],
    );
    m.define(physicalWrite, [], call(write, i32.const(coreBase(0)), get(0), get(1), get(2)));
  }

  // forwarded read: youngest own buffered byte, else memory
  const forwarded = m.declare({ params: [I32, I32, I32], results: [I64] });
  {
    const [core, pa, size, n, entry, shift, from] = [0, 1, 2, 3, 4, 5, 6];
    const [value, mask] = [7, 8];
    m.define(
      forwarded,
      [I32, I32, I32, I32, I64, I64],
      [
        set(value, call(readAt, hostOf(get(pa)), get(size))),
        iff(i32.eqz(i32.load(get(core), CORE.storeBufferCount)), ret(get(value))),
        block(
          loop([
            brIf(1, i32.geU(get(n), i32.load(get(core), CORE.storeBufferCount))),
            set(entry, i32.add(get(core), i32.mul(get(n), i32.const(STORE_BUFFER_ENTRY_BYTES)))),
            set(n, i32.add(get(n), i32.const(1))),
            set(from, i32.load(get(entry), CORE.storeBuffer + STORE_BUFFER.address)),
            // overlaps?
            brIf(0, i32.geU(get(from), i32.add(get(pa), get(size)))),
            brIf(0, i32.geU(get(pa), i32.add(get(from), i32.load8(get(entry), CORE.storeBuffer + STORE_BUFFER.size)))),
            set(
              mask,
              select(
                i64.const(-1),
                i64.sub(
                  i64.shl(i64.const(1), i64.extend(i32.shl(i32.load8(get(entry), CORE.storeBuffer + STORE_BUFFER.size), i32.const(3)))),
                  i64.const(1),
                ),
                i32.eq(i32.load8(get(entry), CORE.storeBuffer + STORE_BUFFER.size), i32.const(8)),
              ),
            ),
            iff(
              i32.geU(get(from), get(pa)),
              [
                set(shift, i32.shl(i32.sub(get(from), get(pa)), i32.const(3))),
                set(
                  value,
                  i64.or(
                    i64.and(get(value), i64.xor(i64.shl(get(mask), i64.extend(get(shift))), i64.const(-1))),
                    i64.shl(i64.and(i64.load(get(entry), CORE.storeBuffer + STORE_BUFFER.value), get(mask)), i64.extend(get(shift))),
                  ),
                ),
              ],
              [
                set(shift, i32.shl(i32.sub(get(pa), get(from)), i32.const(3))),
                set(
                  value,
                  i64.or(
                    i64.and(get(value), i64.xor(i64.shrU(get(mask), i64.extend(get(shift))), i64.const(-1))),
                    i64.shrU(i64.and(i64.load(get(entry), CORE.storeBuffer + STORE_BUFFER.value), get(mask)), i64.extend(get(shift))),
                  ),
                ),
              ],
            ),
            br(0),
          ]),
        ),
        iff(i32.eq(get(size), i32.const(8)), ret(get(value))),
        i64.and(get(value), i64.sub(i64.shl(i64.const(1), i64.extend(i32.shl(get(size), i32.const(3)))), i64.const(1))),
      ],
    );
  }

  // look(core, address, size): what the core's load would give, without being one; inside one quadword
  {
    const [core, address, size, host] = [0, 1, 2, 3];
    m.define(
      look,
      [I32],
      [
        set(host, call(translate, get(core), get(address), i32.const(0), i32.const(0), get(size))),
        iff(i32.eqz(get(host)), ret(i64.const(0))),
        set(host, i32.sub(get(host), i32.const(map.ram))),
        [call(visibleAt, get(core), get(host), get(size), i32.const(0)), 0x1a],
        call(forwarded, get(core), get(host), get(size)),
      ],
    );
  }

  // pieceLoad(core, physical address, size): inside one page; a visible one costs a visible operation
  {
    const [core, pa, size, k] = [0, 1, 2, 3];
    const value = 4;
    m.define(
      pieceLoad,
      [I32, I64],
      features.explore
        ? [
            iff(i32.eqz(i32.and(pageInfo(get(pa)), i32.const(PAGE.slow))), ret(call(readAt, hostOf(get(pa)), get(size)))),
            iff(i32.eqz(call(visibleAt, get(core), get(pa), get(size), i32.const(0))), ret(call(readAt, hostOf(get(pa)), get(size)))),
            iff(globalGet(globals.locked), [
              set(value, call(readAt, hostOf(get(pa)), get(size))),
              call(event, get(core), i32.const(2), get(pa), get(size), get(value)),
              ret(get(value)),
            ]),
            set(k, globalGet(globals.access)),
            globalSet(globals.access, i32.add(get(k), i32.const(1))),
            iff(
              i32.ltU(get(k), i32.load(get(core), CORE.latchDone)),
              ret(i64.load(i32.add(get(core), i32.shl(get(k), i32.const(3))), CORE.latch)),
            ),
            iff(i32.eqz(globalGet(globals.visible)), [noteStop(core, pa, size), stopWith(Stop.visible), ret(i64.const(0))]),
            iff(i32.geU(get(k), i32.const(LATCH_ENTRIES)), [0x00]),
            globalSet(globals.visible, i32.sub(globalGet(globals.visible), i32.const(1))),
            set(value, call(forwarded, get(core), get(pa), get(size))),
            i64.store(i32.add(get(core), i32.shl(get(k), i32.const(3))), get(value), CORE.latch),
            i32.store(get(core), i32.add(get(k), i32.const(1)), CORE.latchDone),
            call(event, get(core), i32.const(0), get(pa), get(size), get(value)),
            get(value),
          ]
        : [call(readAt, hostOf(get(pa)), get(size))],
    );
  }

  // pieceStore(core, physical address, size, value, flags)
  {
    const [core, pa, size, value, flags, k, entry] = [0, 1, 2, 3, 4, 5, 6];
    const done: Code = [
      iff(i32.geU(get(k), i32.const(LATCH_ENTRIES)), [0x00]),
      i32.store(get(core), i32.add(get(k), i32.const(1)), CORE.latchDone),
    ];
    m.define(
      pieceStore,
      [I32, I32],
      features.explore
        ? [
            iff(i32.eqz(i32.and(pageInfo(get(pa)), i32.const(PAGE.slow))), [call(write, get(core), get(pa), get(size), get(value)), ret()]),
            iff(i32.eqz(call(visibleAt, get(core), get(pa), get(size), i32.const(1))), [
              call(write, get(core), get(pa), get(size), get(value)),
              ret(),
            ]),
            iff(globalGet(globals.locked), [
              call(event, get(core), i32.const(3), get(pa), get(size), get(value)),
              call(write, get(core), get(pa), get(size), get(value)),
              ret(),
            ]),
            set(k, globalGet(globals.access)),
            globalSet(globals.access, i32.add(get(k), i32.const(1))),
            iff(i32.ltU(get(k), i32.load(get(core), CORE.latchDone)), ret()),
            ...(features.tso
              ? [
                  iff(i32.geU(i32.load(get(core), CORE.storeBufferCount), i32.const(STORE_BUFFER_ENTRIES - 2)), [
                    stopWith(Stop.drain),
                    ret(),
                  ]),
                  iff(globalGet(globals.interruptible), [
                    iff(i32.eqz(globalGet(globals.visible)), [noteStop(core, pa, size), stopWith(Stop.visible), ret()]),
                    globalSet(globals.visible, i32.sub(globalGet(globals.visible), i32.const(1))),
                  ]),
                  done,
                  set(entry, i32.add(get(core), i32.mul(i32.load(get(core), CORE.storeBufferCount), i32.const(STORE_BUFFER_ENTRY_BYTES)))),
                  i32.store(get(entry), get(pa), CORE.storeBuffer + STORE_BUFFER.address),
                  i32.store(
                    get(entry),
                    i32.or(get(size), i32.shl(i32.or(get(flags), i32.shl(globalGet(globals.sameAddress), i32.const(1))), i32.const(8))),
                    CORE.storeBuffer + STORE_BUFFER.size,
                  ),
                  i64.store(get(entry), get(value), CORE.storeBuffer + STORE_BUFFER.value),
                  i32.store(get(core), i32.add(i32.load(get(core), CORE.storeBufferCount), i32.const(1)), CORE.storeBufferCount),
                  call(event, get(core), i32.const(1), get(pa), get(size), get(value)),
                ]
              : [
                  iff(i32.eqz(globalGet(globals.visible)), [noteStop(core, pa, size), stopWith(Stop.visible), ret()]),
                  done,
                  globalSet(globals.visible, i32.sub(globalGet(globals.visible), i32.const(1))),
                  call(event, get(core), i32.const(4), get(pa), get(size), get(value)),
                  call(write, get(core), get(pa), get(size), get(value)),
                ]),
          ]
        : [call(write, get(core), get(pa), get(size), get(value))],
    );
  }

  // drain(core, n): commits entry n of the store buffer to memory
  {
    const [core, n, entry, count, last] = [0, 1, 2, 3, 4];
    m.define(
      drain,
      [I32, I32, I32],
      [
        set(entry, i32.add(i32.add(get(core), i32.const(CORE.storeBuffer)), i32.mul(get(n), i32.const(STORE_BUFFER_ENTRY_BYTES)))),
        call(
          event,
          get(core),
          i32.const(5),
          i32.load(get(entry)),
          i32.load8(get(entry), STORE_BUFFER.size),
          i64.load(get(entry), STORE_BUFFER.value),
        ),
        globalSet(globals.sameAddress, i32.shrU(i32.load8(get(entry), STORE_BUFFER.flags), i32.const(1))),
        call(write, get(core), i32.load(get(entry)), i32.load8(get(entry), STORE_BUFFER.size), i64.load(get(entry), STORE_BUFFER.value)),
        // A half that goes first leaves its partner alone in order again.
        iff(
          get(n),
          i32.store8(
            i32.sub(get(entry), i32.const(STORE_BUFFER_ENTRY_BYTES)),
            i32.and(i32.load8(i32.sub(get(entry), i32.const(STORE_BUFFER_ENTRY_BYTES)), STORE_BUFFER.flags), i32.const(~PAIR_FIRST)),
            STORE_BUFFER.flags,
          ),
        ),
        set(count, i32.sub(i32.load(get(core), CORE.storeBufferCount), i32.const(1))),
        i32.store(get(core), get(count), CORE.storeBufferCount),
        set(last, i32.add(i32.add(get(core), i32.const(CORE.storeBuffer)), i32.mul(get(count), i32.const(STORE_BUFFER_ENTRY_BYTES)))),
        memoryCopy(get(entry), i32.add(get(entry), i32.const(STORE_BUFFER_ENTRY_BYTES)), i32.sub(get(last), get(entry))),
        memoryFill(get(last), i32.const(0), i32.const(STORE_BUFFER_ENTRY_BYTES)),
      ],
    );
  }

  // scrub(core): zeroes the dead part of the declared stack, so that leftovers below RSP do not tell states apart
  {
    const [core, info, host, end] = [0, 1, 2, 3];
    const rsp = 4;
    m.define(
      scrub,
      [I32, I32, I32, I64],
      features.explore
        ? [
            globalSet(globals.visible, i32.const(0)),
            set(rsp, i64.load(get(core), 8 * RSP)),
            iff(
              i32.or(i64.ltU(get(rsp), i64.load(get(core), CORE.stackLow)), i64.gtU(get(rsp), i64.load(get(core), CORE.stackHigh))),
              ret(),
            ),
            // Where it lies is no matter of the TLB: what is dead must not depend on what the core touched last.
            set(host, i32.load(get(core), CORE.stackHost)),
            set(info, pageInfo(i32.sub(get(host), i32.const(map.ram)))),
            set(end, i32.add(get(host), i32.and(i32.wrap(i64.sub(get(rsp), i64.load(get(core), CORE.stackLow))), i32.const(CELL)))),
            // Nearly all of it is zero already: a cache line at a time.
            block(
              loop([
                brIf(1, i32.gtU(i32.add(get(host), i32.const(64)), get(end))),
                brIf(
                  1,
                  i32.eqz(i64.eqz([1, 2, 3, 4, 5, 6, 7].reduce((sum, n) => i64.or(sum, i64.load(get(host), 8 * n)), i64.load(get(host))))),
                ),
                set(host, i32.add(get(host), i32.const(64))),
                br(0),
              ]),
            ),
            block(
              loop([
                brIf(1, i32.geU(get(host), get(end))),
                iff(i32.eqz(i64.eqz(i64.load(get(host)))), call(storeAt, get(host), i32.const(8), i64.const(0), get(info))),
                set(host, i32.add(get(host), i32.const(8))),
                br(0),
              ]),
            ),
          ]
        : [],
    );
  }

  return { pieceLoad, pieceStore, visibleAt };
}

function shadowWord(map: MemoryMap, pa: Code): Code {
  return i32.load(i32.add(i32.const(map.shadow), i32.shl(i32.shrU(pa, i32.const(3)), i32.const(2))));
}
