import { TextpokeError } from '../../error.ts';
import { conclude, type Exploration, type ExploreOptions, explore, learn } from '../explore.ts';
import { StateGraph } from '../graph.ts';
import type { Keeper } from '../keeper.ts';
import { Knowledge } from '../knowledge.ts';
import type { Cost, Counts, Coverage } from '../result.ts';
import { contested, learnTogether } from '../table/footprint.ts';
import { StepSet } from '../table/named-steps.ts';
import { isWanted, type Violation } from '../violation.ts';
import type { World } from '../world.ts';
import { canonicalText } from './canonical.ts';
import { decodeShared, encodeShared, type SharedCheckpoint } from './checkpoint.ts';
import { type Findings, findingsOf } from './findings.ts';
import type { Order, Share } from './share.ts';
import { SharedVisited } from './shared-visited.ts';
import { EVERYTHING, Halt, SharedWork } from './shared-work.ts';

/** Workers that wait for orders. They are threads or not: this layer does not know. */
export interface Team {
  readonly size: number;
  /**
   * Has worker n do `workOn(make, order, n)`, all at the same time, and gives what they found in the order of their numbers. `stop` is asked now and
   * then; when it gives a reason, the team stops `order.work` (`Halt.asked`).
   */
  work(order: Order, stop: () => string | undefined): Promise<readonly Share[]>;
}

const MAX_ROUNDS = 24;
/** Of a search that begins with what others have found out. */
const BEGINNING = { keys: new Int32Array(0), jobs: [EVERYTHING] };

/** What all workers came to. */
interface Round {
  readonly findings: Findings;
  readonly states: number;
  /** Undefined when the graph is complete. */
  readonly stopped: string | undefined;
  /** Cores that were taken for interchangeable. */
  readonly symmetric: number;
  graph?: StateGraph;
}

/**
 * Explores all states of the world that `make` builds with several workers. Verdict, states, notes, witnesses and counterexample are the same however many
 * there are: the search does not stop at a violation; the words that are shared are at their fixed point before anything counts, and so is what cores are
 * known to do, by which it is decided who goes first (`Futures`); and the counterexample is looked for by one search alone, once it is known that there is
 * one. For the same reason it may be interrupted and resumed anywhere.
 *
 * All that cores can do is one set, whoever finds out and on which way: a run that was left out has an equal one that was not, with the same steps. So a
 * search that saw nothing new decided by all of it, and which states that reaches is a matter of the states alone. Sleep sets would not do: a state that
 * somebody came to by another way has other options asleep, and where those sleep for whom it was enough to go first, states behind them are not reached.
 */
export async function exploreInParallel(
  make: () => World,
  team: Team,
  settings: ExploreOptions = {},
  keeper?: Keeper,
): Promise<Exploration> {
  const learned = settings.learned ?? learn(make);
  const resumed = keeper?.resume === undefined ? undefined : decodeShared(keeper.resume, keeper.name);
  const search = new Rounds(team, settings, learned.clone(), keeper, resumed, settings.reduce ?? coresOf(make) > 2);
  let symmetry = resumed?.symmetry ?? settings.symmetry !== false;
  let round = await search.decided(symmetry);
  let why = resumed?.symmetry === false && settings.symmetry !== false ? search.whyPlain : undefined;
  if (round.stopped === undefined && round.symmetric !== 0) {
    if (round.findings.identityAsked) why = 'a core asked for its own number';
    else if (round.findings.violations.length === 0 && graphOf(round).circlesAmong(round.states, round.symmetric))
      why = 'interchangeable cores can go in circles';
    if (why !== undefined) {
      symmetry = false;
      search.whyPlain = why;
      round = await search.decided(symmetry);
    }
  }
  const result = conclusion(make, round, search.knowledge, { ...settings, symmetry });
  const { cost } = search;
  if (why === undefined) return { ...result, learned, cost };
  return { ...result, notes: [...result.notes, `symmetry off: ${why}`].sort(), learned, cost };
}

function coresOf(make: () => World): number {
  const world = make();
  const { length } = world.machine.cores;
  world.release();
  return length;
}

/** Rounds of all workers, until nobody learns anything new about what is shared. */
class Rounds {
  readonly knowledge: Knowledge;
  /** Why symmetry was switched off. */
  whyPlain: string | undefined;
  readonly #team: Team;
  readonly #settings: ExploreOptions;
  readonly #keeper: Keeper | undefined;
  #resumed: SharedCheckpoint | undefined;
  /** All that cores are known to do; undefined where it is not asked who may go first. */
  #steps: StepSet | undefined;
  #cells: ReadonlySet<number>;
  #transitions = 0;
  #runs = 0;

