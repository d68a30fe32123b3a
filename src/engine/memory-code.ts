import { defineHash } from './hash-code.ts';
import { defineJournal } from './journal-code.ts';
import { CORE, type MemoryMap, PAGE, PAIR_FIRST, Stop, TLB } from './layout.ts';
import { type EngineGlobals, type Features, MEMORY_TYPES, type MemoryImports } from './memory-abi.ts';
import { holdsCode, tlbEntry } from './tlb-code.ts';
import { defineVisible, noteStop, pageInfo } from './visible-code.ts';
import { type Code, call, drop, get, globalGet, globalSet, I32, I64, i32, i64, iff, ret, set } from './wasm/code.ts';
import type { ModuleBuilder } from './wasm/module.ts';

/** Locals of an access: what it is, and where it goes. */
interface AccessLocals {
  readonly core: number;
  readonly address: number;
  readonly size: number;
  readonly kind: number;
  /** Host offset of its first byte. */
  readonly host: number;
  /** Where it goes over a cache line: bytes in front of that, and host offset of those behind. */
  readonly first: number;
  readonly host2: number;
}

/** Bytes from the address in a local to the next multiple of `unit`. */
const toNext = (address: number, unit: number): Code => i32.sub(i32.const(unit), i32.and(i32.wrap(get(address)), i32.const(unit - 1)));

/**
 * Adds the code of the memory subsystem to a module: translated loads and stores, store buffers, the undo journal and the
 * incremental hash. Every engine reaches memory through these functions, so there is one meaning of a memory access.
 */
