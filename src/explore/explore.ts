import { type DporOutcome, searchDpor } from './dpor/search.ts';
import type { Keeper } from './keeper.ts';
import { Knowledge } from './knowledge.ts';
import { searchLadder } from './ladder.ts';
import type { Budget, Counterexample, Counts, Coverage, SearchResult, Verdict } from './result.ts';
import { sampleSchedules } from './sample/sample.ts';
import type { StrategyName } from './sample/strategy.ts';
import { shorten } from './shorten.ts';
import { livelock, type StatefulOutcome, searchStates } from './stateful.ts';
import { type AloneCheckpoint, decodeAlone, encodeAlone } from './table/checkpoint.ts';
import { applyFootprint, footprintOf } from './table/footprint.ts';
import { NewWords } from './table/owners.ts';
import type { Keeping, SearchPause } from './table/pause.ts';
import { answersOf, learnNearby, searchReduced, searchTable, type TableOptions } from './table/search.ts';
import { TransitionTable } from './table/table.ts';
import { disagreements, sentenceOf } from './twin.ts';
import { vectorKey } from './vector.ts';
import type { Violation, WantedViolation } from './violation.ts';
import type { World } from './world.ts';

export type SearchName = 'stateful' | 'ladder' | 'pct' | 'dpor' | 'twin';

export interface ExploreOptions {
  readonly search?: SearchName;
  readonly symmetry?: boolean;
  /** Leave out runs that are equal to others but for the order of what commutes. Default: where there are more than two cores, and something to gain. */
  readonly reduce?: boolean;
  readonly budget?: Budget;
  /** For `ladder`: the most preemptions. */
  readonly preemptions?: number;
  /** For `pct`: how many schedules, default 1000, and from which seed, default 1. */
  readonly schedules?: number;
  readonly seed?: number;
  /** For `pct`: how schedules are drawn; the portfolio unless a depth, that of pure PCT, is given. */
  readonly strategy?: StrategyName;
  readonly depth?: number;
  /** For `pct`: go on behind a violation, to see how often there is one. */
  readonly all?: boolean;
  /** Which violation to look for first, where a scenario has several; any one counts when it does not occur. */
  readonly prefer?: WantedViolation;
  /** Shorten the counterexample. Default true. */
  readonly shrink?: boolean;
  /** What was learned about the scenario before; learned again when absent. */
  readonly learned?: Knowledge;
  readonly onProgress?: (counts: Counts, phase: string) => void;
  /** For `stateful`: who keeps checkpoints, and has the one to begin with. */
  readonly keeper?: Keeper | undefined;
}

export interface Exploration extends SearchResult {
  /** What a world must know (`World.begin`) to replay the counterexample. */
  readonly knowledge: Knowledge;
  /** What `learn` alone knew: the difference goes into a token. */
  readonly learned: Knowledge;
}

const LEARN_STEPS = 3000;
const MAX_ROUNDS = 24;

/**
 * Finds out which memory the actors share and which text is written, by short searches until nothing new turns up. Deterministic: the same
 * scenario always learns the same.
 */
export function learn(make: () => World): Knowledge {
  const knowledge = new Knowledge();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const world = make();
    world.begin(knowledge);
    const before = knowledge.size;
    searchStates(world, { budget: { maxSteps: LEARN_STEPS }, wholeGraph: true, learnFor: LEARN_STEPS });
    knowledge.learn(world.machine, world.sharable);
    world.release();
    if (knowledge.size === before) break;
  }
  return knowledge;
}

/** Explores the world that `make` builds (a new one each time, all alike; they are released) and says what is known of it afterwards. */
export function explore(make: () => World, settings: ExploreOptions = {}): Exploration {
  const learned = settings.learned ?? learn(make);
  const knowledge = learned.clone();
  const { keeper } = settings;
  let from = keeper?.resume === undefined ? undefined : decodeAlone(keeper.resume, keeper.name);
  if (from !== undefined) knowledge.add(from);
  for (let round = from?.round ?? 0; ; round++) {
    const ground = new Ground(make, knowledge, round);
    const before = knowledge.size;
    const result = once(ground, settings, from);
    from = undefined;
    knowledge.learn(ground.world.machine, ground.world.sharable);
    ground.world.release();
    if (knowledge.size === before) return { ...result, knowledge: ground.replays, learned };
    if (round === MAX_ROUNDS) return { ...stillLearning(result), knowledge, learned };
  }
}

/**
 * What is shared kept growing: what the last search counted is void, and what it found too, since a store that it took for private did not wait behind
 * those in the store buffer.
 */
