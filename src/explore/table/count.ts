import { type PathCount, StateGraph } from '../graph.ts';
import { choose, options } from '../path.ts';
import { ASK_EVERY, type Budget, type Counts } from '../result.ts';
import { VisitedSet } from '../visited.ts';
import { StateKey } from './key.ts';
import type { Remembered } from './remembered.ts';
import type { TransitionTable } from './table.ts';
import { Trail } from './trail.ts';

export interface CountOutcome {
  /** Undefined when the count was stopped, or when cores go in circles otherwise than to wait. */
  readonly paths: PathCount | undefined;
  readonly counts: Counts;
  readonly stopped: string | undefined;
}

interface Frame {
  readonly state: number;
  readonly options: readonly Remembered[];
  next: number;
}

/**
 * Counts the maximal paths of the state graph, over all states and without any reduction. `passed`: whether the run that the machine has made went through what
 * is asked for; once it has, it has for good. Without it every run counts as one that did.
 */
export function countPaths(
  table: TransitionTable,
  settings: { readonly budget?: Budget; readonly passed?: () => boolean } = {},
): CountOutcome {
  const { budget, passed } = settings;
  const trail = new Trail(table, new StateKey(table, 0));
  const visited = new VisitedSet();
  const graph = new StateGraph();
  const counts: Counts = { states: 1, transitions: 0, depth: 0 };
  const stack: Frame[] = [];
  let stopped: string | undefined;
  /** Violations behind which the run has passed although it had not before. */
  const passing = new Map<Remembered, boolean>();
  const passedHere = (): boolean => {
    if (passed === undefined) return true;
    table.materialise();
    return passed();
  };
  const passedBehind = (transition: Remembered): boolean => {
    if (passed === undefined || passedHere()) return true;
    let passes = passing.get(transition);
    if (passes === undefined) {
      passes = behind(table, transition, passed);
      passing.set(transition, passes);
    }
    return passes;
  };
  const enter = (state: number): boolean => {
    const offered = trail.options(0);
    if (table.hasLearned) return false;
    if (offered.length === 0) {
      graph.end(state, passedHere(), table.ended().length > 0);
      return false;
    }
    stack.push({ state, options: offered, next: 0 });
    counts.depth = Math.max(counts.depth, stack.length);
    return true;
  };
  visited.add(trail.key.compute(), 0);
  enter(0);
  while (stack.length > 0 && stopped === undefined && !table.hasLearned) {
    const frame = stack[stack.length - 1]!;
    const transition = frame.options[frame.next++];
    if (transition === undefined) {
      stack.pop();
      if (stack.length > 0) trail.back();
      continue;
    }
    counts.transitions++;
    if (counts.transitions === budget?.maxSteps) stopped = `step budget of ${budget.maxSteps} spent`;
    if (counts.transitions % ASK_EVERY === 0) stopped ??= budget?.stop?.(counts);
    if (transition.violations.length > 0) {
      graph.end(frame.state, passedBehind(transition), true);
      continue;
    }
    trail.take(transition);
    const number = visited.add(trail.key.compute(), 0);
    graph.add(frame.state, number >= 0 ? number : -1 - number, transition.core, transition.kind);
    counts.states = visited.size;
    if (number < 0 || !enter(number)) trail.back();
  }
  const complete = stopped === undefined && !table.hasLearned;
  return { paths: complete ? graph.countPaths(visited.size) : undefined, counts, stopped };
}

/** What the machine says behind a transition from the table's state, for those that break something: a table keeps no state behind them. */
function behind<T>(table: TransitionTable, transition: Remembered, look: () => T): T {
  const { world } = table;
  const { machine } = world;
  table.materialise();
  const mark = machine.mark();
  machine.cores[transition.core]!.flushTlb();
  const choice = options(world, transition.core).find(
    (o) => o.core === transition.core && o.kind === transition.kind && table.detailOf(o) === transition.detail,
  );
  if (choice !== undefined) choose(world, choice);
  const seen = look();
  machine.rollback(mark);
  return seen;
}
