import { EXTENDED_AT, gprOffset, OFFSET } from '../isa/core-state.ts';
import type { Instruction } from '../isa/instruction.ts';
import { RECORD, RECORD_BYTES, type RecordFields } from '../isa/record.ts';
import { semanticsOf } from '../isa/semantics/index.ts';
import { Graph, Locals } from './graph.ts';
import { defineStoreHits, endAccesses, HANDLER, importEnvironment, MADE, TABLE_ENTRIES } from './handler-code.ts';
import type { FixedPlace } from './handler-context.ts';
import { DECODE_BASE, DECODE_RECORDS, type MemoryMap, Stop } from './layout.ts';
import type { Features } from './memory-abi.ts';
import {
  block,
  br,
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
  set,
  V128,
  v128,
} from './wasm/code.ts';
import { ModuleBuilder } from './wasm/module.ts';
import { WasmProvider } from './wasm-provider.ts';

/** An instruction of a region: its linear address, its form and its fields. */
export interface RegionInstruction {
  readonly rip: bigint;
  readonly instruction: Instruction;
  readonly fields: RecordFields;
  /**
   * Physical address of one whose bytes keep changing: its record says when it runs what it is, and its handler is called. A block of its own; what is here of
   * it is how it was last.
   */
  readonly volatileAt?: number;
}

/** Instructions that run one after the other; only the last one may go elsewhere. */
export type RegionBlock = readonly RegionInstruction[];

const FLAG_WORDS = ['flagResult', 'flagCarry'] as const;

/** Locals of a region's function: parameters, then what is the same for all instructions, then scratch. */
const CORE_LOCAL = 0;
const BUDGET = 1;
const NEXT = 2;
/** 1 in an instruction that has called outside: there is something to look after behind it. */
const CALLED = 3;
/** RAX; the other general registers and the flag words follow. */
const FIRST = 4;
const REGISTERS = 18;
/** Halves of vector registers are counted behind them; those that a region uses have locals. */
const HALF_BYTES = 16;

/** Which registers a region uses: known once its code has been made once. */
interface Uses {
  readonly read: Set<number>;
  readonly written: Set<number>;
}

/**
 * The code of a region: hot blocks of one page as one function `(core block, instructions) -> instructions left`, from the same semantics as the handlers. General
 * registers, flags and vectors live in locals between the blocks; whatever may look at the core, a slow memory access or a way out, finds everything in its
 * block. `entry` is the block that it begins with. A block begins only when all its instructions are allowed, so that a region stops exactly where the interpreter would.
 */
