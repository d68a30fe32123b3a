import { CORE, Stop } from '../../engine/layout.ts';
import { endOf, options } from '../../explore/path.ts';
import type { Violation } from '../../explore/violation.ts';
import type { World } from '../../explore/world.ts';
import { Activity } from '../../isa/core-state.ts';
import type { Choice } from '../../machine/choices.ts';
import type { Core } from '../../machine/core.ts';
import { deliverables } from '../../machine/interrupts.ts';
import { pendingInterrupts, pendingStores, readLinear } from '../../machine/look.ts';
import { disassemble } from '../disassemble.ts';
import type { Happening } from '../happening.ts';
import { hexBytes, type Names } from '../names.ts';
import { TraceRecorder } from '../trace.ts';
import { sayHappening } from '../trace-text.ts';
import { inNames } from './code.ts';

// A machine in words: what its cores are about to do, and what could happen next. Nothing here leaves a trace in the run.

/** The longest instruction, in bytes (SDM Vol. 2, "Instruction Format"). */
const MAX_LENGTH = 15;

/** The instruction that memory holds at a core's RIP, with names for addresses. */
function nextInstruction(world: World, names: Names, core: Core): string {
  const bytes = readLinear(world.machine, core, core.linearRip, MAX_LENGTH, 'memory');
  const decoded = world.machine.fetch.decode(bytes, core.mode);
  const length = 'length' in decoded ? decoded.length : bytes.length;
  const [line] = disassemble(bytes.subarray(0, length), core.rip, 'att', core.codeSize);
  return line?.valid === true ? inNames(line, names) : `no instruction (${hexBytes(bytes.subarray(0, 4))} ...)`;
}

/** What a choice is, without its core: `fetches ftrace_call: cc (int3), stale`, `drains modifying_ftrace_code = 0`. */
export function sayChoice(world: World, names: Names, choice: Choice): string {
  const { machine } = world;
  const core = machine.cores[choice.core] as Core;
  switch (choice.kind) {
    case 'step': {
      if (choice.fetch?.window.patched !== true) return `goes on: ${nextInstruction(world, names, core)}`;
      const { bytes, stale, partial } = choice.fetch;
      const text = partial ? 'its first cache line' : (names.disassembled(bytes, core.rip) ?? 'no instruction');
      return `fetches ${names.code(core.rip)}: ${hexBytes(bytes)} (${text})${stale ? ', STALE' : ''}`;
    }
    case 'drain': {
      const store = pendingStores(machine, core)[choice.entry];
      return store === undefined ? 'drains a store' : `drains ${sayStore(names, store)}`;
    }
    case 'interrupt':
      return `takes ${sayVector(names, choice.vector)} before ${names.code(core.rip)}`;
    default:
      return `instruction cache: ${choice.kind} of line ${names.line(choice.line)}`;
  }
}

const sayStore = (names: Names, { physical, size, value }: { physical: number; size: number; value: bigint }): string =>
  `${names.data(physical, size)} = ${names.value(physical, size, BigInt.asUintN(8 * size, value))}`;

const sayVector = (names: Names, vector: number | 'nmi'): string => (vector === 'nmi' ? 'NMI' : names.vector(vector));

/** What a core is doing: `about to fetch`, `waits for its store buffer`. */
export function sayActivity(core: Core): string {
  switch (core.activity) {
    case Activity.running:
      break;
    case Activity.halted:
      return 'halted';
    case Activity.exited:
      return 'ended';
    default:
      return 'stopped';
  }
  switch (core.raw(CORE.stop)) {
    case Stop.fetch:
      return 'about to fetch';
    case Stop.drain:
      return 'waits for its store buffer';
    case Stop.idle:
      return 'idle';
    case Stop.wait:
      return 'waits';
    case Stop.lost:
      return 'loops for ever';
    default:
      return 'runs';
  }
}

