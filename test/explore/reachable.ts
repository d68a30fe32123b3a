import { ASK_EVERY, type Budget, type Counts } from '../../src/explore/result.ts';
import type { StateVector, TransitionSystem } from '../../src/explore/table/system.ts';
import { vectorKey } from '../../src/explore/vector.ts';
import type { Violation } from '../../src/explore/violation.ts';

export interface Reachable {
  readonly counts: Counts;
  /** Every violation, the first one of each check and cause. */
  readonly violations: readonly Violation[];
  /** States in which nothing could happen any more, by `vectorKey`. */
  readonly ends: ReadonlyMap<string, StateVector>;
  readonly states: ReadonlyMap<string, StateVector>;
  readonly stopped: string | undefined;
}

/** Every reachable state, by exact keys and without any reduction: the plainest search there is, to judge the others by. */
export function reachableStates(system: TransitionSystem, budget: Budget = {}): Reachable {
  const states = new Map<string, StateVector>();
  const ends = new Map<string, StateVector>();
  const violations: Violation[] = [];
  const counts: Counts = { states: 0, transitions: 0, depth: 0 };
  let stopped: string | undefined;
  const note = (found: readonly Violation[]): void => {
    for (const v of found) if (!violations.some((o) => o.check === v.check && o.cause === v.cause)) violations.push(v);
  };
  let level: StateVector[] = [];
  const reach = (state: StateVector): void => {
    const key = vectorKey(state);
    if (states.has(key)) return;
    states.set(key, state);
    counts.states++;
    level.push(state);
  };
  reach(system.start());
  for (; level.length > 0 && stopped === undefined; counts.depth++) {
    const before = level;
    level = [];
    for (const state of before) {
      const next = system.next(state);
      if (next.length === 0) {
        ends.set(vectorKey(state), state);
        note(system.end(state));
      }
      for (const transition of next) {
        counts.transitions++;
        if (counts.transitions === budget.maxSteps) stopped = `step budget of ${budget.maxSteps} spent`;
        if (counts.transitions % ASK_EVERY === 0) stopped ??= budget.stop?.(counts);
        if (transition.violations.length > 0) note(transition.violations);
        else reach(system.after(state, transition));
      }
      if (stopped !== undefined) break;
    }
  }
  return { counts, violations, ends, states, stopped };
}