export function regionModule(blocks: readonly RegionBlock[], entry: number, map: MemoryMap, features: Features): Uint8Array<ArrayBuffer> {
  const m = new ModuleBuilder();
  if (blocks.some(([first]) => first?.volatileAt !== undefined)) m.importTable('handlers', TABLE_ENTRIES);
  const environment = importEnvironment(m, map.totalPages);
  const { memory, globals } = environment;
  const storeHit = features.journal
    ? defineStoreHits(m, map, globals)
    : { 8: memory.storeAt, 16: memory.storeAt, 32: memory.storeAt, 64: memory.storeAt };
  const fn = m.declare(HANDLER, MADE);
  const handlerType = m.type(HANDLER);
  const starts = new Map(blocks.map((b, n) => [b[0]!.rip, n]));
  const returns = blocks.flatMap((b) => {
    const last = b.at(-1)!;
    return last.instruction.mnemonic === 'call' ? [BigInt.asUintN(64, last.rip + BigInt(last.fields.length))] : [];
  });

  const build = (locals: Locals, uses: Uses, known: Uses | undefined): Code => {
    const wordAt = (n: number): number => (n < 16 ? gprOffset(n) : OFFSET[FLAG_WORDS[n - 16]!]);
    const halves = vectorsOf(known ?? uses);
    const localOf = (n: number): number => FIRST + (n < REGISTERS ? n : REGISTERS + Math.max(0, halves.indexOf(n)));
    const halfAt = (n: number): number => EXTENDED_AT + HALF_BYTES * (n - REGISTERS);
    const spillRegisters: Code = [...(known ?? uses).written]
      .sort((a, b) => a - b)
      .map((n) =>
        n < REGISTERS ? i64.store(get(CORE_LOCAL), get(localOf(n)), wordAt(n)) : v128.store(get(CORE_LOCAL), get(localOf(n)), halfAt(n)),
      );
    const fill: Code =
      known === undefined
        ? []
        : [...known.read].map((n) =>
            set(localOf(n), n < REGISTERS ? i64.load(get(CORE_LOCAL), wordAt(n)) : v128.load(get(CORE_LOCAL), halfAt(n))),
          );
    const goTo = (rip: Code): Code => [spillRegisters, i64.store(get(CORE_LOCAL), rip, OFFSET.rip)];
    const use = (n: number, write: boolean): number => {
      uses.read.add(n);
      if (write) uses.written.add(n);
      return localOf(n);
    };

    const bodies = blocks.map((instructions, k): Code => {
      const toLoop = blocks.length - 1 - k;
      const out = toLoop + 1;
      const to = (target: bigint, depth: number): Code => {
        const at = starts.get(target);
        return at === undefined
          ? [goTo(i64.const(BigInt.asIntN(64, target))), br(depth + out)]
          : [set(NEXT, i32.const(at)), br(depth + toLoop)];
      };
      /** Calls the handler of an instruction whose record tells what it is by now, where it has one. */
      const byRecord = ({ rip, instruction, fields }: RegionInstruction, physical: number): Code => {
        locals.reset();
        const status = locals.take(I32);
        const record = DECODE_BASE + (physical & (DECODE_RECORDS - 1)) * RECORD_BYTES;
        const next = BigInt.asUintN(64, rip + BigInt(fields.length));
        const branch = instruction.operands.length === 0 && fields.immediate !== 0n;
        const places = [next, ...(branch ? [BigInt.asUintN(64, next + fields.immediate)] : [])].filter((place) => starts.has(place));
        const { stop, textChanged } = memory.globals;
        return [
          goTo(i64.const(BigInt.asIntN(64, rip))),
          iff(i32.ne(i32.load(i32.const(record), RECORD.tag), i32.const(physical | 0)), [
            set(BUDGET, i32.add(get(BUDGET), i32.const(1))),
            br(1 + out),
          ]),
          set(status, callIndirect(handlerType, i32.load16(i32.const(record), RECORD.handler), get(CORE_LOCAL), i32.const(record))),
          iff(i32.eq(get(status), i32.const(2)), globalSet(stop, i32.const(Stop.system + 1))),
          iff(i32.or(get(status), globalGet(textChanged)), br(1 + out)),
          features.explore ? endAccesses(globals, CORE_LOCAL) : [],
          fill,
          places.map((place) => iff(i64.eq(i64.load(get(CORE_LOCAL), OFFSET.rip), i64.const(BigInt.asIntN(64, place))), to(place, 1))),
          br(out),
        ];
      };
      const parts = instructions.map((one, n): Code => {
        const { rip, instruction, fields, volatileAt } = one;
        if (volatileAt !== undefined) return byRecord(one, volatileAt);
        const left = instructions.length - 1 - n;
        locals.reset();
        let calls = false;
        // An access may have changed text, this region's too, or what is mapped where: then it is over. Accesses that others see have been counted.
        const behind = (goOn: Code, depth: number): Code =>
          calls
            ? iff(get(CALLED), [
                set(CALLED, i32.const(0)),
                features.explore ? endAccesses(globals, CORE_LOCAL) : [],
                iff(globalGet(globals.textChanged), [set(BUDGET, i32.add(get(BUDGET), i32.const(left))), goTo(goOn), br(depth + 2 + out)]),
              ])
            : [];
        const fixed: FixedPlace = {
          fields,
          rip,
          gpr: use,
          vector: (n, write) => use(REGISTERS + n, write),
          flagWord: (word, write) => use(16 + FLAG_WORDS.indexOf(word), write),
          spill: goTo(i64.const(BigInt.asIntN(64, rip))),
          call: (write) => {
            if (!write && !features.explore) return fixed.spill;
            calls = true;
            return [fixed.spill, set(CALLED, i32.const(1))];
          },
          jump: (target, depth) => [behind(i64.const(BigInt.asIntN(64, target)), depth), to(target, depth)],
          jumpTo: (target, depth) => [
            behind(get(target), depth),
            returns.map((site) =>
              starts.has(site) ? iff(i64.eq(get(target), i64.const(BigInt.asIntN(64, site))), to(site, depth + 1)) : [],
            ),
            goTo(get(target)),
            br(depth + out),
          ],
          decline: () => {
            throw new Declined(instruction);
          },
          ram: map.ram,
        };
        const provider = new WasmProvider(new Graph(locals), instruction, {
          core: CORE_LOCAL,
          record: CORE_LOCAL,
          memory,
          features,
          inlineTlb: true,
          system: environment.system,
          fence: environment.fence,
          float: environment.float,
          storeHit,
          fixed,
          leave: (depth) => [set(BUDGET, i32.add(get(BUDGET), i32.const(left))), br(depth + out)],
          leaveRetired: () => {
            throw new Declined(instruction);
          },
        });
        semanticsOf(instruction.mnemonic)!(provider, instruction);
        const body = provider.finish();
        const next = BigInt.asIntN(64, rip + BigInt(fields.length));
        return [body, behind(i64.const(next), 0)];
      });
      const last = instructions.at(-1)!;
      const next = BigInt.asUintN(64, last.rip + BigInt(last.fields.length));
      const falls = starts.get(next) === k + 1;
      return [
        iff(i32.ltU(get(BUDGET), i32.const(instructions.length)), [goTo(i64.const(BigInt.asIntN(64, instructions[0]!.rip))), br(1 + out)]),
        set(BUDGET, i32.sub(get(BUDGET), i32.const(instructions.length))),
        parts,
        falls || last.volatileAt !== undefined ? [] : to(next, 0),
      ];
    });

    let code: Code = brTable(
      get(NEXT),
      blocks.map((_, n) => n),
      0,
    );
    for (const body of bodies) code = [block(code), body];
    return [fill, set(NEXT, i32.const(entry)), block(loop(code)), get(BUDGET)];
  };

  const uses = { read: new Set<number>(), written: new Set<number>() };
  build(new Locals(FIRST + REGISTERS), uses, undefined);
  const halves = vectorsOf(uses).map(() => V128);
  const locals = new Locals(FIRST + REGISTERS + halves.length);
  const body = build(locals, uses, uses);
  m.define(fn, [I32, I32, ...Array(REGISTERS).fill(I64), ...halves, ...locals.types], body);
  return m.bytes();
}

const vectorsOf = ({ read }: Uses): number[] => [...read].filter((n) => n >= REGISTERS).sort((a, b) => a - b);

const TAKEN = new WeakMap<Instruction, boolean>();

/** Thrown while code is made for an instruction that regions leave to the interpreter. */
export class Declined extends Error {
  constructor(instruction: Instruction) {
    super(`regions leave ${instruction.mnemonic} to the interpreter`);
    TAKEN.set(instruction, false);
  }
}

/** The same as long as nobody has tried: then it is asked for with others, whose code is made anyway. */
export const mayTake = (instruction: Instruction): boolean => TAKEN.get(instruction) !== false;

/** Whether a region may hold an instruction: everything that leaves nothing for the machine to look at. It depends on the form alone. */
export function takes(instruction: Instruction, fields: RecordFields, map: MemoryMap, features: Features): boolean {
  let answer = TAKEN.get(instruction);
  if (answer === undefined) {
    answer = true;
    try {
      regionModule([[{ rip: 0x1000n, instruction, fields }]], 0, map, features);
    } catch (error) {
      if (!(error instanceof Declined)) throw error;
      answer = false;
    }
    TAKEN.set(instruction, answer);
  }
  return answer;
}
