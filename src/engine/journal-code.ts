import { EXTENDED_AT, EXTENDED_BYTES } from '../isa/core-state.ts';
import { mixInto, spreadDifference } from './hash-code.ts';
import { CORE, EVENT_BASE, HASH_BASE, HASH_BYTES, HASH_LANE_BYTES, type MemoryMap, PAGE } from './layout.ts';
import { type EngineGlobals, type Features, MEMORY_TYPES } from './memory-abi.ts';
import {
  block,
  br,
  brIf,
  type Code,
  call,
  drop,
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
  ret,
  set,
  v128,
} from './wasm/code.ts';
import type { ModuleBuilder } from './wasm/module.ts';

/** Mask of an address's quadword. */
export const CELL = ~7;

/** Numbers of the functions that the rest of the memory code calls. */
export interface JournalFunctions {
  /** mix(key, value) -> value: a bijection of value for a given key */
  readonly mix: number;
  /** storeAt(host offset, bytes, value, page info): inside one quadword */
  readonly storeAt: number;
}

/**
 * The one place where state in linear memory changes: every store to RAM or to the machine's own words goes through `storeAt`, which remembers what
 * was there in the undo journal and keeps the incremental hash. An entry of the journal is what was there, then where and how long.
 */
export function defineJournal(m: ModuleBuilder, map: MemoryMap, features: Features, globals: EngineGlobals): JournalFunctions {
  const mix = m.declare({ params: [I64, I64], results: [I64] });
  const storeAt = m.declare(MEMORY_TYPES.storeAt, 'storeAt');
  const journalBlock = m.declare({ params: [I32, I32], results: [] }, 'journalBlock');
  const rollback = m.declare({ params: [I32], results: [] }, 'rollback');
  const poke = m.declare({ params: [I32, I32, I32], results: [] }, 'poke');

  // mix(key, value): a bijection of value for a given key
  {
    const [key, value] = [0, 1];
    m.define(mix, [], [mixInto(value, key), get(value)]);
  }

  // storeAt(host, size, value, info): bytes inside one aligned quadword; journal and hash
  {
    const [host, size, value, info, cell, top, lane] = [0, 1, 2, 3, 4, 5, 6];
    const [before, after, key, a, b] = [7, 8, 9, 10, 11];
    const writeBytes: Code = iff(
      i32.eq(get(size), i32.const(8)),
      i64.store(get(host), get(value)),
      iff(
        i32.eq(get(size), i32.const(4)),
        i64.store32(get(host), get(value)),
        iff(
          i32.eq(get(size), i32.const(2)),
          i64.store16(get(host), get(value)),
          iff(
            i32.eq(get(size), i32.const(1)),
            i64.store8(get(host), get(value)),
            // 3, 5, 6 or 7 bytes: pieces of an access that crosses a quadword
            [
              set(cell, i32.const(0)),
              block(
                loop([
                  brIf(1, i32.geU(get(cell), get(size))),
                  i64.store8(i32.add(get(host), get(cell)), i64.shrU(get(value), i64.extend(i32.shl(get(cell), i32.const(3))))),
                  set(cell, i32.add(get(cell), i32.const(1))),
                  br(0),
                ]),
              ),
            ],
          ),
        ),
      ),
    );
    m.define(
      storeAt,
      [I32, I32, I32, I64, I64, I64, I64, I64],
      features.journal
        ? [
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
          ]
        : [writeBytes, drop(get(info))],
    );
  }

  // journalBlock(at, length): remembers a block of linear memory as it is
  {
    const [at, length, top] = [0, 1, 2];
    m.define(
      journalBlock,
      [I32],
      [
        set(top, globalGet(globals.journalTop)),
        memoryCopy(get(top), get(at), get(length)),
        i32.store(i32.add(get(top), get(length)), get(at)),
        i32.store(i32.add(get(top), get(length)), get(length), 4),
        globalSet(globals.journalTop, i32.add(i32.add(get(top), get(length)), i32.const(8))),
      ],
    );
  }

  // beginExtended(core): the extended state is about to be used for the first time
  m.define(
    m.declare(MEMORY_TYPES.beginExtended, 'beginExtended'),
    [],
    features.journal
      ? [
          call(journalBlock, i32.add(get(0), i32.const(EXTENDED_AT)), i32.const(EXTENDED_BYTES)),
          i32.store(get(0), i32.const(1), CORE.extendedUsed),
        ]
      : i32.store(get(0), i32.const(1), CORE.extendedUsed),
  );

  // begin(): the mark of a new transition
  {
    const mark = 0;
    m.define(
      m.declare({ params: [], results: [I32] }, 'begin'),
      [I32],
      [
        set(mark, globalGet(globals.journalTop)),
        // `journalBlock` of the hash, which is short and remembered often: a call for so few bytes costs more than they do.
        Array.from({ length: HASH_BYTES / 16 }, (_, n) => v128.store(get(mark), v128.load(i32.const(HASH_BASE), 16 * n), 16 * n)),
        i64.store(get(mark), i64.const((BigInt(HASH_BYTES) << 32n) | BigInt(HASH_BASE)), HASH_BYTES),
        globalSet(globals.journalTop, i32.add(get(mark), i32.const(HASH_BYTES + 8))),
        globalSet(globals.eventTop, i32.const(EVENT_BASE)),
        get(mark),
      ],
    );
  }

  // allow(operations): so many visible operations may be done from here on
  m.define(m.declare({ params: [I32], results: [] }, 'allow'), [], globalSet(globals.visible, get(0)));

  // rollback(mark): undoes everything since journalTop was `mark`
  {
    const [mark, top, length] = [0, 1, 2];
    m.define(
      rollback,
      [I32, I32],
      [
        set(top, globalGet(globals.journalTop)),
        block(
          loop([
            brIf(1, i32.leU(get(top), get(mark))),
            set(length, i32.load(i32.sub(get(top), i32.const(4)))),
            set(top, i32.sub(get(top), i32.add(get(length), i32.const(8)))),
            iff(
              i32.eq(get(length), i32.const(8)),
              i64.store(i32.load(get(top), 8), i64.load(get(top))),
              memoryCopy(i32.load(i32.add(get(top), get(length))), get(top), get(length)),
            ),
            br(0),
          ]),
        ),
        globalSet(globals.journalTop, get(mark)),
      ],
    );
  }

  // poke(offset, value, info): a 32-bit word of linear memory that is state: journaled and hashed
  m.define(poke, [], call(storeAt, get(0), i32.const(4), i64.extend(get(1)), get(2)));

  return { mix, storeAt };
}
