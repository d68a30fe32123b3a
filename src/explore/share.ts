import { Passage } from './checkers/passage.ts';
import type { PathCount } from './graph.ts';
import type { Knowledge } from './knowledge.ts';
import { onTable } from './on-table.ts';
import type { Budget } from './result.ts';
import { countPaths } from './table/count.ts';
import type { World } from './world.ts';

/** How many runs there are, and how many of them break something: exact, or why there is no number. */
export type Share = ({ readonly kind: 'counted' } & PathCount) | { readonly kind: 'uncounted'; readonly why: string };

const CYCLES = 'cycles: more than one core moves in circles';

/**
 * Counts the maximal paths of the state graph, those through the world's `Passage` and those of them that end in a violation. A core that waits may
 * look as often as it likes: its rounds are one state (await-collapse). Undefined for a world without a `Passage`.
 */
export function countShare(make: () => World, known: Knowledge, budget?: Budget): Share | undefined {
  const world = make();
  const asked = world.checkers.some((c) => c instanceof Passage);
  world.release();
  return asked ? count(make, known, budget, true) : undefined;
}

/** Counts all maximal paths, and those that end in a violation; all of them are `through`. */
export const countRuns = (make: () => World, known: Knowledge, budget?: Budget): Share => count(make, known, budget, false);

function count(make: () => World, known: Knowledge, budget: Budget | undefined, through: boolean): Share {
  const counted = onTable(make, known, (table) => {
    const { world } = table;
    const passage = through ? world.checkers.find((c) => c instanceof Passage) : undefined;
    return countPaths(table, {
      ...(budget === undefined ? {} : { budget }),
      ...(passage === undefined ? {} : { passed: () => passage.passed(world) }),
    });
  });
  if (counted === undefined) return { kind: 'uncounted', why: 'what is shared was never all known' };
  const { stopped, paths } = counted.result;
  if (stopped !== undefined) return { kind: 'uncounted', why: stopped };
  return paths === undefined ? { kind: 'uncounted', why: CYCLES } : { kind: 'counted', ...paths };
}
