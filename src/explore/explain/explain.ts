import { EVENT_BASE, EVENT_BYTES } from '../../engine/layout.ts';
import type { Machine } from '../../machine/machine.ts';
import { type Components, componentsOf, NOWHERE } from '../components.ts';
import { choose, options } from '../path.ts';
import { NewWords } from '../table/owners.ts';
import type { Transition } from '../table/system.ts';
import { TransitionTable } from '../table/table.ts';
import type { Violation } from '../violation.ts';
import type { World } from '../world.ts';
import { canPass, countFutures, type Paths } from './futures.ts';
import { nearestPassing } from './nearest.ts';
import { type Aim, eventAt, follows, type Order, ordersOf, type Run, weigh } from './orders.ts';
import { RunGraph, VIOLATES } from './run-graph.ts';
import { TableWalk, type Walk } from './walk.ts';

/** A step of a run as anybody can find it among what is offered. */
export type Move = Pick<Transition, 'core' | 'kind' | 'detail'>;

/** Two accesses of the run by their steps, in the order in which it takes them. */
export interface EssentialOrder {
  readonly first: number;
  readonly second: number;
}

/** An access of the run that came before one that the run did not get to. */
export interface TooEarly {
  readonly first: number;
  /** What should have come before it: the step of `Explanation.passing` that does it. */
  readonly second: number;
}

/** What the graph of all runs says of one that violates something. */
export interface Explanation {
  readonly states: number;
  /** Orders without which the same violation does not occur and that follow from no others, the latest first; where all of them do, all. */
  readonly essential: readonly EssentialOrder[];
  /** Likewise those that follow from programs and from orders that all runs with this violation have: an answer to a SYNC, say. */
  readonly implied: readonly EssentialOrder[];
  /** The same for accesses that the run did not get to, where no order within the run says more than what was fetched. */
  readonly early: readonly TooEarly[];
  /** How many orders of two cores' accesses were looked at. */
  readonly orders: number;
  /** The step from which on nothing but violations can follow; undefined where a run can still pass at the end: it goes in a circle. */
  readonly inevitable: number | undefined;
  /** A run that passes and is like this one as long as possible: how many steps they have in common, and all of its steps. */
  readonly passing: { readonly shared: number; readonly moves: readonly Move[] } | undefined;
  /** Paths that go on from before each step, and behind the last one; undefined where they cannot be counted. */
  curve(): readonly Paths[] | undefined;
}

/** Accesses of the core where it broke that may have come too early, from its last one. */
const LOOK_BACK = 6;

/** An explanation of a run of a world: what passes can be replayed. */
export interface WorldExplanation extends Explanation {
  /** The answers that lead along `passing`. */
  readonly passingAnswers: readonly number[] | undefined;
}

/**
 * Explains a run of a world by the graph of all its runs. `make` gives begun worlds. Undefined when the graph has more than `budget` edges, or is larger
 * than what the world knew when it began.
 */
export function explainRun(
  make: () => World,
  answers: readonly number[],
  violation: Violation,
  budget: number,
): WorldExplanation | undefined {
  let cells: ReadonlySet<number> = new Set();
  for (;;) {
    const world = make();
    const table = new TransitionTable(world, cells);
    try {
      const moves = movesOf(make, table, answers);
      const found = explainMoves(new TableWalk(table), moves, violation, {
        budget,
        spoiled: () => table.hasLearned,
        accessed: (move) => wordsOf(table, move),
      });
      return found === undefined ? undefined : { ...found, passingAnswers: found.passing && answersOf(make, table, found.passing.moves) };
    } catch (error) {
      if (!(error instanceof NewWords)) throw error;
      ({ cells } = error);
    } finally {
      world.release();
    }
  }
}

/** A choice, and what the core itself accessed by it. */
interface SeenMove extends Move {
  /** Physical addresses of quadwords. */
  readonly words: ReadonlySet<number>;
}

/** The choices that answers mean. */
function movesOf(make: () => World, table: TransitionTable, answers: readonly number[]): SeenMove[] {
  const world = make();
  const { machine } = world;
  let lastCore = 0;
  const moves = answers.map((answer): SeenMove => {
    const choice = options(world, lastCore)[answer]!;
    lastCore = choice.core;
    const words = new Set(choice.kind === 'step' && choice.fetch !== undefined ? wordsOfFetch(machine, choice.core) : []);
    machine.mark();
    choose(world, choice);
    const { view, globals } = machine.engine;
    for (let at = EVENT_BASE; at < globals.eventTop.value; at += EVENT_BYTES) {
      const physical = view.getUint32(at + 8, true);
      for (let q = physical & ~7; q < physical + view.getUint32(at + 12, true); q += 8) words.add(q);
    }
    return { core: choice.core, kind: choice.kind, detail: table.detailOf(choice), words };
  });
  world.release();
  return moves;
}