function stillLearning(result: SearchResult): SearchResult {
  const stopped = `still learning after ${MAX_ROUNDS} rounds`;
  return { ...result, verdict: 'inconclusive', coverage: { kind: 'incomplete' }, counterexample: undefined, stopped };
}

/** A world that has begun with what is known, and how to get another one. */
class Ground {
  readonly make: () => World;
  readonly knowledge: Knowledge;
  readonly round: number;
  world: World;
  /** What a world must know to replay what was found: more than `knowledge` where the search for a shorter run learned something. */
  replays: Knowledge;

  constructor(make: () => World, knowledge: Knowledge, round: number) {
    this.make = make;
    this.knowledge = knowledge;
    this.round = round;
    this.replays = knowledge;
    this.world = this.#another();
  }

  #another(): World {
    const world = this.make();
    world.begin(this.knowledge);
    return world;
  }

  renew(): void {
    this.world.release();
    this.world = this.#another();
  }
}

function once(ground: Ground, settings: ExploreOptions, from: AloneCheckpoint | undefined): SearchResult {
  switch (settings.search ?? 'stateful') {
    case 'ladder':
      return byLadder(ground.world, settings);
    case 'pct':
      return byPct(ground, settings);
    case 'stateful':
      return byStates(ground, settings, from);
    case 'dpor':
      return byOrders(ground, settings);
    case 'twin':
      return byTwins(ground, settings);
  }
}

/** Searches by a table of transitions, made again where a word turns out to be nobody's own. */
function searchByTable(ground: Ground, from?: AloneCheckpoint): <T>(search: (table: TransitionTable) => T) => T {
  let table = new TransitionTable(ground.world, new Set(from?.cells));
  if (from !== undefined) {
    applyFootprint(ground.world.machine, from.footprint);
    table.adopt(from.footprint.partition);
    table.recall(from.memory);
    ground.world.recall(from.recollection);
  }
  return (search) => {
    for (;;) {
      try {
        return search(table);
      } catch (error) {
        if (!(error instanceof NewWords)) throw error;
        ground.renew();
        table = new TransitionTable(ground.world, error.cells);
      }
    }
  };
}

function budgetOf(settings: ExploreOptions, phase: string): Budget {
  return {
    ...(settings.budget?.maxSteps === undefined ? {} : { maxSteps: settings.budget.maxSteps }),
    stop: (counts) => {
      settings.onProgress?.(counts, phase);
      return settings.budget?.stop?.(counts);
    },
  };
}

const searchStatesOf = (table: TransitionTable, reduce: boolean, options: TableOptions): StatefulOutcome =>
  reduce ? searchReduced(table, options) : searchTable(table, options);

function byStates(ground: Ground, settings: ExploreOptions, resumed: AloneCheckpoint | undefined): SearchResult {
  const byTable = searchByTable(ground, resumed);
  let symmetry = resumed?.symmetry ?? settings.symmetry !== false;
  let reduce = resumed?.reduce ?? settings.reduce ?? ground.world.machine.cores.length > 2;
  let whyPlain = resumed?.whyPlain;
  let from: SearchPause | undefined = resumed?.pause;
  const search = () =>
    byTable((table) => {
      const start = from;
      from = undefined;
      const { prefer, keeper } = settings;
      return searchStatesOf(table, reduce, {
        budget: budgetOf(settings, 'all states'),
        learnFor: LEARN_STEPS,
        symmetry,
        ...(prefer === undefined ? {} : { prefer }),
        from: start,
        keeping: keeper && keepingOf(keeper, ground, table, { symmetry, reduce, ...(whyPlain === undefined ? {} : { whyPlain }) }),
      });
    });
  let outcome = search();
  if (outcome.undecided === 'reduced') {
    reduce = false;
    outcome = search();
  }
  const why =
    ground.world.identityAsked && ground.world.symmetric !== 0
      ? 'a core asked for its own number'
      : outcome.undecided === 'symmetric'
        ? 'interchangeable cores can go in circles'
        : undefined;
  if (why !== undefined && symmetry) {
    symmetry = false;
    whyPlain = why;
    outcome = search();
    if (outcome.undecided === 'reduced') {
      reduce = false;
      outcome = search();
    }
  }
  if (whyPlain !== undefined) ground.world.notes.add(`symmetry off: ${whyPlain}`);
  let { counterexample } = outcome;
  if (counterexample !== undefined && !outcome.learned && settings.shrink !== false)
    counterexample = shorter(ground, counterexample, settings);
  return conclude(ground.world, outcome.counts, { kind: 'exhaustive' }, counterexample, outcome.stopped, outcome.violations);
}

