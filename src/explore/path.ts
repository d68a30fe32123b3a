import { type Choice, choices, perform } from '../machine/choices.ts';
import type { Violation } from './violation.ts';
import type { World } from './world.ts';

/**
 * The one door for nondeterminism. Everything that can happen next is offered in one order, the core that moved last first, so that answer
 * 0 means "go on"; whoever explores, replays, samples or steps by hand answers with a number.
 */
export function options(world: World, lastCore: number): Choice[] {
  if (world.dead) return [];
  const all = choices(world.machine);
  if (all.length < 2) return all;
  const mine = all.filter((c) => c.core === lastCore);
  return mine.length === 0 || mine.length === all.length ? all : [...mine, ...all.filter((c) => c.core !== lastCore)];
}

/** Makes a choice happen and gives what it violated. The caller has marked the journal. */
export function choose(world: World, choice: Choice): readonly Violation[] {
  world.violations = [];
  world.machine.abandoned = false;
  perform(world.machine, choice);
  world.noteBounds();
  return world.violations;
}

/** What the end of a path violates, when nothing more can happen. */
export function endOf(world: World): readonly Violation[] {
  world.violations = [];
  if (world.dead) return [];
  if (!world.finished) {
    world.report(stuck(world));
    return world.violations;
  }
  world.atEnd();
  return world.violations;
}

function stuck(world: World): Violation {
  const waiting = world.machine.cores.filter((c) => c.small('activity') === 0);
  const core = waiting[0] ?? world.machine.cores[0]!;
  const where = waiting.map((c) => `CPU${c.index} at ${world.lab.image.describe(c.rip)}`).join(', ');
  return { check: 'I13', cause: 'deadlock', message: `deadlock: ${where || 'every core'} can never go on`, core: core.index, rip: core.rip };
}
