import type { Knowledge } from './knowledge.ts';
import { searchLadder } from './ladder.ts';
import { onTable } from './on-table.ts';
import { lengthOf } from './price.ts';
import type { Budget, Counterexample } from './result.ts';
import { shortestRuns } from './shortest.ts';
import { reproduces, shrink } from './shrink.ts';
import { answersOf } from './table/search.ts';
import { isWanted, type WantedViolation } from './violation.ts';
import type { World } from './world.ts';

/** Transitions that the search for the shortest run may take: some seconds. */
const SHORTEST_STEPS = 400_000;
const LADDER_STEPS = 60_000;
const LADDER_PREEMPTIONS = 6;

export interface Shortening {
  /** Makes a world, not begun. */
  readonly make: () => World;
  readonly knowledge: Knowledge;
  readonly prefer?: WantedViolation | undefined;
  /** Ends the search for the shortest run before its steps are spent. */
  readonly stop?: Budget['stop'] | undefined;
  /** Whether the ladder is asked where that search gives up. Default true. */
  readonly ladder?: boolean;
  /** Steps of the search for the shortest run; 0 leaves it out. */
  readonly steps?: number;
}

export interface Shortened {
  readonly counterexample: Counterexample;
  /** What a world must know to replay it. */
  readonly knowledge: Knowledge;
}

/**
 * The shortest run to a violation of the kind that was found, where the search for it comes to an end; else the run with the fewest preemptions that the
 * ladder finds soon, or the one that was found, with events left out one after the other. Replayed on a fresh world in any case. A livelock's is the way
 * into its cycle, which no replay ends: it stays as it is.
 */
export function shorten(found: Counterexample, setting: Shortening): Shortened {
  const { knowledge } = setting;
  if (found.answers.length === 0 || found.violation.cause === 'livelock') return { counterexample: found, knowledge };
  return shortest(found, setting) ?? { counterexample: shortened(found, setting), knowledge };
}

/** Runs `use` in a world that has just begun. */
function inFresh<T>(make: () => World, knowledge: Knowledge, use: (world: World) => T): T {
  const world = make();
  world.begin(knowledge);
  const out = use(world);
  world.release();
  return out;
}

function shortest(found: Counterexample, { make, knowledge, stop, steps = SHORTEST_STEPS }: Shortening): Shortened | undefined {
  if (steps === 0) return undefined;
  const { check, cause } = found.violation;
  const exact = onTable(make, knowledge, (table) => {
    const outcome = shortestRuns(
      table,
      { ofViolation: (v) => (v.check === check && v.cause === cause ? check : undefined), first: true },
      { maxSteps: steps, ...(stop === undefined ? {} : { stop }) },
    );
    const run = outcome.stopped === undefined ? outcome.runs.get(check) : undefined;
    if (run?.violation === undefined) return undefined;
    return { violation: run.violation, answers: answersOf(table, run.path), length: { ...run.length, shortest: true } };
  });
  const counterexample = exact?.result;
  if (exact === undefined || counterexample === undefined) return undefined;
  const holds = inFresh(make, exact.knowledge, (world) => reproduces(world, counterexample));
  return holds ? { counterexample, knowledge: exact.knowledge } : undefined;
}

function shortened(found: Counterexample, { make, knowledge, prefer, ladder: climbs = true }: Shortening): Counterexample {
  const fresh = <T>(use: (world: World) => T): T => inFresh(make, knowledge, use);
  const climb = (world: World): Counterexample | undefined =>
    searchLadder(world, {
      maxPreemptions: LADDER_PREEMPTIONS,
      budget: { maxSteps: LADDER_STEPS },
      ...(prefer !== undefined && isWanted(found.violation, prefer) ? { only: prefer } : {}),
    }).counterexample;
  const ladder = climbs ? fresh(climb) : undefined;
  // Runs that the first search did not see may share more than it knew: their answers need not mean the same in a world that begins.
  const holds = (one: Counterexample | undefined): one is Counterexample => one !== undefined && fresh((world) => reproduces(world, one));
  const start = holds(ladder) ? ladder : found;
  const short = fresh((world) => shrink(world, start));
  const best = holds(short) ? short : start;
  return { ...best, length: { ...fresh((world) => lengthOf(world, best.answers)), shortest: false } };
}
