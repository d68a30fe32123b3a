import { TextpokeError } from '../error.ts';
import { type Observation, Observations } from './checkers/observations.ts';
import { StateGraph } from './graph.ts';
import { Knowledge } from './knowledge.ts';
import { onTable } from './on-table.ts';
import { choose, endOf, options } from './path.ts';
import type { RunLength } from './price.ts';
import type { Budget, Counts } from './result.ts';
import { type ShortestOutcome, shortestRuns } from './shortest.ts';
import { livelock } from './stateful.ts';
import { answersOf } from './table/search.ts';
import type { Violation } from './violation.ts';
import type { World } from './world.ts';

/** A variable that several cores share, or a quadword of one that is larger. */
export interface SharedWord {
  /** Linear address. */
  readonly address: bigint;
  readonly size: number;
}

/** A way in which runs end. */
export interface Outcome {
  /** What runs break that end so. */
  readonly violation: Violation | undefined;
  /** Of a run that breaks nothing: what each core saw. */
  readonly observed: readonly (readonly Observation[])[];
  /** Likewise, what each of the shared words holds at the end. */
  readonly values: readonly bigint[];
  /** How many interleavings end so; undefined where they cannot be counted. */
  readonly interleavings: bigint | undefined;
  /** The shortest run that ends so. */
  readonly answers: readonly number[];
  readonly length: RunLength;
}

export interface Outcomes {
  /** Those that break something first, each group with the shortest runs first. */
  readonly outcomes: readonly Outcome[];
  readonly words: readonly SharedWord[];
  /** Runs that go on for ever although the schedule is fair: they have no outcome. */
  readonly endless: Violation | undefined;
  /** Why the interleavings are not counted. */
  readonly notCounted: string | undefined;
  readonly counts: Counts;
  /** Why there may be more outcomes. */
  readonly stopped: string | undefined;
  /** Bounds of the machine that some run reached: behind them there may be more. */
  readonly bounds: readonly string[];
  /** What a world must know to replay a run to an outcome. */
  readonly knowledge: Knowledge;
}

interface End {
  readonly observed: readonly (readonly Observation[])[];
  readonly values: readonly bigint[];
}

/**
 * Every distinct way in which runs of a world end: what they break, by check, cause and message; or what each core saw (`Observations`) and what the shared
 * variables of the image hold at the end. In an exploration of its own, since what was seen is part of its states.
 */
export function outcomesOf(make: () => World, known: Knowledge, budget: Budget = {}): Outcomes {
  const observing = (): World => {
    const world = make();
    world.checkers.push(new Observations());
    return world;
  };
  const told = onTable(observing, known, (table, knowledge) => {
    const { world } = table;
    const words = sharedWords(world, knowledge);
    const ends = new Map<string, End>();
    const found = shortestRuns(
      table,
      {
        ofViolation: nameOfViolation,
        ofEnd: () => {
          const name = nameOfEnd(world, words);
          if (!ends.has(name)) ends.set(name, endHere(world, words));
          return name;
        },
        first: false,
      },
      budget,
    );
    const { interleavings, notCounted, endless } = count(world, found);
    const outcomes = [...found.runs.values()].map((run): Outcome => {
      const end = ends.get(run.name);
      return {
        violation: run.violation,
        observed: end?.observed ?? [],
        values: end?.values ?? [],
        interleavings: notCounted === undefined ? (interleavings.get(run.name) ?? 0n) : undefined,
        answers: answersOf(table, run.path),
        length: run.length,
      };
    });
    return {
      outcomes,
      words,
      endless,
      notCounted,
      counts: found.counts,
      stopped: found.stopped,
      bounds: world.bounds(),
      names: [...found.runs.keys()],
    };
  });
  if (told === undefined)
    throw new TextpokeError('E_INTERNAL', 'what is shared was never all known', { where: 'outcomes', hint: 'use fewer victims' });
  const { names, ...result } = told.result;
  result.outcomes.forEach((outcome, n) => confirm(observing, told.knowledge, outcome, names[n]!, result.words));
  const broken = (o: Outcome): number => (o.violation === undefined ? 1 : 0);
  return { ...result, outcomes: [...result.outcomes].sort((a, b) => broken(a) - broken(b)), knowledge: told.knowledge };
}