/** A core as a person looks at it. */
export interface CoreWords {
  readonly core: number;
  /** `ftrace_int3_handler+0xd0`. */
  readonly where: string;
  readonly rip: bigint;
  /** `handler.c:41`, where the image has lines. */
  readonly source: string | undefined;
  readonly activity: string;
  /** Stores that only this core sees yet, oldest first: `modifying_ftrace_code = 0`. */
  readonly stores: readonly string[];
  /** Interrupts that it was sent and has not taken; `held` ones it does not take now. */
  readonly interrupts: readonly { readonly vector: number | 'nmi'; readonly name: string; readonly held: boolean }[];
}

export function describeCore(world: World, names: Names, core: Core): CoreWords {
  const { machine } = world;
  const line = world.lab.image.lineAt(core.rip);
  const taken = deliverables(machine, core);
  return {
    core: core.index,
    where: names.code(core.rip),
    rip: core.rip,
    source: line === undefined ? undefined : `${line.file.slice(line.file.lastIndexOf('/') + 1)}:${line.line}`,
    activity: sayActivity(core),
    stores: pendingStores(machine, core).map((store) => sayStore(names, store)),
    interrupts: pendingInterrupts(core).map((vector) => ({ vector, name: sayVector(names, vector), held: !taken.includes(vector) })),
  };
}

/** What a choice leads to at once. */
export interface Foreseen {
  readonly happened: readonly Happening[];
  readonly violations: readonly Violation[];
  /** Nothing can happen behind it: the run ends there. */
  readonly ends: boolean;
}

/**
 * What answer `answer` to `options(world, lastCore)` leads to: it is tried and undone. The world must be between two steps; `world.violations` is not kept.
 */
export function foresee(world: World, lastCore: number, answer: number): Foreseen {
  const choice = options(world, lastCore)[answer] as Choice;
  const recorder = new TraceRecorder(world);
  const mark = world.machine.mark();
  try {
    const { happened } = recorder.answer(sameAnswer(options(world, lastCore), answer, options(world, recorder.lastCore)));
    const { violations } = recorder;
    const ends = violations.length === 0 && options(world, choice.core).length === 0;
    return { happened, violations: ends ? endOf(world) : violations, ends };
  } finally {
    recorder.detach();
    world.machine.rollback(mark);
  }
}

/** The place in `to` of answer `answer` to `from`, which lists the same choices: only the order of the cores may differ. */
function sameAnswer(from: readonly Choice[], answer: number, to: readonly Choice[]): number {
  const core = from[answer]?.core;
  const before = from.slice(0, answer).filter((c) => c.core === core).length;
  return to.findIndex((c, n) => c.core === core && to.slice(0, n).filter((other) => other.core === core).length === before);
}

/** Happenings that say what a step does to the rest of the world; nothing for those that only its own protocol speaks of. */
export const sayHappenings = (happened: readonly Happening[], core: number): string[] =>
  happened
    .filter((h) => h.what !== 'note' && h.what !== 'violation' && !(h.what === 'mark' && h.kind === 'phase'))
    .map((h) => (h.core === core ? '' : `CPU${h.core} `) + sayHappening(h).replace(/ {2}\(\w+\)$/, ''));

/** A choice that is open, in words. */
export interface OptionWords {
  readonly core: number;
  readonly kind: Choice['kind'];
  /** What it is: `sayChoice`. */
  readonly text: string;
  /** A fetch that returns what memory no longer holds. */
  readonly stale: boolean;
  /** What it does at once, in order. */
  readonly does: readonly string[];
  /** What it violates at once, or by ending the run there. */
  readonly violates: readonly Violation[];
  readonly ends: boolean;
}

/** All choices that are open between two steps, in the order of `options`: the number of each is the answer that takes it. */
export function describeOptions(world: World, names: Names, lastCore: number): OptionWords[] {
  return options(world, lastCore).map((choice, n) => {
    const { happened, violations, ends } = foresee(world, lastCore, n);
    return {
      core: choice.core,
      kind: choice.kind,
      text: sayChoice(world, names, choice),
      stale: choice.kind === 'step' && choice.fetch?.stale === true,
      does: sayHappenings(happened, choice.core),
      violates: violations,
      ends,
    };
  });
}