/** Makes checkpoints of the places where a search pauses. */
function keepingOf(
  keeper: Keeper,
  ground: Ground,
  table: TransitionTable,
  stage: Pick<AloneCheckpoint, 'symmetry' | 'reduce' | 'whyPlain'>,
): Keeping {
  return {
    isDue: () => keeper.isDue(),
    keep(pause, stopped) {
      const { world, round } = ground;
      const known = ground.knowledge.beyond(new Knowledge());
      const footprint = footprintOf(world.machine, table.partition);
      const { memory } = table;
      const recollection = world.recollection;
      const checkpoint = { name: keeper.name, ...stage, round, ...known, cells: [...table.forced], pause, memory, footprint, recollection };
      keeper.keep(encodeAlone(checkpoint), stopped);
    },
  };
}

/** What a search of single runs cannot tell. */
const NO_LIVELOCKS = 'livelocks not looked for';

/** One execution for each order of dependent events, by a search that remembers no states. */
function byOrders(ground: Ground, settings: ExploreOptions): SearchResult {
  const outcome = searchByTable(ground)((table) => searchOrders(table, settings, false));
  const { counts, executions, stopped } = outcome;
  const counterexample =
    outcome.counterexample !== undefined && settings.shrink !== false
      ? shorter(ground, outcome.counterexample, settings)
      : outcome.counterexample;
  const violations = outcome.violations.map((v) => v.violation);
  const result = conclude(ground.world, counts, coverageOf(outcome), counterexample, stopped, violations);
  return { ...result, executions };
}

/** Executions that come back to where they have been are cut off there: whether one of them is a livelock only the states tell. */
function coverageOf({ executions, bounds }: DporOutcome): Coverage {
  const all = executions.circles > 0 ? [...bounds, NO_LIVELOCKS] : bounds;
  return all.length > 0 ? { kind: 'bounded', bounds: all } : { kind: 'exhaustive' };
}

function searchOrders(table: TransitionTable, settings: ExploreOptions, wholeGraph: boolean): DporOutcome {
  const found = searchDpor(table, {
    budget: budgetOf(settings, 'all orders'),
    isVoid: () => table.hasLearned,
    wholeGraph,
    ...(settings.prefer === undefined ? {} : { prefer: settings.prefer }),
  });
  if (table.hasLearned) {
    learnNearby(table, LEARN_STEPS);
    return { ...found, counterexample: undefined };
  }
  const one = found.livelock;
  const stuck = one === undefined ? [] : [{ violation: livelock(table.world, one.cores), answers: one.answers }];
  const counterexample = found.counterexample ?? stuck[0];
  return {
    ...found,
    violations: [...found.violations, ...stuck],
    counterexample: counterexample && { ...counterexample, answers: answersOf(table, counterexample.answers) },
  };
}

/** All states and all orders: what only one of the two finds is a defect of this program. */
function byTwins(ground: Ground, settings: ExploreOptions): SearchResult {
  return searchByTable(ground)((table) => {
    const ends = new Map<string, readonly number[]>();
    const search = (reduce: boolean): StatefulOutcome => {
      ends.clear();
      return searchStatesOf(table, reduce, {
        budget: budgetOf(settings, 'all states'),
        learnFor: LEARN_STEPS,
        symmetry: false,
        wholeGraph: true,
        onEnd: (state, path) => ends.set(vectorKey(state), path()),
        ...(settings.prefer === undefined ? {} : { prefer: settings.prefer }),
      });
    };
    let states = search(settings.reduce ?? ground.world.machine.cores.length > 2);
    if (states.undecided === 'reduced') states = search(false);
    const { counts, violations } = states;
    const concluded = (stopped: string | undefined, counterexample: Counterexample | undefined): SearchResult =>
      conclude(ground.world, counts, { kind: 'exhaustive' }, counterexample, stopped, violations);
    if (states.learned || states.stopped !== undefined) return concluded(states.stopped, states.counterexample);
    table.state.fill(0, 0, table.slots);
    const orders = searchOrders(table, settings, true);
    if (table.hasLearned) return concluded(orders.stopped, undefined);
    const found = disagreements(
      { violations: violations.map((violation) => ({ violation, answers: undefined })), ends, complete: true },
      { ...orders, complete: orders.stopped === undefined && orders.bounds.length === 0 },
    );
    if (found.length > 0) {
      const result = concluded(`the searches disagree: ${sentenceOf(found[0]!, undefined)}`, undefined);
      const answered = found.map((d) => ({ ...d, answers: d.answers && answersOf(table, d.answers) }));
      return { ...result, executions: orders.executions, disagreements: answered };
    }
    const one = states.counterexample;
    const short = one !== undefined && settings.shrink !== false ? shorter(ground, one, settings) : one;
    const result = concluded(orders.stopped && `search over orders: ${orders.stopped}`, short);
    // Everything was looked at, also behind the first violation.
    const coverage = orders.stopped === undefined ? whole(ground.world) : result.coverage;
    return { ...result, coverage, executions: orders.executions };
  });
}

