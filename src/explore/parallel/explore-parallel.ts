import { TextpokeError } from '../../error.ts';
import { conclude, type Exploration, type ExploreOptions, explore, learn } from '../explore.ts';
import { StateGraph } from '../graph.ts';
import { Knowledge } from '../knowledge.ts';
import type { Cost, Counterexample, Counts, Coverage } from '../result.ts';
import { isWanted, type Violation } from '../violation.ts';
import type { World } from '../world.ts';
import { canonicalText, isBefore } from './canonical.ts';
import { contested, learnTogether } from './footprint.ts';
import type { Order, Share } from './share.ts';
import { SharedVisited } from './shared-visited.ts';
import { Halt, SharedWork } from './shared-work.ts';

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

/** What a round of all workers came to. */
interface Round {
  readonly shares: readonly Share[];
  readonly states: number;
  /** Undefined when the graph is complete. */
  readonly stopped: string | undefined;
  readonly symmetric: number;
}

/**
 * Explores all states of the world that `make` builds with several workers. Verdict, states, notes, witnesses and counterexample are the same however many
 * there are: the search does not stop at a violation; the words that are shared are at their fixed point before anything counts; and the counterexample is
 * looked for by one search alone, once it is known that there is one.
 */
export async function exploreInParallel(make: () => World, team: Team, settings: ExploreOptions = {}): Promise<Exploration> {
  const learned = settings.learned ?? learn(make);
  const search = new Rounds(team, settings, learned.clone());
  let symmetry = settings.symmetry !== false;
  let round = await search.settled(symmetry);
  let why: string | undefined;
  if (round.stopped === undefined && round.symmetric !== 0) {
    if (round.shares.some((s) => s.identityAsked)) why = 'a core asked for its own number';
    else if (leastOf(round.shares).length === 0 && graphOf(round.shares).circlesAmong(round.states, round.symmetric))
      why = 'interchangeable cores can go in circles';
  }
  if (why !== undefined) {
    symmetry = false;
    round = await search.settled(symmetry);
  }
  const result = conclusion(make, round, search.knowledge, { ...settings, symmetry });
  if (why === undefined) return { ...result, learned, cost: search.cost };
  return { ...result, notes: [...result.notes, `symmetry off: ${why}`].sort(), learned, cost: search.cost };
}

/** Rounds of all workers, until nobody learns anything new about what is shared. */
class Rounds {
  readonly knowledge: Knowledge;
  readonly #team: Team;
  readonly #settings: ExploreOptions;
  #cells: ReadonlySet<number> = new Set();
  #transitions = 0;
  #runs = 0;

  constructor(team: Team, settings: ExploreOptions, knowledge: Knowledge) {
    this.#team = team;
    this.#settings = settings;
    this.knowledge = knowledge;
  }

  get cost(): Cost {
    return { jobs: this.#team.size, transitions: this.#transitions, runs: this.#runs };
  }

  async settled(symmetry: boolean): Promise<Round> {
    for (let n = 0; ; n++) {
      const [words, cells] = [this.knowledge.size, this.#cells.size];
      const round = await this.#round(symmetry);
      if (this.knowledge.size === words && this.#cells.size === cells) return round;
      const asked = round.shares.some((s) => s.halt !== Halt.no && s.halt !== Halt.learned);
      if (asked) return round;
      if (n === MAX_ROUNDS) return { ...round, stopped: `still learning after ${MAX_ROUNDS} rounds` };
    }
  }

  async #round(symmetry: boolean): Promise<Round> {
    const { budget, onProgress } = this.#settings;
    const order: Order = {
      workers: this.#team.size,
      ...this.knowledge.beyond(new Knowledge()),
      cells: [...this.#cells],
      symmetry,
      visited: SharedVisited.buffer(),
      work: SharedWork.buffer(this.#team.size, budget?.maxSteps),
    };
    const [visited, work] = [new SharedVisited(order.visited), new SharedWork(order.work, order.workers)];
    let reason: string | undefined;
    const shares = await this.#team.work(order, () => {
      const counts: Counts = { states: visited.size, ...work.told };
      onProgress?.(counts, 'all states');
      reason ??= budget?.stop?.(counts);
      return reason;
    });
    for (const share of shares) {
      this.#transitions += share.transitions;
      this.#runs += share.runs;
      this.knowledge.add(share);
      this.#cells = new Set([...this.#cells, ...share.cells]);
    }
    const footprints = shares.flatMap((s) => s.footprint ?? []);
    learnTogether(footprints, this.knowledge);
    this.#cells = new Set([...this.#cells, ...contested(footprints.map((f) => f.partition))]);
    const halt = shares.map((s) => s.halt).find((h) => h !== Halt.no);
    const stopped =
      halt === Halt.asked
        ? (reason ?? 'stopped')
        : halt === Halt.steps
          ? `step budget of ${budget?.maxSteps} spent`
          : halt === Halt.full
            ? 'no room for more states'
            : undefined;
    return { shares, states: visited.size, stopped, symmetric: symmetry ? (shares[0]?.symmetric ?? 0) : 0 };
  }
}

function graphOf(shares: readonly Share[]): StateGraph {
  const graph = new StateGraph();
  for (const { edges } of shares) if (edges !== undefined) graph.absorb(edges);
  return graph;
}

/** The least violation of each check and cause, in the order of their names. */
function leastOf(shares: readonly Share[]): readonly Counterexample[] {
  const least = new Map<string, Counterexample>();
  for (const found of shares.flatMap((s) => s.violations)) {
    const name = `${found.violation.check} ${found.violation.cause ?? ''}`;
    const known = least.get(name);
    if (known === undefined || isBefore(found.violation, known.violation)) least.set(name, found);
  }
  return [...least].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, found]) => found);
}

function conclusion(make: () => World, round: Round, knowledge: Knowledge, settings: ExploreOptions): Exploration {
  const { shares, states, stopped, symmetric } = round;
  const union = (of: (share: Share) => readonly string[]): string[] => [...new Set(shares.flatMap(of))].sort();
  const world = {
    notes: new Set(union((s) => s.notes.map((n) => canonicalText(n, symmetric)))),
    witnessed: new Set(union((s) => s.witnessed)) as World['witnessed'],
    wantedWitnesses: shares[0]?.wantedWitnesses ?? [],
    bounds: () => union((s) => s.bounds),
  };
  const found = leastOf(shares);
  const violations: Violation[] = found.map((f) => f.violation);
  const transitions = shares.reduce((sum, s) => sum + s.transitions, 0);
  const counts: Counts = { states, transitions, depth: shares.reduce((most, s) => Math.max(most, s.depth), 0) };
  const exhaustive: Coverage = { kind: 'exhaustive' };
  const stuck = stopped === undefined && violations.length === 0 && graphOf(shares).fairCycle(states) !== undefined;
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
  const bounds = world.bounds();
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