  constructor(
    team: Team,
    settings: ExploreOptions,
    knowledge: Knowledge,
    keeper: Keeper | undefined,
    resumed: SharedCheckpoint | undefined,
    reduce: boolean,
  ) {
    this.#team = team;
    this.#settings = settings;
    this.knowledge = knowledge;
    this.#keeper = keeper;
    this.#resumed = resumed;
    this.#cells = new Set(resumed?.cells);
    if (resumed === undefined ? reduce : resumed.steps !== undefined) this.#steps = new StepSet(resumed?.steps);
    this.whyPlain = resumed?.whyPlain;
    if (resumed !== undefined) knowledge.add(resumed);
  }

  get cost(): Cost {
    return { jobs: this.#team.size, transitions: this.#transitions, runs: this.#runs };
  }

  /** With all runs, where those that were looked at do not tell whether one of them goes on for ever. */
  async decided(symmetry: boolean): Promise<Round> {
    const round = await this.#settled(symmetry);
    if (this.#steps === undefined || round.stopped !== undefined || round.findings.violations.length > 0) return round;
    const graph = graphOf(round);
    if (!graph.hasCircle(round.states) && graph.fairCycle(round.states) === undefined) return round;
    this.#steps = undefined;
    return this.#settled(symmetry);
  }

  async #settled(symmetry: boolean): Promise<Round> {
    for (let n = 0; ; n++) {
      const round = await this.#round(symmetry, n === MAX_ROUNDS);
      if (round !== undefined) return round;
    }
  }

  /** Searches of one round, until one sees nothing that it did not go by. Undefined when something was learned: then all of it is void. */
  async #round(symmetry: boolean, isLast: boolean): Promise<Round | undefined> {
    if (this.#resumed === undefined) this.#steps &&= new StepSet();
    for (;;) {
      const round = await this.#search(symmetry, isLast);
      if (round !== 'outdated') return round;
    }
  }

  /** Slices of one search, from checkpoint to checkpoint. */
  async #search(symmetry: boolean, isLast: boolean): Promise<Round | 'outdated' | undefined> {
    const maxSteps = this.#settings.budget?.maxSteps;
    const buffer = SharedVisited.buffer();
    const visited = new SharedVisited(buffer);
    const from = this.#resumed;
    this.#resumed = undefined;
    if (from !== undefined) visited.restore(from.keys);
    let findings = from?.findings;
    let jobs = from?.jobs ?? [EVERYTHING];
    let steps = 0;
    for (;;) {
      const work = SharedWork.buffer(this.#team.size, maxSteps === undefined ? undefined : Math.max(maxSteps - steps, 0), jobs);
      const { shares, reason } = await this.#slice(symmetry, buffer, work, findings);
      for (const share of shares) {
        steps += share.transitions;
        this.#transitions += share.transitions;
        this.#runs += share.runs;
      }
      const halt = shares.map((s) => s.halt).find((h) => h === Halt.learned || h === Halt.full);
      const isVoid = this.#learn(shares, findings) || halt === Halt.learned;
      if (isVoid && reason === undefined && !isLast) return undefined;
      findings = findingsOf(findings, shares);
      const symmetric = symmetry ? findings.symmetric : 0;
      const round = { findings, states: visited.size, symmetric };
      // What was counted is void.
      if (isVoid) {
        this.#steps &&= new StepSet();
        this.#keep(symmetry, BEGINNING, reason);
        return { ...round, findings: { ...findings, violations: [] }, stopped: reason ?? `still learning after ${MAX_ROUNDS} rounds` };
      }
      const isOutdated = (this.#steps?.add(shares.flatMap((s) => s.steps)) ?? []).length > 0;
      const spent = shares.some((s) => s.halt === Halt.steps) ? `step budget of ${maxSteps} spent` : undefined;
      const stopped = reason ?? spent;
      if (isOutdated) {
        if (stopped === undefined) return 'outdated';
        this.#keep(symmetry, BEGINNING, stopped);
        return { ...round, stopped };
      }
      if (halt === Halt.full) return { ...round, stopped: 'no room for more states' };
      jobs = [...new SharedWork(work, this.#team.size).drain(), ...shares.flatMap((s) => s.leftOver ?? [])];
      if (jobs.length === 0) return { ...round, stopped: undefined };
      this.#keep(symmetry, { keys: visited.keys, jobs, findings }, stopped);
      if (stopped !== undefined) return { ...round, stopped };
    }
  }

  /** All workers, until they are done, or stopped for a checkpoint or for `reason`. */
  async #slice(
    symmetry: boolean,
    visited: SharedArrayBuffer,
    work: SharedArrayBuffer,
    findings: Findings | undefined,
  ): Promise<{ readonly shares: readonly Share[]; readonly reason: string | undefined }> {
    const { budget, onProgress } = this.#settings;
    const order: Order = {
      workers: this.#team.size,
      ...this.knowledge.beyond(new Knowledge()),
      cells: [...this.#cells],
      symmetry,
      ...(this.#steps === undefined ? {} : { steps: this.#steps.steps }),
      visited,
      work,
      ...(findings === undefined ? {} : { seen: findings.seen }),
    };
    const [states, told] = [new SharedVisited(visited), new SharedWork(work, order.workers)];
    let reason: string | undefined;
    const shares = await this.#team.work(order, () => {
      const done = told.told;
      // Each transition is an edge.
      const bytes = states.bytes + (findings?.edges.byteLength ?? 0) + 16 * done.transitions;
      const counts: Counts = { states: states.size, ...done, bytes };
      onProgress?.(counts, 'all states');
      reason ??= budget?.stop?.(counts);
      return reason ?? (this.#keeper?.isDue() === true ? 'checkpoint' : undefined);
    });
    return { shares, reason };
  }

  /** Takes over what workers learned, each for itself and together. Whether that is anything new. */
  #learn(shares: readonly Share[], findings: Findings | undefined): boolean {
    const [words, cells] = [this.knowledge.size, this.#cells.size];
    for (const share of shares) {
      this.knowledge.add(share);
      this.#cells = new Set([...this.#cells, ...share.cells]);
    }
    const footprints = [...(findings === undefined ? [] : [findings.seen]), ...shares.flatMap((s) => s.footprint ?? [])];
    learnTogether(footprints, this.knowledge);
    this.#cells = new Set([...this.#cells, ...contested(footprints.map((f) => f.partition))]);
    return this.knowledge.size !== words || this.#cells.size !== cells;
  }

  #keep(symmetry: boolean, at: Pick<SharedCheckpoint, 'keys' | 'jobs' | 'findings'>, stopped: string | undefined): void {
    const keeper = this.#keeper;
    if (keeper === undefined) return;
    const { name } = keeper;
    const { visible, text } = this.knowledge.beyond(new Knowledge());
    const whyPlain = this.whyPlain === undefined ? {} : { whyPlain: this.whyPlain };
    const steps = this.#steps === undefined ? {} : { steps: this.#steps.steps };
    const checkpoint = { name, visible, text, cells: [...this.#cells], symmetry, ...whyPlain, ...steps, ...at };
    keeper.keep(encodeShared(checkpoint), stopped);
  }
}

/** Its graph, made once: several questions are asked of it. */
function graphOf(round: Round): StateGraph {
  if (round.graph === undefined) {
    round.graph = new StateGraph();
    round.graph.absorb(round.findings.edges);
  }
  return round.graph;
}

function conclusion(make: () => World, round: Round, knowledge: Knowledge, settings: ExploreOptions): Exploration {
  const { findings, states, stopped, symmetric } = round;
  const { depth, transitions, bounds, violations: found } = findings;
  const world = {
    notes: new Set(findings.notes.map((n) => canonicalText(n, symmetric)).sort()),
    witnessed: new Set(findings.witnessed) as World['witnessed'],
    wantedWitnesses: findings.wantedWitnesses,
    bounds: () => bounds,
  };
  const violations: Violation[] = found.map((f) => f.violation);
  const counts: Counts = { states, transitions, depth };
  const exhaustive: Coverage = { kind: 'exhaustive' };
  const stuck = stopped === undefined && violations.length === 0 && graphOf(round).fairCycle(states) !== undefined;
  if (violations.length === 0 && !stuck)
    return { ...conclude(world, counts, exhaustive, undefined, stopped, []), knowledge, learned: knowledge };

  const { prefer } = settings;
  const wanted = prefer !== undefined && violations.some((v) => isWanted(v, prefer));
  const one = stopped === undefined ? counterexampleOf(make, knowledge, { ...settings, ...(wanted ? { prefer } : {}) }, wanted) : undefined;
  const counterexample = one?.counterexample ?? found.find((f) => wanted && isWanted(f.violation, prefer)) ?? found[0];
  if (counterexample === undefined && one?.stopped === undefined)
    throw new TextpokeError('E_INTERNAL', 'one worker alone does not find the livelock that several have found', { where: 'exploration' });
  const result = conclude(world, counts, exhaustive, counterexample, stopped ?? one?.stopped, violations);
  if (counterexample === undefined) return { ...result, knowledge, learned: knowledge };
  const coverage: Coverage =
    stopped !== undefined ? { kind: 'first-violation' } : bounds.length > 0 ? { kind: 'bounded', bounds } : exhaustive;
  return { ...result, coverage, knowledge: one?.knowledge ?? knowledge, learned: knowledge };
}

/** By one search alone, so that it is the same for any team; it has what is known already and only the user's patience as its budget. */
function counterexampleOf(
  make: () => World,
  knowledge: Knowledge,
  { prefer, budget, ...settings }: ExploreOptions,
  wanted: boolean,
): Exploration {
  return explore(make, {
    ...settings,
    learned: knowledge,
    ...(wanted && prefer !== undefined ? { prefer } : {}),
    ...(budget?.stop === undefined ? {} : { budget: { stop: budget.stop } }),
  });
}