export function defineMemory(m: ModuleBuilder, map: MemoryMap, features: Features, globals: EngineGlobals, imports: MemoryImports): void {
  const stopWith = (reason: number): Code => globalSet(globals.stop, i32.const(reason + 1));
  const translate = m.declare({ params: [I32, I64, I32, I32, I32], results: [I32] });
  const load = m.declare(MEMORY_TYPES.load, 'load');
  const store = m.declare(MEMORY_TYPES.store, 'store');
  const lockBegin = m.declare(MEMORY_TYPES.lockBegin, 'lockBegin');
  const { mix, storeAt } = defineJournal(m, map, features, globals);
  const { pieceLoad, pieceStore, visibleAt } = defineVisible({ m, map, features, globals, imports, translate, storeAt });
  defineHash(m, mix);

  // translate(core, address, access, kind, size) -> host offset of the byte, 0 after a fault
  {
    const [core, address, access, kind, size, entry] = [0, 1, 2, 3, 4, 5];
    m.define(
      translate,
      [I32],
      [
        set(entry, tlbEntry(core, get(address))),
        iff(
          i32.and(
            i64.eq(i64.and(i64.load(get(entry), TLB.tagAny), i64.const(~0xfff)), i64.and(get(address), i64.const(~0xfff))),
            i32.and(i32.shrU(i32.wrap(i64.load(get(entry), TLB.tagAny)), get(access)), i32.const(1)),
          ),
          ret(i32.add(i32.wrap(get(address)), i32.load(get(entry), TLB.delta))),
        ),
        call(
          imports.walk,
          get(core),
          i32.wrap(get(address)),
          i32.wrap(i64.shrU(get(address), i64.const(32))),
          get(access),
          get(kind),
          get(size),
        ),
      ],
    );
  }

  /** Cuts an access that goes over a cache line, `first` being the bytes to the next page: what lies behind that is translated by itself, with `access`. */
  const secondPart = ({ core, address, size, kind, host, first, host2 }: AccessLocals, access: Code, giveUp: Code): Code => {
    const behind = call(
      translate,
      get(core),
      i64.add(get(address), i64.extend(get(first))),
      access,
      get(kind),
      i32.sub(get(size), get(first)),
    );
    return iff(
      i32.geU(get(first), get(size)),
      [set(first, toNext(address, 64)), set(host2, i32.add(get(host), get(first)))],
      [set(host2, behind), iff(i32.eqz(get(host2)), giveUp)],
    );
  };

  // load(core, address, size, kind, modify)
  {
    const [core, address, size, kind, modify, host, first, host2] = [0, 1, 2, 3, 4, 5, 6, 7];
    const value = 8;
    m.define(
      load,
      [I32, I32, I32, I64],
      [
        set(host, call(translate, get(core), get(address), get(modify), get(kind), get(size))),
        iff(i32.eqz(get(host)), ret(i64.const(0))),
        set(first, toNext(address, 4096)),
        // Inside one cache line an access is one; over a line it is two, in address order.
        iff(i32.geU(toNext(address, 64), get(size)), ret(call(pieceLoad, get(core), i32.sub(get(host), i32.const(map.ram)), get(size)))),
        secondPart({ core, address, size, kind, host, first, host2 }, get(modify), ret(i64.const(0))),
        set(value, call(pieceLoad, get(core), i32.sub(get(host), i32.const(map.ram)), get(first))),
        iff(globalGet(globals.stop), ret(i64.const(0))),
        i64.or(
          get(value),
          i64.shl(
            call(pieceLoad, get(core), i32.sub(get(host2), i32.const(map.ram)), i32.sub(get(size), get(first))),
            i64.extend(i32.shl(get(first), i32.const(3))),
          ),
        ),
      ],
    );
  }

  // store(core, address, size, value, kind)
  {
    const [core, address, size, value, kind, host, first, host2] = [0, 1, 2, 3, 4, 5, 6, 7];
    // The page holds decoded instructions, but not where the store goes: inside a quadword nothing more is to be looked at.
    const besideCode: Code = [
      set(first, tlbEntry(core, get(address))),
      set(host, i32.add(i32.wrap(get(address)), i32.load(get(first), TLB.delta))),
      iff(
        i32.and(
          i64.eq(i64.load(get(first), TLB.tagWrite), i64.add(i64.and(get(address), i64.const(-4096)), i64.const(TLB.holdsCode))),
          i32.leU(i32.add(i32.and(get(host), i32.const(7)), get(size)), i32.const(8)),
        ),
        iff(i32.eqz(holdsCode(i32.sub(get(host), i32.const(map.ram)))), [
          call(storeAt, get(host), get(size), get(value), i32.load(get(first), TLB.info)),
          ret(),
        ]),
      ),
    ];
    m.define(
      store,
      [I32, I32, I32],
      [
        features.explore ? [] : besideCode,
        set(host, call(translate, get(core), get(address), i32.const(1), get(kind), get(size))),
        iff(i32.eqz(get(host)), ret()),
        features.explore
          ? globalSet(
              globals.sameAddress,
              i32.and(i32.shrU(i32.wrap(i64.load(tlbEntry(core, get(address)), TLB.tagAny)), i32.const(2)), i32.const(1)),
            )
          : [],
        iff(i32.geU(toNext(address, 64), get(size)), [
          call(pieceStore, get(core), i32.sub(get(host), i32.const(map.ram)), get(size), get(value), i32.const(0)),
          ret(),
        ]),
        set(first, toNext(address, 4096)),
        secondPart({ core, address, size, kind, host, first, host2 }, i32.const(1), ret()),
        call(
          pieceStore,
          get(core),
          i32.sub(get(host), i32.const(map.ram)),
          get(first),
          lowBytes(get(value), get(first)),
          i32.const(PAIR_FIRST),
        ),
        iff(globalGet(globals.stop), ret()),
        call(
          pieceStore,
          get(core),
          i32.sub(get(host2), i32.const(map.ram)),
          i32.sub(get(size), get(first)),
          i64.shrU(get(value), i64.extend(i32.shl(get(first), i32.const(3)))),
          i32.const(0),
        ),
      ],
    );
  }

  // probe(core, address, size, kind): at most two pages
  {
    const [core, address, size, kind] = [0, 1, 2, 3];
    const room = toNext(address, 4096);
    const second = i64.add(get(address), i64.extend(room));
    m.define(
      m.declare(MEMORY_TYPES.probe, 'probe'),
      [],
      [
        iff(i32.eqz(call(translate, get(core), get(address), i32.const(1), get(kind), get(size))), ret()),
        iff(i32.ltU(room, get(size)), drop(call(translate, get(core), second, i32.const(1), get(kind), i32.const(1)))),
      ],
    );
  }

  // lockBegin(core, address, size, kind): the locked access that follows is one atomic visible operation
  {
    const [core, address, size, kind, host, pa] = [0, 1, 2, 3, 4, 5];
    m.define(
      lockBegin,
      [I32, I32],
      features.explore
        ? [
            iff(globalGet(globals.locked), ret()),
            set(host, call(translate, get(core), get(address), i32.const(1), get(kind), get(size))),
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
          ]
        : [set(host, i32.const(0)), set(pa, i32.const(0))],
    );
  }
}

function lowBytes(value: Code, size: Code): Code {
  return i64.and(value, i64.sub(i64.shl(i64.const(1), i64.extend(i32.shl(size, i32.const(3)))), i64.const(1)));
}
