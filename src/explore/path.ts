import { CORE, Stop } from '../engine/layout.ts';
import { Activity } from '../isa/core-state.ts';
import { type Choice, choices, perform } from '../machine/choices.ts';
import type { Core } from '../machine/core.ts';
import type { Violation } from './violation.ts';
import type { World } from './world.ts';

/**
 * The one door for nondeterminism. Everything that can happen next is offered in one order, the core that moved last first, so that answer
 * 0 means "go on"; whoever explores, replays, samples or steps by hand answers with a number.
 */
export function options(world: World, lastCore: number): Choice[] {
  if (world.dead || world.early.length > 0) return [];
  const all = choices(world.machine);
  if (all.length < 2) return all;
  const mine = all.filter((c) => c.core === lastCore);
  return mine.length === 0 || mine.length === all.length ? all : [...mine, ...all.filter((c) => c.core !== lastCore)];
}

/**
 * Makes a choice happen and gives what it violated. The caller has marked the journal. With `look` it stops behind the instruction where that gives true
 * (`Machine.watching`): then nothing is violated yet, and the caller must undo what happened.
 */
export function choose(world: World, choice: Choice, look?: (core: Core) => boolean): readonly Violation[] {
  world.beginTransition();
  if (look === undefined) perform(world.machine, choice);
  else if (world.machine.watching(look, () => perform(world.machine, choice))) return [];
  world.tellAccesses();
  world.tellState();
  world.noteBounds();
  return world.violations;
}

/** What the end of a path violates, when nothing more can happen. */
export function endOf(world: World): readonly Violation[] {
  world.violations = [];
  if (world.early.length > 0) return world.early;
  if (world.dead) return [];
  if (!world.finished) {
    world.report(stuck(world));
    return world.violations;
  }
  world.atEnd();
  return world.violations;
}

function stuck(world: World): Violation {
  const { cores } = world.machine;
  const where = (c: Core): string => `CPU${c.index} at ${world.lab.image.describe(c.rip)}`;
  const lost = cores.find((c) => c.raw(CORE.stop) === Stop.lost);
  if (lost !== undefined) {
    return {
      check: 'I13',
      cause: 'livelock',
      message: `${where(lost)} loops for ever without touching anything shared`,
      core: lost.index,
      rip: lost.rip,
    };
  }
  const waiting = cores.filter((c) => c.small('activity') === Activity.running && c.raw(CORE.stop) !== Stop.idle);
  const core = waiting[0] ?? (cores[0] as Core);
  return {
    check: 'I13',
    cause: 'deadlock',
    message: `deadlock: ${waiting.map(where).join(', ') || 'no core'} can never go on`,
    core: core.index,
    rip: core.rip,
  };
}
