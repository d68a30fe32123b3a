import { unfit } from '../checkpoint.ts';
import { StateGraph } from '../graph.ts';
import { choose, options as optionsOf } from '../path.ts';
import { ASK_EVERY, type Counts } from '../result.ts';
import { livelock, type StatefulOptions, type StatefulOutcome, searchStates } from '../stateful.ts';
import { isWanted, type Violation } from '../violation.ts';
import { VisitedSet } from '../visited.ts';
import { Futures } from './futures.ts';
import { StateKey } from './key.ts';
import type { Keeping, SearchPause } from './pause.ts';
import type { Remembered } from './remembered.ts';
import { commute, SleepSets } from './sleep.ts';
import type { StateVector } from './system.ts';
import type { TransitionTable } from './table.ts';
import { Trail } from './trail.ts';

interface Frame {
  readonly state: number;
  /** Those of the core that moved last first: the order of answers. */
  readonly options: readonly Remembered[];
  /** Which of them are taken from here; undefined for all. */
  readonly taken: Uint8Array | undefined;
  /** What need not be taken: it was, on another way. */
  readonly asleep: readonly number[];
  next: number;
}

export interface TableOptions extends StatefulOptions {
  /** Called where a run ends, with the state and the way there. */
  readonly onEnd?: (state: StateVector, path: () => readonly number[]) => void;
  readonly keeping?: Keeping | undefined;
  /** Where a search like this one has paused: it goes on there. The table has taken over what that one's knew. */
  readonly from?: SearchPause | undefined;
}

/** What makes a search leave out runs that are equal to others. */
interface Reduction {
  readonly futures: Futures;
}

const NOTHING: readonly number[] = [];

/**
 * Depth-first search over states like `searchStates`, by a table of transitions: the same states in the same order, and mostly without the machine. With a
 * reduction it takes fewer transitions, and reaches fewer states: the same violations and the same ends.
 */