const nameOfViolation = ({ check, cause, message }: Violation): string => JSON.stringify([check, cause, message]);

function nameOfEnd(world: World, words: readonly SharedWord[]): string {
  const observations = observationsOf(world);
  const chains = world.machine.cores.map((c) => observations.chain(world, c.index));
  return `${chains.join()} ${valuesOf(world, words).join()}`;
}

const endHere = (world: World, words: readonly SharedWord[]): End => ({
  observed: world.machine.cores.map((c) => observationsOf(world).of(world, c.index)),
  values: valuesOf(world, words),
});

const observationsOf = (world: World): Observations => world.checkers.find((c) => c instanceof Observations) as Observations;

const valuesOf = (world: World, words: readonly SharedWord[]): bigint[] =>
  words.map(({ address, size }) => BigInt.asUintN(8 * size, world.lab.readLong(0, address)));

/** The variables of the image that several cores share. Memory of the allocator is none: it is told by those who point to it. */
function sharedWords(world: World, knowledge: Knowledge): SharedWord[] {
  const { lab } = world;
  const out = new Map<bigint, SharedWord>();
  for (const quadword of knowledge.beyond(new Knowledge()).visible) {
    if (quadword >= lab.machine.engine.map.ramBytes) continue;
    const linear = lab.linear(quadword);
    const segment = lab.image.segmentAt(linear);
    if (segment === undefined || !segment.writable || segment.executable) continue;
    for (let address = linear; address < linear + 8n; ) {
      const found = lab.image.symbolAt(address);
      const { size, name } = found?.symbol ?? { size: 0, name: '' };
      const small = [1, 2, 4, 8].includes(size) && found?.offset === 0;
      const word = small ? { address, size } : { address, size: Number(linear + 8n - address) };
      if (found !== undefined && name !== 'slab' && (small || word.size === 8)) out.set(address, word);
      address += BigInt(small ? size : 1);
      if (word.size === 8) break;
    }
  }
  return [...out.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
}

function count(
  world: World,
  { edges, ends, counts, stopped }: ShortestOutcome,
): { interleavings: Map<string, bigint>; notCounted: string | undefined; endless: Violation | undefined } {
  const interleavings = new Map<string, bigint>();
  if (stopped !== undefined) return { interleavings, notCounted: stopped, endless: undefined };
  const graph = new StateGraph();
  // Who could break something is not kept waiting for ever either: there those edges lead to one more state.
  const fair = new StateGraph();
  edges((from, to, by) => {
    if (to >= 0) graph.add(from, to, by.core, by.kind);
    fair.add(from, to >= 0 ? to : counts.states, by.core, by.kind);
  });
  for (const { state, violates } of ends) graph.end(state, true, violates);
  const ways = graph.pathsByEnd(counts.states);
  const cycle = fair.fairCycle(counts.states + 1);
  const endless = cycle === undefined ? undefined : livelock(world, cycle.cores);
  if (ways === undefined) return { interleavings, notCounted: 'cycles: more than one core moves in circles', endless };
  ends.forEach(({ name }, n) => {
    if (name !== undefined) interleavings.set(name, (interleavings.get(name) ?? 0n) + ways[n]!);
  });
  return { interleavings, notCounted: undefined, endless };
}

/** Replays a run on a fresh world: it must end as it was said to. */
function confirm(
  make: () => World,
  knowledge: Knowledge,
  { answers, violation }: Outcome,
  name: string,
  words: readonly SharedWord[],
): void {
  const world = make();
  world.begin(knowledge);
  let lastCore = 0;
  let violations: readonly Violation[] = [];
  for (const answer of answers) {
    const choice = options(world, lastCore)[answer];
    if (choice === undefined) break;
    world.machine.mark();
    violations = choose(world, choice);
    lastCore = choice.core;
  }
  if (violations.length === 0 && options(world, lastCore).length === 0) violations = endOf(world);
  const holds =
    violation === undefined
      ? violations.length === 0 && nameOfEnd(world, words) === name
      : violations.some((v) => nameOfViolation(v) === name);
  world.release();
  if (!holds) throw new TextpokeError('E_INTERNAL', 'a run does not end as the search for outcomes says', { where: answers.join(' ') });
}
