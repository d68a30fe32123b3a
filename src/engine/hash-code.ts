import { EXTENDED_AT, EXTENDED_BYTES, EXTENDED_START, OFFSET } from '../isa/core-state.ts';
import { CORE, coreBase, HASH_BASE, HASH_LANE_BYTES, KEY_AT } from './layout.ts';
import { brIf, type Code, call, get, I32, I64, i32, i64, iff, loop, ret, select, set } from './wasm/code.ts';
import type { ModuleBuilder } from './wasm/module.ts';

/** Words of a core's block that are no state, or are hashed in another form. */
const UNHASHED = new Set<number>([OFFSET.zero, OFFSET.flagCarry]);

const EXTENDED_OFFSETS = Array.from({ length: EXTENDED_BYTES / 8 }, (_, n) => EXTENDED_AT + 8 * n);

const K1 = 0x9e3779b97f4a7c15n;
const K2 = 0xbf58476d1ce4e5b9n;
const K3 = 0x94d049bb133111ebn;
const K4 = 0xd6e8feb86659fd93n;

/** hashCore and stateKey: the hash of a core's block and of the whole machine, from the incremental lanes. */
export function defineHash(m: ModuleBuilder, mix: number): void {
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
      bit(fc, 63, 0),
      bit(i64.xor(fc, i64.shl(fc, i64.const(1))), 63, 11),
      bit(fc, 3, 4),
      i64.shl(i64.extend(i64.eqz(fr)), i64.const(6)),
      bit(i64.xor(i64.shrU(fr, i64.const(63)), i64.shrU(fc, i64.const(1))), 0, 7),
      bit(i64.xor(i64.popcnt(i64.and(fr, i64.const(0xff))), fc), 0, 2),
    ].reduce((x, y) => i64.or(x, y));
    const word = (offset: number): Code => {
      if (offset === OFFSET.flagResult) return rflags;
      const code = i64.load(get(core), offset);
      // A core that has only looked at its extended state is as one that never did.
      const start = EXTENDED_START.get(offset);
      if (start !== undefined) return i64.xor(code, i64.const(start));
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
    m.define(
      hashCore,
      [I64, I64, I64, I64],
      [
        iff(i32.eqz(i32.load(get(core), CORE.hashDirty)), ret()),
        groups.map((group) => iff(i32.eqz(i64.eqz(group.map(word).reduce((x, y) => i64.or(x, y)))), group.map(add))),
        iff(i32.load(get(core), CORE.extendedUsed), EXTENDED_OFFSETS.map(add)),
        i64.store(get(core), get(a), CORE.hash),
        i64.store(get(core), get(b), CORE.hash + 8),
        i32.store(get(core), i32.const(0), CORE.hashDirty),
      ],
    );
  }
  {
    // stateKey(cores, symmetric: bit c set when core c may trade places with the other set ones)
    const [cores, symmetric, n, core, lane, role] = [0, 1, 2, 3, 4, 5];
    const [a, b, x] = [6, 7, 8];
    m.define(
      stateKey,
      [I32, I32, I32, I32, I64, I64, I64],
      [
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
      ],
    );
  }
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
