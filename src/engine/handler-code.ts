import { OFFSET } from '../isa/core-state.ts';
import type { Instruction } from '../isa/instruction.ts';
import { RECORD } from '../isa/record.ts';
import { semanticsOf } from '../isa/semantics/index.ts';
import { FloatFunctions } from './float-code.ts';
import { Graph, Locals } from './graph.ts';
import type { HandlerContext } from './handler-context.ts';
import { mixInto, spreadDifference } from './hash-code.ts';
import {
  CORE,
  DECODE_BASE,
  DECODE_RECORDS,
  HASH_BASE,
  HASH_LANE_BYTES,
  HEAT_AT,
  HOT,
  ITLB,
  LONG_RUN_AT,
  type MemoryMap,
  PAGE,
  REGION_AT,
  REGION_BYTES,
  REGION_ENTRIES,
  REGION_RETIRED_AT,
  Stop,
  TRANSLATE_AT,
} from './layout.ts';
import { type EngineGlobals, type Features, importGlobals, importMemoryFunctions, type MemoryFunctions } from './memory-abi.ts';
import {
  block,
  br,
  brIf,
  brTable,
  type Code,
  callIndirect,
  get,
  globalGet,
  globalSet,
  I32,
  I64,
  i32,
  i64,
  iff,
  loop,
  ret,
  select,
  set,
} from './wasm/code.ts';
import { ModuleBuilder } from './wasm/module.ts';
import { WasmProvider } from './wasm-provider.ts';

/** Handlers a machine can have: the size of the handler table. */
export const MAX_HANDLERS = 16384;
/** Regions that a machine can have at a time, behind the handlers in the table. */
export const MAX_REGIONS = 1024;
export const TABLE_ENTRIES = MAX_HANDLERS + MAX_REGIONS;

export const HANDLER = { params: [I32, I32], results: [I32] } as const;
const STORE_HIT = { params: [I32, I64, I32], results: [] } as const;
const SIZES = [8, 16, 32, 64] as const;

export function importEnvironment(
  m: ModuleBuilder,
  pages: number,
): { globals: EngineGlobals; memory: MemoryFunctions; system: number; fence: number; float: FloatFunctions } {
  m.importMemory('memory', pages, pages);
  const globals = importGlobals(m);
  const memory = importMemoryFunctions(m, globals);
  const system = m.importFunction('system', HANDLER);
  const fence = m.importFunction('fence', { params: [I32], results: [I32] });
  const helper = m.importFunction('helper', { params: [I32], results: [] });
  return { globals, memory, system, fence, float: new FloatFunctions(m, helper) };
}

/** The code of one form's handler, ending after the new RIP has been stored, and whether that is always the next instruction's. */
function handlerCode(instruction: Instruction, context: HandlerContext, locals: Locals): { code: Code; sequential: boolean } {
  const semantics = semanticsOf(instruction.mnemonic);
  if (semantics === undefined) throw new Error(`no semantics for ${instruction.mnemonic}`);
  locals.reset();
  const provider = new WasmProvider(new Graph(locals), instruction, context);
  semantics(provider, instruction);
  const code = provider.finish();
  return { code, sequential: provider.sequential };
}