export function searchTable(table: TransitionTable, settings: TableOptions = {}, reduction?: Reduction): StatefulOutcome {
  const { world } = table;
  const symmetric = settings.symmetry === false ? 0 : world.symmetric;
  const trail = new Trail(table, new StateKey(table, symmetric));
  const { key } = trail;
  const rank = (core: number): number => key.rank(core);
  const sleep = new SleepSets(symmetric, rank);
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

  /** Looks at a state for the first time. False where nothing is taken from it. */
  const enter = (state: number, lastCore: number, asleep: readonly number[]): boolean => {
    const options = trail.options(lastCore);
    if (options.length === 0) {
      note(table.ended(), path);
      settings.onEnd?.(table.state.slice(0, table.slots), path);
      return false;
    }
    if (reduction === undefined) return push({ state, options, taken: undefined, asleep, next: 0 });
    const only = options.length < 2 ? -1 : reduction.futures.first(options, symmetric, rank);
    const mask = asleep.length === 0 ? 0 : sleep.mask(options, asleep);
    sleep.store(state, Math.max(mask, 0));
    // With too many options to tell them apart nothing sleeps.
    return push({ state, options, taken: takenOf(options, only, mask), asleep: mask < 0 ? NOTHING : asleep, next: 0 });
  };

  /** Comes to a state that was seen. False where nothing more is taken from it. */
  const enterAgain = (state: number, lastCore: number, asleep: readonly number[]): boolean => {
    const slept = reduction === undefined ? 0 : sleep.of(state);
    if (slept === 0 || reduction === undefined) return false;
    const options = trail.options(lastCore);
    const mask = sleep.mask(options, asleep);
    const woken = slept & ~mask;
    if (woken === 0) return false;
    sleep.store(state, slept & mask);
    const only = options.length < 2 ? -1 : reduction.futures.first(options, symmetric, rank);
    return push({ state, options, taken: takenOf(options, only, ~woken), asleep, next: 0 });
  };

  /** Which options are taken: not those in the mask, and of one core only where that is enough. Undefined: all. */
  function takenOf(options: readonly Remembered[], only: number, mask: number): Uint8Array | undefined {
    if (only < 0 && mask <= 0 && mask >= -1) return undefined;
    const out = new Uint8Array(options.length);
    for (let n = 0; n < options.length; n++) {
      const sleeps = mask !== 0 && mask !== -1 && (mask & sleep.bits[n]!) !== 0;
      if ((only < 0 || options[n]!.core === only) && !sleeps) out[n] = 1;
    }
    return out;
  }

  function push(frame: Frame): boolean {
    stack.push(frame);
    counts.depth = Math.max(counts.depth, stack.length);
    return true;
  }

  /** What sleeps behind a transition: what slept or was taken before it, and commutes with it. */
  const asleepBehind = (frame: Frame, transition: Remembered): readonly number[] => {
    if (reduction === undefined) return NOTHING;
    let out = NOTHING as number[];
    for (let n = 0; n < frame.options.length; n++) {
      const option = frame.options[n]!;
      const before = (n < frame.next - 1 && frame.taken?.[n] !== 0) || frame.asleep.includes(option.choice);
      if (!before || !commute(option, transition)) continue;
      if (out === NOTHING) out = [];
      out.push(option.choice);
    }
    return out;
  };

  /** Where the search stands, before the transition that is to be taken next. */
  const pause = (): SearchPause => {
    const last = stack.length - 1;
    return {
      counts: { ...counts, transitions: counts.transitions - 1 },
      keys: visited.keys,
      edges: graph.edges,
      reached: graph.reachedFrom(visited.size),
      masks: sleep.masks(reduction === undefined ? 0 : visited.size),
      stack: stack.map(({ state, next, asleep, taken }, n) => ({ state, next: n === last ? next - 1 : next, asleep, taken })),
      found: [...found],
      counterexample,
      futures: reduction?.futures.pause,
    };
  };

  const resume = (from: SearchPause): void => {
    Object.assign(counts, from.counts);
    visited.restore(from.keys);
    graph.absorb(from.edges);
    graph.restoreReached(from.reached);
    sleep.restore(from.masks);
    found.push(...from.found);
    counterexample = from.counterexample;
    let lastCore = 0;
    for (const { state, ...frame } of from.stack) {
      const before = stack[stack.length - 1];
      if (before !== undefined) {
        const transition = before.options[before.next - 1];
        if (transition === undefined || transition.violations.length > 0) throw unfit(`nothing leads to state ${state}`);
        trail.take(transition);
        lastCore = transition.core;
      }
      if (visited.add(key.compute(), 0) !== -1 - state) throw unfit(`state ${state} is another one`);
      stack.push({ state, ...frame, options: trail.options(lastCore) });
    }
  };

  if (settings.from === undefined) {
    visited.add(key.compute(), 0);
    graph.reached(0, 0, 0);
    enter(0, 0, NOTHING);
  } else resume(settings.from);
  const { keeping } = settings;
  const maxSteps = counts.transitions + (settings.budget?.maxSteps ?? Number.POSITIVE_INFINITY);

  while (stack.length > 0) {
    const frame = stack[stack.length - 1]!;
    if (frame.next === frame.options.length) {
      stack.pop();
      if (stack.length > 0) trail.back();
      continue;
    }
    const transition = frame.options[frame.next++]!;
    if (frame.taken !== undefined && frame.taken[frame.next - 1] === 0) continue;
    if (table.hasLearned) break;
    if (counterexample !== undefined && settings.wholeGraph !== true && satisfied(counterexample.violation)) break;
    counts.transitions++;
    if (counts.transitions === maxSteps) stopped = `step budget of ${settings.budget?.maxSteps} spent`;
    if (counts.transitions % ASK_EVERY === 0) {
      counts.bytes = visited.bytes + graph.bytes + table.bytes;
      stopped ??= settings.budget?.stop?.(counts);
      if (stopped === undefined && keeping?.isDue() === true) keeping.keep(pause(), undefined);
      if (stopped === undefined && reduction !== undefined && reduction.futures.runs !== table.runs) reduction.futures.renew();
    }
    if (stopped !== undefined) {
      keeping?.keep(pause(), stopped);
      break;
    }
    if (transition.violations.length > 0) {
      note(transition.violations, path);
      continue;
    }
    const asleep = asleepBehind(frame, transition);
    trail.take(transition);
    const number = visited.add(key.compute(), 0);
    const isNew = number >= 0;
    const state = isNew ? number : -1 - number;
    graph.add(frame.state, state, transition.core, transition.kind);
    if (isNew) {
      counts.states = visited.size;
      graph.reached(number, frame.state, frame.next - 1);
    }
    const goesOn = isNew ? enter(state, transition.core, asleep) : enterAgain(state, transition.core, asleep);
    if (!goesOn) trail.back();
  }
  const learned = table.hasLearned;
  if (learned && settings.learnFor !== undefined) learnNearby(table, settings.learnFor);
  let undecided: StatefulOutcome['undecided'];
  if (counterexample === undefined && stopped === undefined && !learned) {
    const cycle = graph.fairCycle(visited.size);
    // Where runs were left out, only that there is no circle but of one state, which somebody leaves, says something.
    if (reduction !== undefined && (cycle !== undefined || graph.hasCircle(visited.size))) undecided = 'reduced';
    else if (symmetric !== 0 && graph.circlesAmong(visited.size, symmetric)) undecided = 'symmetric';
    else if (cycle !== undefined) note([livelock(world, cycle.cores)], () => graph.pathTo(cycle.state));
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

/** As `searchTable` with sleep sets, and with the transitions of one core alone where that is enough (`Futures`): again until what that was decided on stands. */
export function searchReduced(table: TransitionTable, settings: TableOptions = {}): StatefulOutcome {
  const futures = new Futures(table);
  let from = settings.from;
  for (;;) {
    if (from?.futures === undefined) futures.begin();
    else futures.resume(from.futures);
    const outcome = searchTable(table, { ...settings, from }, { futures });
    from = undefined;
    futures.renew();
    // What was found was found; that nothing was means something only when no decision has turned out to be too early.
    if (!futures.outdated || outcome.stopped !== undefined || outcome.learned) return outcome;
    if (outcome.counterexample !== undefined && settings.wholeGraph !== true) return outcome;
  }
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