/** The answers that mean these moves. */
function answersOf(make: () => World, table: TransitionTable, moves: readonly Move[]): number[] | undefined {
  const world = make();
  let lastCore = 0;
  const answers: number[] = [];
  for (const move of moves) {
    const offered = options(world, lastCore);
    const answer = offered.findIndex((o) => o.core === move.core && o.kind === move.kind && table.detailOf(o) === move.detail);
    if (answer < 0) break;
    answers.push(answer);
    world.machine.mark();
    choose(world, offered[answer]!);
    lastCore = move.core;
  }
  world.release();
  return answers.length === moves.length ? answers : undefined;
}

function wordsOfFetch(machine: Machine, core: number): number[] {
  const c = machine.cores[core]!;
  const at = machine.fetchAt(c);
  if (!('physical' in at)) return [];
  return machine.fetchWindow(c, at.physical).quadwords.map((q) => machine.text!.addresses[q]!);
}

const wordsOf = (table: TransitionTable, move: Move): number[] => [...(move as SeenMove).words].flatMap((q) => table.placeOf(q) ?? []);

export interface ExplainOptions {
  readonly budget: number;
  /** Whether what the walk says is void. */
  readonly spoiled?: () => boolean;
  /** Places of memory that a move's core accessed. A transition may look at more: checkers do, and what cores know alone has places, too. */
  readonly accessed: (move: Move) => readonly number[];
}

/** Explains moves on a walk that is at its start. */
export function explainMoves(walk: Walk, moves: readonly Move[], violation: Violation, options: ExplainOptions): Explanation | undefined {
  const graph = RunGraph.of(walk, options.budget, options.spoiled);
  if (graph === undefined) return undefined;
  const components = componentsOf(graph.states, (s, n) => {
    if (n >= graph.count[s]!) return -1;
    const to = graph.to[graph.first[s]! + n]!;
    return to === VIOLATES ? NOWHERE : to;
  });
  const run: number[] = [];
  /** Of each step of the run the move that it is: moves in vain are no steps. */
  const moveOf: number[] = [];
  const states = [0];
  for (const [n, move] of moves.entries()) {
    const from = states.at(-1)!;
    const edge = from === VIOLATES ? undefined : graph.edgeOf(from, move);
    if (edge === undefined) return undefined;
    const to = graph.to[edge]!;
    if (to === from) continue;
    run.push(edge);
    moveOf.push(n);
    states.push(to);
  }
  const violating = violatingAim(graph, components, run, states.at(-1)!, violation);
  if (violating === undefined) return undefined;
  const passing: Aim = {
    labels: new Uint8Array(graph.labels.length),
    states: Uint8Array.from({ length: graph.states }, (_, s) => Number(graph.ends.get(s)?.length === 0)),
    event: undefined,
  };
  const accessed = moveOf.map((n) => options.accessed(moves[n]!));
  const weighed = ordersOf(graph, run, accessed).map((order) => {
    const { first, second, place } = order;
    return { ...order, weight: weigh(graph, eventAt(graph, run, first, place), eventAt(graph, run, second, place), violating, passing) };
  });
  const isImplied = follows(
    graph,
    run,
    weighed.filter((o) => o.weight === 'essential' || o.weight === 'forced'),
  );
  const all = weighed.filter((o) => o.memory);
  const needed = all.filter((o) => o.weight === 'essential');
  const own = needed.filter((o) => !isImplied(o));
  const essential = own.length > 0 ? own : needed;
  const passes = canPass(graph, components);
  const lastGood = states.findLastIndex((s) => s !== VIOLATES && passes[s] === 1);
  const lastCore = graph.labels[graph.label[run[lastGood - 1] ?? -1] ?? -1]?.transition.core ?? 0;
  const way = lastGood < 0 ? undefined : nearestPassing(graph, states[lastGood]!, lastCore);
  const moveAt = (n: number): number => moveOf[n] ?? moves.length;
  const latestFirst = (orders: readonly Order[]): EssentialOrder[] =>
    [...orders]
      .sort((a, b) => b.second - a.second || b.first - a.first)
      .map(({ first, second }) => ({ first: moveAt(first), second: moveAt(second) }));
  const nearest = way === undefined ? undefined : [...run.slice(0, lastGood), ...way];
  // That bytes were stored before they were fetched explains nothing yet.
  const isFetch = (n: number): boolean => graph.labels[graph.label[run[n]!]!]!.transition.detail !== '';
  const early =
    nearest === undefined || essential.some((o) => !isFetch(o.second))
      ? []
      : tooEarly(graph, run, nearest, violation.core, violating, passing, accessed);
  const shared = moveAt(lastGood);
  return {
    states: graph.states,
    orders: all.length,
    essential: latestFirst(essential),
    implied: latestFirst(needed.filter((o) => !essential.includes(o))),
    early: early.map(({ first, second }) => ({ first: moveAt(first), second: second - lastGood + shared })),
    inevitable: lastGood === states.length - 1 ? undefined : lastGood < 0 ? 0 : moveAt(lastGood),
    passing: way === undefined ? undefined : { shared, moves: [...moves.slice(0, shared), ...way.map((e) => moveOn(graph, e))] },
    curve: () => curveOf(graph, components, states, moveOf, moves.length),
  };
}