/** storeHit(host, value, info): the store of a TLB hit, with journal and hash, one function a size. */
export function defineStoreHits(m: ModuleBuilder, map: MemoryMap, globals: EngineGlobals): Readonly<Record<8 | 16 | 32 | 64, number>> {
  const ops = { 8: i64.store8, 16: i64.store16, 32: i64.store32, 64: i64.store } as const;
  const entries = SIZES.map((size) => [size, m.declare(STORE_HIT)] as const);
  for (const [size, fn] of entries) {
    const [host, value, info, cell, top, lane] = [0, 1, 2, 3, 4, 5];
    const [before, after, key] = [6, 7, 8];
    m.define(
      fn,
      [I32, I32, I32, I64, I64, I64],
      [
        set(cell, i32.and(get(host), i32.const(~7))),
        set(before, i64.load(get(cell))),
        ops[size](get(host), get(value)),
        set(after, size === 64 ? get(value) : i64.load(get(cell))),
        // What was there already: as `storeAt`.
        iff(i64.eq(get(before), get(after)), ret()),
        set(top, globalGet(globals.journalTop)),
        iff(i32.geU(get(top), i32.const(map.journal + map.journalBytes - 8192)), set(top, i32.const(map.journal))),
        i64.store(get(top), get(before)),
        i64.store(get(top), i64.or(i64.extend(get(cell)), i64.const(8n << 32n)), 8),
        globalSet(globals.journalTop, i32.add(get(top), i32.const(16))),
        set(lane, i32.add(i32.const(HASH_BASE), i32.mul(i32.and(get(info), i32.const(PAGE.laneMask)), i32.const(HASH_LANE_BYTES)))),
        set(key, i64.extend(i32.or(i32.shl(i32.shrU(get(info), i32.const(8)), i32.const(12)), i32.and(get(cell), i32.const(0xfff))))),
        mixInto(after, key),
        mixInto(before, key),
        i64.store(get(lane), i64.add(i64.load(get(lane)), i64.sub(get(after), get(before)))),
        i64.store(get(lane), i64.add(i64.load(get(lane), 8), spreadDifference(get(after), get(before))), 8),
      ],
    );
  }
  return Object.fromEntries(entries) as Record<8 | 16 | 32 | 64, number>;
}

/** What a module exports that makes one function for the table: each instance that imports a table makes all later changes of it dearer. */
export const MADE = 'made';

/** A module of handlers that are called through the table: each puts itself at its number, or the only one is exported. */
export function handlerModule(
  forms: readonly { number: number; instruction: Instruction }[],
  map: MemoryMap,
  features: Features,
  exported = false,
): Uint8Array<ArrayBuffer> {
  const m = new ModuleBuilder();
  if (!exported) m.importTable('handlers', TABLE_ENTRIES);
  const { memory, system, fence, float } = importEnvironment(m, map.totalPages);
  const storeHit = { 8: memory.storeAt, 16: memory.storeAt, 32: memory.storeAt, 64: memory.storeAt };
  for (const { number, instruction } of forms) {
    const fn = m.declare(HANDLER, exported ? MADE : undefined);
    const locals = new Locals(2);
    const body: Code = [
      handlerCode(
        instruction,
        {
          core: 0,
          record: 1,
          memory,
          features,
          inlineTlb: false,
          system,
          fence,
          float,
          storeHit,
          leave: () => ret(i32.const(1)),
          leaveRetired: () => ret(i32.const(2)),
        },
        locals,
      ).code,
      i32.const(0),
    ];
    m.define(fn, locals.types, body);
    if (!exported) m.elements(number, [fn]);
  }
  return m.bytes();
}

/**
 * The module with `run`: fetches records and executes them until something stops it. Forms in `hot` are arms of the dispatch; all others are
 * called through the table. `run(core block, instructions, forced record or 0)` returns the stop reason and leaves the number of
 * instructions not used at `CORE.stopSize + 8`.
 */
