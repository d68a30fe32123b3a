import { TextpokeError } from '../../error.ts';
import { Knowledge } from '../knowledge.ts';
import type { Counterexample } from '../result.ts';
import { applyFootprint, type Footprint, footprintOf } from '../table/footprint.ts';
import type { NamedStep } from '../table/named-steps.ts';
import { NewWords } from '../table/owners.ts';
import { answersOf, learnNearby } from '../table/search.ts';
import { TransitionTable } from '../table/table.ts';
import type { World } from '../world.ts';
import { type Seen, ShareSearch } from './share-search.ts';
import { SharedVisited } from './shared-visited.ts';
import { Halt, type Job, SharedWork } from './shared-work.ts';

/** Transitions to go on for after something was learned. */
const LEARN_STEPS = 3000;

/** What all workers of a round are told; a message between threads. */
export interface Order {
  readonly workers: number;
  /** Physical quadwords that are shared, and those that are patched text. */
  readonly visible: readonly number[];
  readonly text: readonly number[];
  /** Quadwords of linear memory that are slots of the table whoever touches them. */
  readonly cells: readonly number[];
  readonly symmetry: boolean;
  /** All that cores are known to do, to decide who goes first; undefined: nobody does. */
  readonly steps?: readonly NamedStep[];
  readonly visited: SharedArrayBuffer;
  readonly work: SharedArrayBuffer;
  /** What those who went before saw. */
  readonly seen?: Footprint;
}

/** What one worker of a round has found; a message between threads. */
export interface Share {
  readonly halt: Halt;
  readonly transitions: number;
  readonly depth: number;
  /** Cases that were run on the machine. */
  readonly runs: number;
  readonly edges: Int32Array;
  /** What was begun and not finished. */
  readonly leftOver: Job | undefined;
  readonly violations: readonly Counterexample[];
  readonly notes: readonly string[];
  readonly witnessed: readonly string[];
  readonly wantedWitnesses: readonly string[];
  readonly bounds: readonly string[];
  readonly identityAsked: boolean;
  /** Cores that were taken for interchangeable, or could have been. */
  readonly symmetric: number;
  readonly footprint: Footprint | undefined;
  /** More than the order said. */
  readonly visible: readonly number[];
  readonly text: readonly number[];
  readonly cells: readonly number[];
  /** What cores did that the order did not know of. */
  readonly steps: readonly NamedStep[];
}

export function knowledgeOf({ visible, text }: Pick<Order, 'visible' | 'text'>): Knowledge {
  const knowledge = new Knowledge();
  knowledge.add({ visible, text });
  return knowledge;
}

/** One worker's share of a round, step by step: whoever runs several in one thread can take turns. */
export class Worker {
  readonly #order: Order;
  readonly #world: World;
  readonly #table: TransitionTable;
  readonly #work: SharedWork;
  readonly #search: ShareSearch;
  #newWords: ReadonlySet<number> | undefined;

  /** `make` builds the world, not begun. */
  constructor(make: () => World, order: Order, worker: number, visited = new SharedVisited(order.visited)) {
    this.#order = order;
    this.#world = make();
    this.#world.begin(knowledgeOf(order));
    this.#table = new TransitionTable(this.#world, new Set(order.cells));
    if (order.seen !== undefined) {
      applyFootprint(this.#world.machine, order.seen);
      this.#table.adopt(order.seen.partition);
    }
    this.#work = new SharedWork(order.work, order.workers);
    this.#search = new ShareSearch(this.#table, visited, this.#work, worker, order.symmetry ? this.#world.symmetric : 0, order.steps);
  }

  advance(transitions: number): 'busy' | 'idle' | 'over' {
    try {
      return this.#search.advance(transitions);
    } catch (error) {
      if (error instanceof NewWords) {
        this.#newWords = error.cells;
        this.#work.stop(Halt.learned);
      } else if (error instanceof TextpokeError && error.code === 'E_BUDGET') this.#work.stop(Halt.full);
      else throw error;
      return 'over';
    }
  }

  /** Waits for work, at most some milliseconds. */
  wait(milliseconds: number): void {
    this.#work.wait(milliseconds);
  }

  /** What was found; the world is gone then. */
  finish(): Share {
    const [world, table, search] = [this.#world, this.#table, this.#search];
    const halt = this.#work.halt;
    const found = [...search.violations.values()];
    const violations = halt === Halt.learned ? [] : found.map((seen) => this.#inAnswers(seen));
    if (table.hasLearned && this.#newWords === undefined) learnNearby(table, LEARN_STEPS);
    const knowledge = knowledgeOf(this.#order);
    knowledge.learn(world.machine, world.sharable);
    const share: Share = {
      halt,
      transitions: search.transitions,
      depth: search.depth,
      runs: table.runs,
      edges: search.graph.edges,
      leftOver: search.leftOver,
      violations,
      notes: [...world.notes],
      witnessed: [...world.witnessed],
      wantedWitnesses: world.wantedWitnesses,
      bounds: world.bounds(),
      identityAsked: world.identityAsked,
      symmetric: world.symmetric,
      footprint: this.#newWords === undefined ? footprintOf(world.machine, table.partition) : undefined,
      ...knowledge.beyond(knowledgeOf(this.#order)),
      cells: [...(this.#newWords ?? [])],
      steps: halt === Halt.learned ? [] : search.newSteps,
    };
    world.release();
    return share;
  }

  #inAnswers({ violation, path }: Seen): Counterexample {
    return { violation, answers: answersOf(this.#table, path) };
  }
}

/** A worker's share, from its beginning to its end. */
export function workOn(make: () => World, order: Order, worker: number): Share {
  const mine = new Worker(make, order, worker);
  for (;;) {
    const state = mine.advance(4096);
    if (state === 'over') return mine.finish();
    if (state === 'idle') mine.wait(100);
  }
}