const moveOn = (graph: RunGraph, edge: number): Move => {
  const { core, kind, detail } = graph.labels[graph.label[edge]!]!.transition;
  return { core, kind, detail };
};

/** What it means to violate the same: the check, its cause and the core, at the same event; a circle is to get into it. */
function violatingAim(graph: RunGraph, components: Components, run: Run, last: number, violation: Violation): Aim | undefined {
  const matching = (v: Violation): boolean => v.check === violation.check && v.cause === violation.cause;
  const atLast = last === VIOLATES ? graph.labels[graph.label[run.at(-1)!]!]!.transition.violations : (graph.ends.get(last) ?? []);
  const found = atLast.find(matching) ?? atLast[0];
  const labels = new Uint8Array(graph.labels.length);
  const states = new Uint8Array(graph.states);
  if (found === undefined) {
    if (violation.cause !== 'livelock') return undefined;
    for (let s = 0; s < graph.states; s++) states[s] = Number(components.of[s] === components.of[last]);
    return { labels, states, event: undefined };
  }
  const same = (v: Violation): boolean =>
    v.check === found.check && v.cause === found.cause && v.core === found.core && v.rip === found.rip;
  if (last === VIOLATES) {
    graph.labels.forEach((l, n) => {
      labels[n] = Number(l.transition.violations.some(same));
    });
    return { labels, states, event: eventAt(graph, run, run.length - 1, -1) };
  }
  for (const [state, violations] of graph.ends) states[state] = Number(violations.some(same));
  return { labels, states, event: undefined };
}

/** Accesses of a core behind which no other core wrote, in this run, what they looked at, and the writes that would have had to come first. */
function tooEarly(
  graph: RunGraph,
  run: Run,
  nearest: Run,
  core: number,
  violating: Aim,
  passing: Aim,
  accessed: readonly (readonly number[])[],
): { first: number; second: number }[] {
  const transition = (edge: number): Transition => graph.labels[graph.label[edge]!]!.transition;
  const out: { first: number; second: number }[] = [];
  const own = run.map((_, n) => n).filter((n) => transition(run[n]!).core === core);
  for (const first of own.slice(-LOOK_BACK).reverse()) {
    for (const place of accessed[first]!) {
      const writes = (e: number): boolean => transition(e).core !== core && transition(e).writes.includes(place);
      if (run.slice(first + 1).some(writes)) continue;
      const known = run.filter(writes).length;
      const second = nearest.findIndex((e, n) => writes(e) && nearest.slice(0, n).filter(writes).length === known);
      if (second < 0 || out.some((o) => o.second === second)) continue;
      const late = eventAt(graph, nearest, second, place);
      if (weigh(graph, eventAt(graph, run, first, place), late, violating, passing) === 'essential') out.push({ first, second });
    }
  }
  return out;
}

/** How many paths go on from before each move, and behind the last one. */
function curveOf(
  graph: RunGraph,
  components: Components,
  states: readonly number[],
  moveOf: readonly number[],
  moves: number,
): readonly Paths[] | undefined {
  const futures = countFutures(graph, components);
  if (futures === undefined) return undefined;
  const at = (state: number): Paths => (state === VIOLATES ? { all: 1n, violating: 1n } : futures(state));
  return Array.from({ length: moves + 1 }, (_, n) => {
    const steps = moveOf.filter((m) => m < n).length;
    return at(states[steps]!);
  });
}

export type { Paths };
