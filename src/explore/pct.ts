import type { Choice } from '../machine/choices.ts';
import { choose, endOf, options } from './path.ts';
import { Random } from './random.ts';
import type { Budget, Counterexample, Counts } from './result.ts';
import type { World } from './world.ts';

export interface PctOutcome {
  readonly counts: Counts;
  readonly counterexample: Counterexample | undefined;
  readonly schedules: number;
  readonly stopped: string | undefined;
}

/** Longest run of a sampled schedule, and how often it may come back to a state: a spin that nobody ends is given up. */
const MAX_LENGTH = 5000;
const MAX_RETURNS = 200;

/**
 * Probabilistic concurrency testing (S. Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010):
 * every agent gets a random priority, the highest that can act does, and at depth-1 random steps the one about to act drops to the bottom. So does one
 * that spins: whose step led back to a state of this run. A core, its store buffer and its interrupt line are agents of their own; which version a stale fetch returns is drawn.
 */
export function samplePct(
  world: World,
  settings: { readonly seed: number; readonly schedules: number; readonly depth: number; readonly budget?: Budget },
): PctOutcome {
  const { machine } = world;
  const random = new Random(settings.seed);
  const counts: Counts = { states: 0, transitions: 0, depth: 0 };
  let length = 60;
  const base = machine.mark();
  for (let schedule = 0; schedule < settings.schedules; schedule++) {
    const stopped = settings.budget?.stop?.(counts);
    if (stopped !== undefined) return { counts, counterexample: undefined, schedules: schedule, stopped };
    const run = oneSchedule(world, random, settings.depth, length, counts);
    machine.rollback(base);
    machine.mark();
    length = Math.max(length, run.answers.length);
    counts.depth = Math.max(counts.depth, run.answers.length);
    if (run.counterexample !== undefined)
      return { counts, counterexample: run.counterexample, schedules: schedule + 1, stopped: undefined };
    if (settings.budget?.maxSteps !== undefined && counts.transitions >= settings.budget.maxSteps) {
      return { counts, counterexample: undefined, schedules: schedule + 1, stopped: `step budget of ${settings.budget.maxSteps} spent` };
    }
  }
  return { counts, counterexample: undefined, schedules: settings.schedules, stopped: undefined };
}

function oneSchedule(
  world: World,
  random: Random,
  depth: number,
  length: number,
  counts: Counts,
): { answers: number[]; counterexample: Counterexample | undefined } {
  const answers: number[] = [];
  const priorities = new Map<string, number>();
  const changes = new Set(Array.from({ length: depth - 1 }, () => random.below(length)));
  let lowest = 0;
  let lastCore = 0;
  const priority = (choice: Choice): number => {
    const agent = `${choice.kind}${choice.core}`;
    const known = priorities.get(agent);
    if (known !== undefined) return known;
    const fresh = 1 + random.below(1 << 20);
    priorities.set(agent, fresh);
    return fresh;
  };
  const seen = new Set<string>();
  let returns = 0;
  while (answers.length < MAX_LENGTH && returns < MAX_RETURNS) {
    const offered = options(world, lastCore);
    if (offered.length === 0) {
      const [end] = endOf(world);
      return { answers, counterexample: end === undefined ? undefined : { violation: end, answers } };
    }
    let top = offered.reduce((a, b) => (priority(b) > priority(a) ? b : a));
    if (changes.has(answers.length)) {
      priorities.set(`${top.kind}${top.core}`, --lowest);
      top = offered.reduce((a, b) => (priority(b) > priority(a) ? b : a));
    }
    const same = offered.filter((o) => o.kind === top.kind && o.core === top.core);
    const choice = same[random.below(same.length)] as Choice;
    answers.push(offered.indexOf(choice));
    counts.transitions++;
    world.machine.mark();
    const [violation] = choose(world, choice);
    if (violation !== undefined) return { answers, counterexample: { violation, answers } };
    lastCore = choice.core;
    const state = `${world.machine.hash()}`;
    if (seen.has(state)) {
      priorities.set(`${choice.kind}${choice.core}`, --lowest);
      returns++;
    } else seen.add(state);
  }
  return { answers, counterexample: undefined };
}
