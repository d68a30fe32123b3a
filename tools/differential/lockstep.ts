import { CORE, EVENT_BASE } from '../../src/engine/layout.ts';
import { OFFSET } from '../../src/isa/core-state.ts';
import { type Choice, choices, perform } from '../../src/machine/choices.ts';
import type { Machine } from '../../src/machine/machine.ts';

/** Something whose schedule is chosen, with the machine under it. */
export interface Chosen {
  readonly machine: Machine;
  options(): readonly Choice[];
  choose(choice: Choice): void;
}

/** A machine by itself. */
export const bare = (machine: Machine): Chosen => ({
  machine,
  options: () => choices(machine),
  choose: (choice) => perform(machine, choice),
});

/** Steps that were taken, and where two came apart. */
export interface Walked {
  readonly steps: number;
  readonly difference: { readonly index: number; readonly what: string } | undefined;
}

/** Words of a core's block that are computed when somebody asks for the hash, and the flags, which engines may keep in more than one form: they are hashed as RFLAGS. */
const DERIVED: readonly number[] = [CORE.hash, CORE.hash + 8, CORE.hashDirty, OFFSET.flagResult, OFFSET.flagCarry];

/**
 * Takes the same random steps in all of them, the first being the judge, and goes back now and then. After each step the state hash, the blocks of the cores with
 * their stops and what was left of their instructions, the visible accesses, what was learned and what can happen next must be the same.
 */
export function walkTogether(all: readonly Chosen[], random: (below: number) => number, steps: number): Walked {
  const marks: number[][] = [];
  const mark = (): number => marks.push(all.map(({ machine }) => machine.mark()));
  let taken = 0;
  for (; taken < steps; taken++) {
    const options = all.map((one) => one.options());
    const index = options.findIndex((list) => describe(list) !== describe(options[0]!));
    if (index > 0)
      return { steps: taken, difference: { index, what: `${describe(options[0]!)} is next, not ${describe(options[index]!)}` } };
    // Of text that is written without having been declared, what was decoded is not undone.
    const canReturn = marks.length > 0 && all[0]!.machine.newText.size === 0;
    if (canReturn && (options[0]!.length === 0 || random(12) === 0)) {
      const to = marks.length - 1 - random(Math.min(marks.length, 4));
      all.forEach(({ machine }, n) => machine.rollback(marks[to]![n]!));
      marks.length = to;
    } else {
      if (options[0]!.length === 0) break;
      const answer = random(options[0]!.length);
      mark();
      all.forEach((one, n) => one.choose(options[n]![answer]!));
    }
    for (let n = 1; n < all.length; n++) {
      const what = differenceOf(all[0]!.machine, all[n]!.machine);
      if (what !== undefined) return { steps: taken + 1, difference: { index: n, what } };
    }
  }
  return { steps: taken, difference: undefined };
}

const describe = (list: readonly Choice[]): string =>
  list
    .map((choice) => {
      if (choice.kind === 'step') return `${choice.core}: ${choice.fetch === undefined ? 'go on' : `fetch ${choice.fetch.bytes}`}`;
      return Object.values(choice).join(' ');
    })
    .join(', ') || 'nothing';

/** What is not the same in two machines, in words. */
function differenceOf(a: Machine, b: Machine): string | undefined {
  const events = (m: Machine): Uint8Array => m.engine.bytes.subarray(EVENT_BASE, m.engine.globals.eventTop.value);
  if (a.hash() !== b.hash()) return `state hash; ${registersOf(a)} / ${registersOf(b)}`;
  if (Buffer.compare(events(a), events(b)) !== 0) return 'visible accesses';
  if (a.discoveries !== b.discoveries) return `${a.discoveries} / ${b.discoveries} discoveries`;
  for (const core of a.cores) {
    const other = b.cores[core.index]!;
    for (let at = 0; at < CORE.blockEnd; at += 8) {
      if (DERIVED.includes(at) || core.rawLong(at) === other.rawLong(at)) continue;
      return `core ${core.index} at 0x${at.toString(16)}: ${core.rawLong(at).toString(16)} / ${other.rawLong(at).toString(16)}`;
    }
  }
  return undefined;
}

const registersOf = (machine: Machine): string =>
  machine.cores
    .map((core) => {
      const registers = Array.from({ length: 16 }, (_, n) => core.gpr(n).toString(16));
      return `${core.index}: rip ${core.rip.toString(16)} flags ${core.rflags.toString(16)} stop ${core.raw(CORE.stop)} ${registers.join(' ')}`;
    })
    .join('; ');
