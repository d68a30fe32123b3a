// All that happens in a world, found in different ways: what reductions are held against.
import { learn } from '../src/explore/explore.ts';
import type { Knowledge } from '../src/explore/knowledge.ts';
import { choose, options } from '../src/explore/path.ts';
import { searchStates } from '../src/explore/stateful.ts';
import { NewWords } from '../src/explore/table/owners.ts';
import { searchReduced, searchTable } from '../src/explore/table/search.ts';
import { TransitionTable } from '../src/explore/table/table.ts';
import type { World } from '../src/explore/world.ts';
import { CATALOGUE } from '../src/scenario/catalogue.ts';
import { smokeCell } from '../src/scenario/matrix.ts';
import { type Cell, expectedOf, type Scenario, type Variant } from '../src/scenario/scenario.ts';
import { SIZE_NAMES } from '../src/scenario/sizes.ts';

export interface Found {
  /** Undefined where the search was too long to compare. */
  readonly result: { readonly checks: readonly string[]; readonly ends: readonly string[] } | undefined;
  readonly states: number;
  readonly transitions: number;
}

export interface How {
  readonly symmetry: boolean;
  readonly reduce: boolean;
  /** One transition an instruction, on the machine itself and without a table. */
  readonly everyInstruction?: true;
  /** An interrupt that can be taken may be taken before each instruction, by whichever core. */
  readonly everyInterrupt?: true;
  /** Transitions after which the search is too long. */
  readonly maxSteps: number;
}

/** What a search of all that happens finds, and in which states of the cores runs end. `knowledge` grows where it was not enough. */
export function findAll(make: () => World, knowledge: Knowledge, how: How): Found {
  let forced: ReadonlySet<number> = new Set();
  for (;;) {
    const world = make();
    const ends = new Set<string>();
    world.machine.everyInstruction = how.everyInstruction === true;
    if (how.everyInterrupt === true) for (const { index } of world.machine.cores) world.machine.splits.add(index);
    // Registers and memory of each core, whichever it is: how far its fetch lags is no matter at the end.
    world.checkers.push({
      name: 'ends',
      atEnd: (w) =>
        void ends.add(
          w.machine.cores
            .map((c) => Array.from({ length: 16 }, (_, n) => c.gpr(n)).join(' '))
            .sort()
            .join(' | '),
        ),
    });
    world.begin(knowledge);
    const settings = { symmetry: how.symmetry, wholeGraph: true, budget: { maxSteps: how.maxSteps } };
    try {
      const outcome =
        how.everyInstruction === true
          ? searchStates(world, settings)
          : how.reduce
            ? searchReduced(new TransitionTable(world, forced), settings)
            : searchTable(new TransitionTable(world, forced), settings);
      if (outcome.undecided === 'reduced') return findAll(make, knowledge, { ...how, reduce: false });
      const before = knowledge.size;
      if (outcome.learned) knowledge.learn(world.machine, world.sharable);
      if (knowledge.size !== before) return findAll(make, knowledge, how);
      const { states, transitions } = outcome.counts;
      const checks = [...new Set(outcome.violations.map((v) => v.check))].sort();
      const whole = outcome.stopped === undefined && !outcome.learned && outcome.undecided === undefined;
      return { result: whole ? { checks, ends: [...ends].sort() } : undefined, states, transitions };
    } catch (error) {
      if (!(error instanceof NewWords)) throw error;
      forced = error.cells;
    } finally {
      world.release();
    }
  }
}

/** What is shared, once searches learn nothing more. */
export function settled(make: () => World, maxSteps: number): Knowledge {
  const knowledge = learn(make);
  for (;;) {
    const before = knowledge.size;
    const world = make();
    world.begin(knowledge);
    searchStates(world, { wholeGraph: true, budget: { maxSteps } });
    knowledge.learn(world.machine, world.sharable);
    world.release();
    if (knowledge.size === before) return knowledge;
  }
}

export interface Compared {
  readonly fine: Found;
  readonly coarse: Found;
  /** Undefined where there is none, or where one was too long to tell. */
  readonly difference: string | undefined;
}

/** A place before each instruction, and what searches of the product have: places before what others can see, with every reduction. */
export const compareInstructions = (make: () => World, maxSteps: number): Compared =>
  compare(make, maxSteps, { symmetry: false, reduce: false, everyInstruction: true });

/** A place before each instruction where an interrupt could be taken, and only where the scenario says so (`interruptAnywhere`). */
export const compareInterrupts = (make: () => World, maxSteps: number): Compared =>
  compare(make, maxSteps, { symmetry: true, reduce: true, everyInterrupt: true });

function compare(make: () => World, maxSteps: number, how: Omit<How, 'maxSteps'>): Compared {
  const knowledge = settled(make, Math.min(maxSteps, LEARN_STEPS));
  const fine = findAll(make, knowledge, { ...how, maxSteps });
  const coarse = findAll(make, knowledge, { symmetry: true, reduce: true, maxSteps });
  return {
    fine,
    coarse,
    difference: fine.result === undefined || coarse.result === undefined ? undefined : differenceOf(fine.result, coarse.result),
  };
}

const LEARN_STEPS = 40_000;

/** A longer step goes on a little behind what it breaks and tells what that leads to; the shorter one ends there. */
function differenceOf(fine: NonNullable<Found['result']>, coarse: NonNullable<Found['result']>): string | undefined {
  const missing = fine.checks.filter((check) => !coarse.checks.includes(check));
  if (missing.length > 0) return `${missing.join(', ')} found only with more places`;
  if (fine.checks.length === 0 && coarse.checks.length > 0) return `${coarse.checks.join(', ')} not found with more places`;
  if (fine.ends.join() === coarse.ends.join()) return undefined;
  return `${fine.ends.length} ends with more places, ${coarse.ends.length} else`;
}

/** Instructions after which a core that runs alone waits for another one. */
const MOST_ALONE = 2000;

/**
 * About how many states there are with a place before each instruction: one core after the other is run, and every two of their places may meet. Undefined where
 * that ends in a violation, or in a core that waits for ever.
 */
export function fineSize(make: () => World): number | undefined {
  const knowledge = learn(make);
  const world = make();
  world.machine.everyInstruction = true;
  world.begin(knowledge);
  const places = world.machine.cores.map(() => 1);
  let last = 0;
  let ends = false;
  for (let n = 0; n < MOST_ALONE && !ends; n++) {
    const [choice] = options(world, last);
    if (choice === undefined) ends = true;
    else {
      last = choice.core;
      places[last]!++;
      world.machine.mark();
      if (choose(world, choice).length > 0) break;
    }
  }
  world.release();
  return ends ? places.reduce((product, n) => product * n, 1) : undefined;
}

/** The smallest cell of a variant: the fewest victims, sites and calls. */
export function smallestCell(scenario: Scenario, variant: Variant): Cell {
  const sizes = scenario.sizes(variant.name);
  return {
    ...smokeCell(scenario),
    ...Object.fromEntries(SIZE_NAMES.flatMap((name) => (sizes[name] === undefined ? [] : [[name, sizes[name].fewest]]))),
  };
}

/** Of each scenario a variant that holds and one that breaks something. */
export const BOTH_WAYS: readonly { readonly scenario: Scenario; readonly variant: Variant }[] = CATALOGUE.flatMap((scenario) => {
  const { fetch } = smokeCell(scenario);
  const of = (verdict: string): Variant | undefined => scenario.variants.find((v) => expectedOf(v.expected, fetch) === verdict);
  return [of('ok'), of('violation')].flatMap((variant) => (variant === undefined ? [] : [{ scenario, variant }]));
});
