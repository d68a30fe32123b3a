import type { Knowledge } from './knowledge.ts';
import { searchStates } from './stateful.ts';
import { NewWords } from './table/owners.ts';
import { TransitionTable } from './table/table.ts';
import type { World } from './world.ts';

const MAX_ROUNDS = 24;
/** Transitions to go on for where something new was learned, to learn more at once. */
const LEARN_STEPS = 3000;

/** What came of a search, and what a world must know from its start for that to hold. */
export interface OnTable<T> {
  readonly result: T;
  readonly knowledge: Knowledge;
}

/**
 * Searches a world of its own by a table of transitions, again from the start as long as that teaches something new about what is shared. Undefined when it
 * never stops learning. `known` is not changed.
 */
export function onTable<T>(
  make: () => World,
  known: Knowledge,
  search: (table: TransitionTable, knowledge: Knowledge) => T,
): OnTable<T> | undefined {
  const knowledge = known.clone();
  let cells: ReadonlySet<number> = new Set();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const world = make();
    world.begin(knowledge);
    const table = new TransitionTable(world, cells);
    try {
      const result = search(table, knowledge);
      if (!table.hasLearned) return { result, knowledge };
      table.materialise();
      searchStates(world, { wholeGraph: true, budget: { maxSteps: LEARN_STEPS }, learnFor: LEARN_STEPS });
      knowledge.learn(world.machine, world.sharable);
    } catch (error) {
      if (!(error instanceof NewWords)) throw error;
      ({ cells } = error);
    } finally {
      world.release();
    }
  }
  return undefined;
}