function whole(world: World): Coverage {
  const bounds = world.bounds();
  return bounds.length > 0 ? { kind: 'bounded', bounds } : { kind: 'exhaustive' };
}

function byLadder(world: World, settings: ExploreOptions): SearchResult {
  const bound = settings.preemptions ?? 2;
  const outcome = searchLadder(world, { maxPreemptions: bound, budget: budgetOf(settings, 'preemptions') });
  // A ladder sees runs, not the graph: one that goes on for ever is only cut off where it comes back to a state.
  const within = outcome.exhausted ? NO_LIVELOCKS : `preemptions <= ${outcome.completed}`;
  const coverage: Coverage = outcome.completed < 0 ? { kind: 'incomplete' } : { kind: 'bounded', bounds: [within] };
  return conclude(world, outcome.counts, coverage, outcome.counterexample, outcome.stopped, []);
}

function byPct(ground: Ground, settings: ExploreOptions): SearchResult {
  const { world } = ground;
  const { strategy, depth, all } = settings;
  const outcome = sampleSchedules(world, {
    strategy: strategy ?? (depth === undefined ? 'portfolio' : 'pct'),
    ...(depth === undefined ? {} : { depth }),
    seed: settings.seed ?? 1,
    schedules: settings.schedules ?? 1000,
    ...(all === undefined ? {} : { all }),
    budget: budgetOf(settings, 'schedules'),
  });
  const { counts, counterexample, sample, stopped } = outcome;
  const short = counterexample !== undefined && settings.shrink !== false ? shorter(ground, counterexample, settings) : counterexample;
  const coverage: Coverage = { kind: 'sampled', schedules: sample.schedules };
  const result = conclude(world, counts, coverage, short, stopped, []);
  return { ...result, ...(all === true ? { coverage } : {}), sample };
}

/** The counterexample made shorter, in worlds of its own. */
function shorter(ground: Ground, found: Counterexample, settings: ExploreOptions): Counterexample {
  const { counterexample, knowledge } = shorten(found, {
    make: ground.make,
    knowledge: ground.knowledge,
    prefer: settings.prefer,
    stop: settings.budget?.stop,
    // What is sampled may be too large for a search by preemptions.
    ladder: settings.search !== 'pct',
  });
  ground.replays = knowledge;
  return counterexample;
}

/** What a search says about the runs that it looked at, in words of the result. */
export function conclude(
  world: Pick<World, 'bounds' | 'notes' | 'wantedWitnesses' | 'witnessed'>,
  counts: Counts,
  coverage: Coverage,
  counterexample: Counterexample | undefined,
  stopped: string | undefined,
  violations: readonly Violation[],
): SearchResult {
  const bounds = world.bounds();
  const reached = reachedCoverage(coverage, bounds, counterexample !== undefined, stopped !== undefined);
  const missing = world.wantedWitnesses.filter((w) => !world.witnessed.has(w));
  const notes = [
    ...world.notes,
    ...violations.filter((v) => v.check !== counterexample?.violation.check).map((v) => `also: ${v.check}: ${v.message}`),
  ];
  const verdict = verdictOf(counterexample, stopped, missing, coverage);
  return { verdict, coverage: reached, counts, counterexample, missingWitnesses: missing, notes, stopped };
}

function reachedCoverage(asked: Coverage, bounds: readonly string[], found: boolean, stopped: boolean): Coverage {
  if (found) return { kind: 'first-violation' };
  if (asked.kind === 'exhaustive' && stopped) return { kind: 'incomplete' };
  if (asked.kind === 'bounded') return { kind: 'bounded', bounds: [...asked.bounds, ...bounds] };
  return asked.kind === 'exhaustive' && bounds.length > 0 ? { kind: 'bounded', bounds } : asked;
}

function verdictOf(
  counterexample: Counterexample | undefined,
  stopped: string | undefined,
  missing: readonly string[],
  coverage: Coverage,
): Verdict {
  if (counterexample !== undefined) return 'violation';
  if (stopped !== undefined) return 'inconclusive';
  if (coverage.kind !== 'sampled' && missing.length > 0) return 'vacuous';
  return 'ok';
}