export function runModule(
  hot: readonly { number: number; instruction: Instruction }[],
  map: MemoryMap,
  features: Features,
): Uint8Array<ArrayBuffer> {
  const m = new ModuleBuilder();
  m.importTable('handlers', TABLE_ENTRIES);
  const { globals, memory, system, fence, float } = importEnvironment(m, map.totalPages);
  const handlerType = m.type(HANDLER);
  const storeHit = features.journal
    ? defineStoreHits(m, map, globals)
    : { 8: memory.storeAt, 16: memory.storeAt, 32: memory.storeAt, 64: memory.storeAt };
  const run = m.declare({ params: [I32, I32, I32], results: [I32] }, 'run');
  // What lives from one instruction to the next is kept small: V8 has few registers left for it, and each merge of two arms moves it.
  const [core, budget, record, physical, entry, status, rip] = [0, 1, 2, 3, 4, 5, 6];
  // Where accesses are visible most runs are short, and each instruction comes by the place where regions are looked for: that is done only where a run has become
  // long, and where something was jumped to.
  const [jumped, longBelow] = [7, 8];
  const seldom = features.regions && features.explore;
  const noteJump: Code = seldom ? set(jumped, i32.const(1)) : [];
  // RIP stays in a local from one instruction to the next; what is called may change it.
  const reload = set(rip, i64.load(get(core), OFFSET.rip));

  const build = (locals: Locals): Code => {
    // block $stop { loop $next { prelude; loop $run { block $behind { block $arms { dispatch and arms }; table call }; step behind } } }
    const arms = hot.map(({ instruction }, k): Code => {
      const toBehind = hot.length - k;
      const leave = (depth: number): Code => br(depth + toBehind + 3);
      const { code, sequential } = handlerCode(
        instruction,
        {
          core,
          record,
          memory,
          features,
          inlineTlb: true,
          system,
          fence,
          float,
          storeHit,
          leave,
          rip,
          leaveRetired: (depth) => [globalSet(globals.stop, i32.const(Stop.system + 1)), leave(depth)],
        },
        locals,
      );
      if (!sequential) return [code, noteJump, br(toBehind + 2)];
      // Accesses of an instruction that has retired are done with before the next one.
      return [code, features.explore ? brIf(toBehind + 2, accessed(globals)) : [], br(toBehind)];
    });
    const callHandler: Code = [
      set(status, callIndirect(handlerType, i32.load16(get(record), RECORD.handler), get(core), get(record))),
      seldom ? set(jumped, i64.ne(i64.load(get(core), OFFSET.rip), i64.add(get(rip), i64.load8(get(record), RECORD.length)))) : [],
      reload,
    ];
    const noteRetired = iff(i32.eq(get(status), i32.const(2)), globalSet(globals.stop, i32.const(Stop.system + 1)));
    const tableCall: Code = [callHandler, brIf(2, i32.eqz(get(status))), noteRetired, br(3)];
    // The record of the instruction behind the one that ran is as many places on as that has bytes, where it is on the same page and still translated so. A branch
    // for each question, not their conjunction: that would be made in registers.
    const stepBehind: Code = [
      set(entry, i32.load8(get(record), RECORD.length)),
      brIf(1, i32.ltU(i32.and(i32.wrap(get(rip)), i32.const(0xfff)), get(entry))),
      set(status, i32.add(i32.load(get(record), RECORD.tag), get(entry))),
      set(record, i32.add(get(record), i32.shl(get(entry), i32.const(5)))),
      brIf(1, i32.ne(i32.load(get(record), RECORD.tag), get(status))),
      brIf(1, i32.load(i32.const(TRANSLATE_AT))),
      brIf(0, get(budget)),
      br(1),
    ];
    // In the loop, in the branch that looks for a record: a region does as many instructions as it may, and none where its first block is too long.
    const index = i32.and(i32.xor(get(physical), i32.shrU(get(physical), i32.const(12))), i32.const(REGION_ENTRIES - 1));
    const enterRegion = (toStop: number): Code => [
      set(entry, i32.add(i32.const(REGION_AT), i32.mul(index, i32.const(REGION_BYTES)))),
      iff(
        i32.and(i32.eq(i32.load(get(entry)), get(physical)), i64.eq(i64.load(get(entry), 8), get(rip))),
        [
          globalSet(globals.textChanged, i32.const(0)),
          set(status, get(budget)),
          set(budget, callIndirect(handlerType, i32.load(get(entry), 4), get(core), get(budget))),
          i32.store(i32.const(REGION_RETIRED_AT), i32.add(i32.load(i32.const(REGION_RETIRED_AT)), i32.sub(get(status), get(budget)))),
          noteJump,
          iff(globalGet(globals.stop), [reload, br(toStop)]),
          iff(i32.ne(get(status), get(budget)), [reload, br(toStop - 1)]),
        ],
        [
          set(entry, i32.add(i32.const(HEAT_AT), i32.shl(index, i32.const(2)))),
          i32.store(get(entry), i32.add(i32.load(get(entry)), i32.const(1))),
          iff(i32.eq(i32.load(get(entry)), i32.const(HOT)), [globalSet(globals.stop, i32.const(Stop.hot + 1)), br(toStop)]),
        ],
      ),
    ];
    return [
      seldom
        ? [
            noteJump,
            set(longBelow, i32.load(i32.const(LONG_RUN_AT))),
            set(longBelow, select(i32.sub(get(budget), get(longBelow)), i32.const(0), i32.gtU(get(budget), get(longBelow)))),
          ]
        : [],
      reload,
      block([
        iff(i32.and(i32.ne(get(record), i32.const(0)), i32.ne(get(budget), i32.const(0))), [
          features.explore ? endAccesses(globals, core) : [],
          set(budget, i32.sub(get(budget), i32.const(1))),
          callHandler,
          iff(get(status), [noteRetired, br(2)]),
        ]),
        loop([
          features.explore ? endAccesses(globals, core) : [],
          iff(i32.eqz(get(budget)), [globalSet(globals.stop, i32.const(Stop.budget + 1)), br(2)]),
          set(
            entry,
            i32.add(
              i32.add(get(core), i32.const(CORE.itlb)),
              i32.and(i32.wrap(i64.shrU(get(rip), i64.const(8))), i32.const((ITLB.entries - 1) * ITLB.bytes)),
            ),
          ),
          iff(i64.ne(i64.load(get(entry), ITLB.tag), i64.and(get(rip), i64.const(-4096))), [
            globalSet(globals.stop, i32.const(Stop.fetch + 1)),
            br(2),
          ]),
          i32.store(i32.const(TRANSLATE_AT), i32.const(0)),
          set(physical, i32.or(i32.load(get(entry), ITLB.physical), i32.and(i32.wrap(get(rip)), i32.const(0xfff)))),
          seldom
            ? iff(i32.and(get(jumped), i32.ltU(get(budget), get(longBelow))), [set(jumped, i32.const(0)), enterRegion(4)])
            : features.regions
              ? enterRegion(3)
              : [],
          set(record, i32.add(i32.const(DECODE_BASE), i32.shl(i32.and(get(physical), i32.const(DECODE_RECORDS - 1)), i32.const(5)))),
          iff(i32.ne(i32.load(get(record), RECORD.tag), get(physical)), [globalSet(globals.stop, i32.const(Stop.fetch + 1)), br(2)]),
          loop([
            set(budget, i32.sub(get(budget), i32.const(1))),
            block([hot.length === 0 ? [] : block(dispatch(hot, arms, record)), tableCall]),
            stepBehind,
          ]),
        ]),
      ]),
      i32.store(get(core), get(budget), CORE.stopSize + 4),
      set(status, i32.sub(globalGet(globals.stop), i32.const(1))),
      // The instruction has retired: its accesses are done with.
      features.explore ? iff(i32.eq(get(status), i32.const(Stop.system)), clearLatch(core)) : [],
      globalSet(globals.stop, i32.const(0)),
      globalSet(globals.access, i32.const(0)),
      globalSet(globals.locked, i32.const(0)),
      get(status),
    ];
  };
  const locals = new Locals(9);
  const body = build(locals);
  m.define(run, [I32, I32, I32, I64, I32, I32, ...locals.types], body);
  return m.bytes();
}

