import type { Choice } from '../machine/choices.ts';
import { StateGraph } from './graph.ts';
import { choose, endOf, options } from './path.ts';
import { ASK_EVERY, type Budget, type Counterexample, type Counts } from './result.ts';
import { isWanted, type Violation, type WantedViolation } from './violation.ts';
import { VisitedSet } from './visited.ts';
import type { World } from './world.ts';

interface Frame {
  readonly mark: number;
  readonly state: number;
  readonly lastCore: number;
  readonly options: readonly Choice[];
  next: number;
}

export interface StatefulOptions {
  readonly budget?: Budget;
  /** Take permutations of interchangeable cores for one state. */
  readonly symmetry?: boolean;
  /** Goes on after other violations until this one is found. */
  readonly prefer?: WantedViolation;
  /** Go on after the first violation, to count all states. */
  readonly wholeGraph?: boolean;
  /** Transitions to go on for after something new was learned, to learn more before the search starts again. */
  readonly learnFor?: number;
}

export interface StatefulOutcome {
  readonly counts: Counts;
  readonly counterexample: Counterexample | undefined;
  /** Every violation found (the first one of each check and cause). */
  readonly violations: readonly Violation[];
  /** Undefined when the graph is complete. */
  readonly stopped: string | undefined;
  /** The set of visible addresses or of patched text grew: what was counted is void and the search must run again. */
  readonly learned: boolean;
  /**
   * Whether some run goes on for ever must be asked again: `symmetric`, without symmetry, because interchangeable cores go in circles; `reduced`, with
   * all runs, because some core does.
   */
  readonly undecided: 'symmetric' | 'reduced' | undefined;
}

/**
 * Depth-first search over states with a visited set and the undo journal. A core that spins on what nobody has changed returns to the
 * state it came from, so waiting costs one edge and no state (await-collapse).
 */
export function searchStates(world: World, settings: StatefulOptions = {}): StatefulOutcome {
  const { machine } = world;
  const visited = new VisitedSet();
  const graph = new StateGraph();
  const symmetric = settings.symmetry === false ? 0 : world.symmetric;
  const counts: Counts = { states: 0, transitions: 0, depth: 0 };
  const found: Violation[] = [];
  let counterexample: Counterexample | undefined;
  let stopped: string | undefined;
  let learning = 0;
  const discoveries = machine.discoveries;
  const base = machine.mark();

  const stack: Frame[] = [];
  const pathAnswers = (): number[] => stack.map((f) => f.next - 1);
  const note = (violations: readonly Violation[], answers: readonly number[]): void => {
    for (const v of violations) if (!found.some((f) => f.check === v.check && f.cause === v.cause)) found.push(v);
    const first = violations.find((v) => isWanted(v, settings.prefer)) ?? violations[0];
    if (first === undefined) return;
    if (counterexample === undefined || (isWanted(first, settings.prefer) && !satisfied(counterexample))) {
      counterexample = { violation: first, answers };
    }
  };
  const enter = (mark: number, lastCore: number): void => {
    const state = visited.add(machine.engine.words, machine.key(symmetric));
    counts.states = visited.size;
    const offered = options(world, lastCore);
    if (offered.length === 0) note(endOf(world), pathAnswers());
    stack.push({ mark, state, lastCore, options: offered, next: 0 });
    counts.depth = Math.max(counts.depth, stack.length);
  };
  enter(base, 0);

  while (stack.length > 0) {
    const frame = stack[stack.length - 1] as Frame;
    const choice = frame.options[frame.next];
    if (choice === undefined) {
      stack.pop();
      machine.rollback(frame.mark);
      continue;
    }
    frame.next++;
    if (hasLearned()) learning++;
    else if (counterexample !== undefined && settings.wholeGraph !== true && satisfied(counterexample)) break;
    if (learning > (settings.learnFor ?? 0)) break;
    counts.transitions++;
    if (counts.transitions === settings.budget?.maxSteps) stopped = `step budget of ${settings.budget.maxSteps} spent`;
    if (counts.transitions % ASK_EVERY === 0) stopped ??= settings.budget?.stop?.(counts);
    if (stopped !== undefined) break;
    const mark = machine.mark();
    const violations = choose(world, choice);
    if (violations.length > 0) {
      note(violations, pathAnswers());
      machine.rollback(mark);
      continue;
    }
    const at = machine.key(symmetric);
    const state = visited.add(machine.engine.words, at);
    counts.states = visited.size;
    graph.add(frame.state, state < 0 ? -1 - state : state, choice.core, choice.kind);
    if (state >= 0) graph.reached(state, frame.state, frame.next - 1);
    if (state < 0) {
      machine.rollback(mark);
      continue;
    }
    const offered = options(world, choice.core);
    if (offered.length === 0) {
      note(endOf(world), pathAnswers());
      machine.rollback(mark);
      continue;
    }
    stack.push({ mark, state, lastCore: choice.core, options: offered, next: 0 });
    counts.depth = Math.max(counts.depth, stack.length);
  }
  const learned = hasLearned();
  let undecided: StatefulOutcome['undecided'];
  machine.rollback(base);
  if (counterexample === undefined && stopped === undefined && !learned) {
    if (symmetric !== 0 && graph.circlesAmong(visited.size, symmetric)) undecided = 'symmetric';
    const cycle = undecided !== undefined ? undefined : graph.fairCycle(visited.size);
    if (cycle !== undefined) note([livelock(world, cycle.cores)], graph.pathTo(cycle.state));
  }
  return { counts, counterexample, violations: found, stopped, learned, undecided };

  function satisfied(found: Counterexample): boolean {
    return isWanted(found.violation, settings.prefer);
  }

  function hasLearned(): boolean {
    return machine.discoveries !== discoveries;
  }
}

/** The violation of cores that go in a circle for ever although the schedule is fair. */
export function livelock(world: World, cores: readonly number[]): Violation {
  const core = world.machine.cores[cores[0] ?? 0]!;
  return {
    check: 'I13',
    cause: 'livelock',
    message: `livelock: ${cores.map((c) => `CPU${c}`).join(', ')} can go on for ever without getting anywhere`,
    core: core.index,
    rip: core.rip,
  };
}
