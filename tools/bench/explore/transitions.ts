import { explore } from '../../../src/explore/explore.ts';
import type { Knowledge } from '../../../src/explore/knowledge.ts';
import { StateKey } from '../../../src/explore/table/key.ts';
import { NewWords } from '../../../src/explore/table/owners.ts';
import type { Remembered } from '../../../src/explore/table/remembered.ts';
import { TransitionTable } from '../../../src/explore/table/table.ts';
import { Trail } from '../../../src/explore/table/trail.ts';
import { VisitedSet } from '../../../src/explore/visited.ts';
import type { World } from '../../../src/explore/world.ts';
import { scenarioOf } from '../../../src/scenario/catalogue.ts';
import { CellRunner } from '../../../src/scenario/matrix.ts';
import { builtFixture } from '../../built-fixture.ts';
import { cpuSeconds, median, type Row, say } from '../measure.ts';
import type { Options } from './options.ts';

const CELL = { victims: 4, fetch: 'intel-sdm', memory: 'tso' } as const;
const ROUNDS = { quick: 1, normal: 5, full: 5 } as const;
const PLAIN = 1e6;
const VISITED = 500e3;

/**
 * Visible transitions a second of a proof without symmetry, the table of transitions filled on the way. With the visited set: as `explore` searches without reductions. Without:
 * the same transitions, there and back, told which states are new.
 */
export function transitionRows({ size }: Options): Row[] {
  const runner = new CellRunner(builtFixture);
  const scenario = scenarioOf('F1');
  const make = runner.maker(scenario, 'final-sync', CELL);
  const learned = runner.learned(scenario, 'final-sync', CELL);
  const name = `F1 final-sync, ${CELL.victims} victims, tso`;
  say(`transitions: ${name}`);
  const { knowledge, counts } = explore(make, { symmetry: false, reduce: false, shrink: false, learned });
  const { cells, news } = record(make, knowledge);
  const plain: number[] = [];
  const visited: number[] = [];
  for (let round = 0; round < ROUNDS[size]; round++) {
    const searched = cpuSeconds(
      () => explore(make, { symmetry: false, reduce: false, shrink: false, learned: knowledge }).counts.transitions,
    );
    visited.push(searched.value / searched.seconds);
    let n = 0;
    const walked = cpuSeconds(() => walk(tableOf(make, knowledge, cells), () => news[n++] === 1));
    if (walked.value !== counts.transitions || searched.value !== counts.transitions)
      throw new Error(`${walked.value} transitions without the visited set, ${searched.value} with it, ${counts.transitions} before`);
    plain.push(walked.value / walked.seconds);
  }
  const row = (what: string, rates: readonly number[], atLeast: number): Row => ({
    group: 'transitions',
    name: `${what} (${name})`,
    values: { 'per second': median(rates), transitions: counts.transitions },
    goal: { value: 'per second', atLeast },
  });
  return [row('without the visited set', plain, PLAIN), row('with the visited set', visited, VISITED)];
}

function tableOf(make: () => World, knowledge: Knowledge, cells: ReadonlySet<number> | undefined): TransitionTable {
  const world = make();
  world.begin(knowledge);
  return new TransitionTable(world, cells);
}

/** Which words are slots of their own, and for each transition of the walk whether it leads to a new state. */
function record(make: () => World, knowledge: Knowledge): { cells: ReadonlySet<number> | undefined; news: Uint8Array } {
  let cells: ReadonlySet<number> | undefined;
  for (;;) {
    const table = tableOf(make, knowledge, cells);
    const visited = new VisitedSet();
    const news: number[] = [];
    try {
      walk(table, (key) => {
        const isNew = visited.add(key.compute(), 0) >= 0;
        news.push(isNew ? 1 : 0);
        return isNew;
      });
      // The first answer is of the start itself.
      return { cells, news: Uint8Array.from(news) };
    } catch (error) {
      if (!(error instanceof NewWords)) throw error;
      ({ cells } = error);
    } finally {
      table.world.release();
    }
  }
}

/** Depth-first from the start; `isNew` is asked at the start and behind each transition. Gives the number of transitions. */
function walk(table: TransitionTable, isNew: (key: StateKey) => boolean): number {
  const trail = new Trail(table, new StateKey(table, 0));
  const stack: { readonly options: readonly Remembered[]; next: number }[] = [];
  let transitions = 0;
  isNew(trail.key);
  stack.push({ options: trail.options(0), next: 0 });
  while (stack.length > 0) {
    const frame = stack[stack.length - 1]!;
    const transition = frame.options[frame.next++];
    if (transition === undefined) {
      stack.pop();
      if (stack.length > 0) trail.back();
      continue;
    }
    transitions++;
    trail.take(transition);
    if (isNew(trail.key)) stack.push({ options: trail.options(transition.core), next: 0 });
    else trail.back();
  }
  return transitions;
}