/** Nested blocks with the dispatch innermost: leaving block k runs arm k; leaving all of them reaches the table call. */
function dispatch(hot: readonly { number: number }[], arms: readonly Code[], record: number): Code {
  const arm = new Map(hot.map((h, k) => [h.number, k]));
  const largest = hot.reduce((a, h) => Math.max(a, h.number), -1);
  const targets = Array.from({ length: largest + 1 }, (_, n) => arm.get(n) ?? hot.length);
  let code: Code = brTable(i32.load16(get(record), RECORD.handler), targets, hot.length);
  for (const a of arms) code = [block(code), a];
  return code;
}

/** Behind an instruction: its visible accesses are done with. */
export function endAccesses(globals: EngineGlobals, core: number): Code {
  return iff(accessed(globals), [globalSet(globals.access, i32.const(0)), globalSet(globals.locked, i32.const(0)), clearLatch(core)]);
}

const accessed = (globals: EngineGlobals): Code => i32.or(globalGet(globals.access), globalGet(globals.locked));

/** No access of the instruction in flight is done: as many entries of its latch as were used are zero again, which are one or two. */
function clearLatch(core: number): Code {
  const done = i32.load(get(core), CORE.latchDone);
  return iff(
    done,
    loop([
      i32.store(get(core), i32.sub(done, i32.const(1)), CORE.latchDone),
      i64.store(i32.add(get(core), i32.shl(done, i32.const(3))), i64.const(0), CORE.latch),
      brIf(0, done),
    ]),
  );
}
