import { StateGraph } from '../graph.ts';
import { choose, options as optionsOf } from '../path.ts';
import { ASK_EVERY, type Counts } from '../result.ts';
import { livelock, type StatefulOptions, type StatefulOutcome, searchStates } from '../stateful.ts';
import { isWanted, type Violation } from '../violation.ts';
import { VisitedSet } from '../visited.ts';
import { StateKey } from './key.ts';
import type { StateVector } from './system.ts';
import type { Remembered, TransitionTable } from './table.ts';
import { Trail } from './trail.ts';

interface Frame {
  readonly state: number;
  /** Those of the core that moved last first: the order of answers. */
  readonly options: readonly Remembered[];
  next: number;
}

export interface TableOptions extends StatefulOptions {
  /** Called where a run ends, with the state and the way there. */
  readonly onEnd?: (state: StateVector, path: () => readonly number[]) => void;
}

/** Depth-first search over states like `searchStates`, by a table of transitions: the same states in the same order, and mostly without the machine. */
export function searchTable(table: TransitionTable, settings: TableOptions = {}): StatefulOutcome {
  const { world } = table;
  const symmetric = settings.symmetry === false ? 0 : world.symmetric;
  const trail = new Trail(table, new StateKey(table, symmetric));
  const visited = new VisitedSet();
  const graph = new StateGraph();
  const counts: Counts = { states: 1, transitions: 0, depth: 0 };
  const found: Violation[] = [];
  let counterexample: { violation: Violation; path: readonly number[] } | undefined;
  let stopped: string | undefined;
  const stack: Frame[] = [];
  const path = (): number[] => stack.map((f) => f.next - 1);
  const satisfied = (violation: Violation): boolean => isWanted(violation, settings.prefer);
  const note = (violations: readonly Violation[], way: () => readonly number[]): void => {
    for (const v of violations) if (!found.some((f) => f.check === v.check && f.cause === v.cause)) found.push(v);
    const first = violations.find(satisfied) ?? violations[0];
    if (first === undefined) return;
    if (counterexample === undefined || (satisfied(first) && !satisfied(counterexample.violation)))
      counterexample = { violation: first, path: way() };
  };
  /** False where the run ends. */
  const enter = (number: number, lastCore: number): boolean => {
    const options = trail.options(lastCore);
    if (options.length === 0) {
      note(table.ended(), path);
      settings.onEnd?.(table.state.slice(0, table.slots), path);
      return false;
    }
    stack.push({ state: number, options, next: 0 });
    counts.depth = Math.max(counts.depth, stack.length);
    return true;
  };
  visited.add(trail.key.compute(), 0);
  graph.reached(0, 0, 0);
  enter(0, 0);

  while (stack.length > 0) {
    const frame = stack[stack.length - 1]!;
    if (frame.next === frame.options.length) {
      stack.pop();
      if (stack.length > 0) trail.back();
      continue;
    }
    const transition = frame.options[frame.next++]!;
    if (table.hasLearned) break;
    if (counterexample !== undefined && settings.wholeGraph !== true && satisfied(counterexample.violation)) break;
    counts.transitions++;
    if (counts.transitions === settings.budget?.maxSteps) stopped = `step budget of ${settings.budget.maxSteps} spent`;
    if (counts.transitions % ASK_EVERY === 0) stopped ??= settings.budget?.stop?.(counts);
    if (stopped !== undefined) break;
    if (transition.violations.length > 0) {
      note(transition.violations, path);
      continue;
    }
    trail.take(transition);
    const number = visited.add(trail.key.compute(), 0);
    const isNew = number >= 0;
    graph.add(frame.state, isNew ? number : -1 - number, transition.core, transition.kind);
    if (isNew) {
      counts.states = visited.size;
      graph.reached(number, frame.state, frame.next - 1);
    }
    if (!isNew || !enter(number, transition.core)) trail.back();
  }
  const learned = table.hasLearned;
  if (learned && settings.learnFor !== undefined) learnNearby(table, settings.learnFor);
  let undecided = false;
  if (counterexample === undefined && stopped === undefined && !learned) {
    undecided = symmetric !== 0 && graph.circlesAmong(visited.size, symmetric);
    const cycle = undecided ? undefined : graph.fairCycle(visited.size);
    if (cycle !== undefined) note([livelock(world, cycle.cores)], () => graph.pathTo(cycle.state));
  }
  return {
    counts,
    counterexample:
      learned || counterexample === undefined
        ? undefined
        : { violation: counterexample.violation, answers: inAnswers(table, trail, counterexample.path) },
    violations: found,
    stopped,
    learned,
    undecided,
  };
}

/** What else is shared near the table's state is learned at once, not one thing a search. */
export function learnNearby(table: TransitionTable, steps: number): void {
  table.materialise();
  searchStates(table.world, { wholeGraph: true, budget: { maxSteps: steps }, learnFor: steps });
}

/** A way from the start, by indices into the table's options, as answers to `options`. */
export function answersOf(table: TransitionTable, path: readonly number[]): number[] {
  table.state.fill(0, 0, table.slots);
  return inAnswers(table, new Trail(table, new StateKey(table, 0)), path);
}

/** The same by the trail of a search: the machine goes the way once. */
function inAnswers(table: TransitionTable, trail: Trail, path: readonly number[]): number[] {
  const way = trail.along(path);
  const { world } = table;
  const mark = table.toStart();
  const answers: number[] = [];
  let lastCore = 0;
  for (const { core, kind, detail } of way) {
    const answer = optionsOf(world, lastCore).findIndex((o) => o.core === core && o.kind === kind && table.detailOf(o) === detail);
    // What a core tries in vain the machine may not offer: it changes nothing.
    if (answer < 0) continue;
    answers.push(answer);
    world.machine.mark();
    choose(world, optionsOf(world, lastCore)[answer]!);
    lastCore = core;
  }
  world.machine.rollback(mark);
  return answers;
}
