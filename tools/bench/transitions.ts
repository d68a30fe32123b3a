import { choose, options } from '../../src/explore/path.ts';
import { searchStates } from '../../src/explore/stateful.ts';
import { VisitedSet } from '../../src/explore/visited.ts';
import type { World } from '../../src/explore/world.ts';
import type { Choice } from '../../src/machine/choices.ts';
import { labWorld, settleLabWorld } from './lab-world.ts';
import { cpuSeconds, median, type Row } from './measure.ts';

const WORLD = { victims: 3, fetch: 'intel-sdm', memory: 'tso', finalSync: true, calls: 2 } as const;

interface Frame {
  readonly mark: number;
  readonly options: readonly Choice[];
  readonly lastCore: number;
  next: number;
}

/** Depth-first over the world; after each transition `isNew` says whether to go on from there. Gives the number of transitions. */
function walk(world: World, isNew: () => boolean): number {
  const { machine } = world;
  let transitions = 0;
  const stack: Frame[] = [{ mark: machine.mark(), options: options(world, 0), lastCore: 0, next: 0 }];
  while (stack.length > 0) {
    const frame = stack[stack.length - 1]!;
    const choice = frame.options[frame.next++];
    if (choice === undefined) {
      machine.rollback(frame.mark);
      stack.pop();
      continue;
    }
    transitions++;
    const mark = machine.mark();
    choose(world, choice);
    if (isNew()) stack.push({ mark, options: options(world, choice.core), lastCore: choice.core, next: 0 });
    else machine.rollback(mark);
  }
  return transitions;
}

/**
 * Visible transitions a second. `with the visited set` is the search as it is. `without` makes the very same transitions and rollbacks in the same
 * order, but is told which states are new instead of computing keys, so that the difference is what the visited set costs.
 */
export function transitionRows(rounds: number): Row[] {
  const { knowledge } = settleLabWorld(WORLD, { symmetry: false });
  const recorded = record(labWorld(WORLD, knowledge));
  const search: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const one = labWorld(WORLD, knowledge);
    const searched = cpuSeconds(() => searchStates(one, { symmetry: false }).counts.transitions);
    search.push(searched.value / searched.seconds);
    const other = labWorld(WORLD, knowledge);
    let n = 0;
    const walked = cpuSeconds(() => walk(other, () => recorded[n++] === 1));
    if (walked.value !== searched.value) throw new Error(`${walked.value} transitions without the visited set, ${searched.value} with it`);
    bare.push(walked.value / walked.seconds);
  }
  const name = `${WORLD.victims} victims, ${WORLD.fetch}, ${WORLD.memory}`;
  return [
    {
      group: 'transitions',
      name: `without the visited set (${name})`,
      values: { 'per second': median(bare) },
      goal: { value: 'per second', atLeast: 300e3 },
    },
    {
      group: 'transitions',
      name: `with the visited set (${name})`,
      values: { 'per second': median(search) },
      goal: { value: 'per second', atLeast: 150e3 },
    },
  ];
}

/** Which transitions lead to a state that was not seen before: 1 each, else 0. */
function record(world: World): Uint8Array {
  const visited = new VisitedSet();
  const { machine } = world;
  visited.add(machine.engine.words, machine.key());
  const news: number[] = [];
  walk(world, () => {
    const isNew = visited.add(machine.engine.words, machine.key()) >= 0;
    news.push(isNew ? 1 : 0);
    return isNew;
  });
  return Uint8Array.from(news);
}
