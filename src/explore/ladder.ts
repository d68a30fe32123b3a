import type { Choice } from '../machine/choices.ts';
import { choose, endOf, options } from './path.ts';
import { ASK_EVERY, type Budget, type Counterexample, type Counts } from './result.ts';
import { isWanted, type WantedViolation } from './violation.ts';
import type { World } from './world.ts';

export interface LadderOutcome {
  readonly counts: Counts;
  readonly counterexample: Counterexample | undefined;
  /** Every run with at most this many preemptions was looked at; -1 when not even 0 was finished. */
  readonly completed: number;
  /** No bound cut anything off any more: the search was exhaustive. */
  readonly exhausted: boolean;
  readonly stopped: string | undefined;
}

/**
 * Iterative preemption bounding (M. Musuvathi and S. Qadeer, "Iterative Context Bounding", PLDI 2007): all runs with no preemption, then with one,
 * and so on, so that the first counterexample has the fewest. Moving away from a core that could go on costs one, and so does fetching something
 * else than what memory holds. For each state the fewest preemptions that reached it are kept, and it is looked at again when fewer do.
 */
export function searchLadder(
  world: World,
  settings: { readonly maxPreemptions: number; readonly budget?: Budget; readonly only?: WantedViolation },
): LadderOutcome {
  const counts: Counts = { states: 0, transitions: 0, depth: 0 };
  let completed = -1;
  for (let bound = 0; bound <= settings.maxPreemptions; bound++) {
    const round = searchBounded(world, bound, counts, settings.budget, settings.only);
    if (round.counterexample !== undefined || round.stopped !== undefined) {
      return { counts, counterexample: round.counterexample, completed, exhausted: false, stopped: round.stopped };
    }
    completed = bound;
    if (!round.cut) return { counts, counterexample: undefined, completed, exhausted: true, stopped: undefined };
  }
  return { counts, counterexample: undefined, completed, exhausted: false, stopped: undefined };
}

interface Frame {
  readonly mark: number;
  readonly lastCore: number;
  readonly left: number;
  readonly options: readonly Choice[];
  next: number;
}

function searchBounded(
  world: World,
  bound: number,
  counts: Counts,
  budget: Budget | undefined,
  only: WantedViolation | undefined,
): { counterexample: Counterexample | undefined; stopped: string | undefined; cut: boolean } {
  const { machine } = world;
  // Key and last core -> most preemptions left when the state was looked at.
  const best = new Map<string, number>();
  let cut = false;
  let stopped: string | undefined;
  let counterexample: Counterexample | undefined;
  const base = machine.mark();
  const stack: Frame[] = [{ mark: base, lastCore: 0, left: bound, options: options(world, 0), next: 0 }];
  const answers = (): number[] => stack.map((f) => f.next - 1);
  if (stack[0]?.options.length === 0) {
    const end = endOf(world).find((v) => isWanted(v, only));
    if (end !== undefined) counterexample = { violation: end, answers: [] };
  }
  while (stack.length > 0 && counterexample === undefined && stopped === undefined) {
    const frame = stack[stack.length - 1] as Frame;
    const choice = frame.options[frame.next];
    if (choice === undefined) {
      stack.pop();
      machine.rollback(frame.mark);
      continue;
    }
    frame.next++;
    const left = frame.left - cost(choice, frame.lastCore, frame.options);
    if (left < 0) {
      cut = true;
      continue;
    }
    counts.transitions++;
    if (counts.transitions % ASK_EVERY === 0) stopped = budget?.stop?.(counts);
    if (counts.transitions === budget?.maxSteps) stopped = `step budget of ${budget.maxSteps} spent`;
    const mark = machine.mark();
    const violations = choose(world, choice);
    if (violations.length > 0) {
      const wanted = violations.find((v) => isWanted(v, only));
      if (wanted !== undefined) counterexample = { violation: wanted, answers: answers() };
      else machine.rollback(mark);
      continue;
    }
    const key = `${machine.hash()}${choice.core}`;
    const known = best.get(key);
    if (known !== undefined && known >= left) {
      machine.rollback(mark);
      continue;
    }
    if (known === undefined) counts.states++;
    best.set(key, left);
    const offered = options(world, choice.core);
    if (offered.length === 0) {
      const end = endOf(world).find((v) => isWanted(v, only));
      if (end !== undefined) counterexample = { violation: end, answers: answers() };
      machine.rollback(mark);
      continue;
    }
    stack.push({ mark, lastCore: choice.core, left, options: offered, next: 0 });
    counts.depth = Math.max(counts.depth, stack.length);
  }
  machine.rollback(base);
  return { counterexample, stopped, cut };
}

/** Preemptions that a choice costs after a core moved last. */
export function cost(choice: Choice, lastCore: number, offered: readonly Choice[]): number {
  const preempts = choice.core !== lastCore && offered.some((o) => o.core === lastCore);
  const stale = choice.kind === 'step' && choice.fetch?.stale === true;
  return (preempts ? 1 : 0) + (stale ? 1 : 0);
}
