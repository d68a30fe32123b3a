import { StateGraph } from '../graph.ts';
import { Futures } from '../table/futures.ts';
import { StateKey } from '../table/key.ts';
import { type NamedStep, StepNames, StepSet } from '../table/named-steps.ts';
import type { Remembered } from '../table/remembered.ts';
import type { TransitionTable } from '../table/table.ts';
import { Trail } from '../table/trail.ts';
import type { Violation } from '../violation.ts';
import { canonicalViolation, isBefore } from './canonical.ts';
import type { SharedVisited } from './shared-visited.ts';
import { Halt, type Job, type SharedWork } from './shared-work.ts';

interface Frame {
  readonly state: number;
  readonly options: readonly Remembered[];
  next: number;
  /** Options from here on are somebody else's. */
  limit: number;
}

/** Transitions between two looks at what others want. */
const LOOK_EVERY = 16;
const RESERVE = 1024;

/** Transitions to go on for, besides as many again, after something new was seen: the more is found at once the fewer searches there are. */
const GO_ON_FOR = 1024;

/** A violation and the way to it, as this worker came there. */
export interface Seen {
  readonly violation: Violation;
  /** Indices into the options of the table. */
  readonly path: readonly number[];
}

/**
 * One worker's part of a search over all states: depth-first like `searchTable`, on a set of states and a heap of work that all workers share. Whoever
 * comes to a state first looks at everything behind it, or gives some of it away.
 */
export class ShareSearch {
  transitions = 0;
  depth = 0;
  /** The least violation of each check and cause. */
  readonly violations = new Map<string, Seen>();
  readonly graph = new StateGraph();
  readonly #table: TransitionTable;
  readonly #visited: SharedVisited;
  readonly #work: SharedWork;
  readonly #worker: number;
  readonly #symmetric: number;
  readonly #trail: Trail;
  /** Indices from the start to the first frame. */
  #prefix: readonly number[] = [];
  readonly #stack: Frame[] = [];
  readonly #rank = (core: number): number => this.#trail.key.rank(core);
  // Undefined where nobody goes first.
  readonly #futures: Futures | undefined;
  readonly #names: StepNames;
  readonly #known: StepSet;
  // What is not in the order, when it was last seen, and how much of what the table has run was looked through.
  readonly #newSteps: NamedStep[] = [];
  #newAt = 0;
  #runs = 0;
  readonly #lookedThrough: number[];
  #hungry = false;
  #left = 0;

  /** `steps`: all that cores are known to do, where what commutes with it may go first. */
  constructor(
    table: TransitionTable,
    visited: SharedVisited,
    work: SharedWork,
    worker: number,
    symmetric: number,
    steps: readonly NamedStep[] | undefined,
  ) {
    this.#table = table;
    this.#visited = visited;
    this.#work = work;
    this.#worker = worker;
    this.#symmetric = symmetric;
    this.#trail = new Trail(table, new StateKey(table, symmetric));
    this.#names = new StepNames(table, symmetric);
    this.#known = new StepSet(steps);
    this.#lookedThrough = table.history.map(() => 0);
    if (steps === undefined) return;
    this.#futures = new Futures(table);
    this.#futures.fix(this.#names.histories(steps));
  }

  /** Goes on for some transitions. `idle`: there is no work now; `over`: there never will be, or all shall stop. */
  advance(transitions: number): 'busy' | 'idle' | 'over' {
    for (let n = 0; n < transitions; n++) {
      if (n % LOOK_EVERY === 0) {
        if (this.#work.halt !== Halt.no) return 'over';
        if (this.#futures !== undefined && this.#isOutdated()) this.#work.stop(Halt.outdated);
        if (this.#stack.length > 0 && this.#work.isWanted) this.#giveAway();
      }
      if (this.#stack.length === 0) {
        if (this.#work.isDone) return 'over';
        const job = this.#work.take(this.#hungry);
        this.#hungry = job === undefined;
        if (job === undefined) return 'idle';
        this.#start(job);
      }
      if (!this.#step()) return 'over';
    }
    this.#work.tell(this.#worker, this.transitions, this.depth);
    return 'busy';
  }

  /** False when the search must stop. */
  #step(): boolean {
    const frame = this.#stack[this.#stack.length - 1];
    if (this.#table.hasLearned) {
      this.#work.stop(Halt.learned);
      return false;
    }
    if (frame === undefined) return true;
    if (frame.next >= frame.limit) {
      this.#stack.pop();
      if (this.#stack.length > 0) this.#trail.back();
      else this.#trail.backToStart();
      return true;
    }
    if (this.#left === 0) {
      this.#left = this.#work.reserve(RESERVE);
      if (this.#left === 0) {
        this.#work.stop(Halt.steps);
        return false;
      }
    }
    this.#left--;
    this.transitions++;
    const transition = frame.options[frame.next++]!;
    if (transition.violations.length > 0) {
      this.#note(transition.violations);
      return true;
    }
    this.#trail.take(transition);
    const number = this.#visited.add(this.#trail.key.compute(), 0);
    this.graph.add(frame.state, number < 0 ? -1 - number : number, transition.core, transition.kind);
    if (number < 0 || !this.#enter(number, transition.core)) this.#trail.back();
    return true;
  }

  /** False where the run ends. */
  #enter(state: number, lastCore: number): boolean {
    const options = this.#trail.options(lastCore);
    if (options.length === 0) {
      this.#note(this.#table.ended());
      return false;
    }
    const [next, limit] = this.#taken(options);
    this.#stack.push({ state, options, next, limit });
    this.depth = Math.max(this.depth, this.#prefix.length + this.#stack.length);
    return true;
  }

  /** Which options are taken from the state at hand: from the first number up to, not including, the second. Those of a core stand together. */
  #taken(options: readonly Remembered[]): readonly [number, number] {
    const all = [0, options.length] as const;
    if (this.#futures === undefined || options.length < 2) return all;
    const core = this.#futures.first(options, this.#symmetric, this.#rank);
    return core < 0 ? all : [options.findIndex((o) => o.core === core), options.findLastIndex((o) => o.core === core) + 1];
  }

  /** What cores did that nobody had known of when it was decided who goes first. */
  get newSteps(): readonly NamedStep[] {
    if (this.#futures !== undefined) this.#lookThrough();
    return this.#newSteps;
  }

  /** Whether enough was seen that it was not decided on, for a search that begins again with it. */
  #isOutdated(): boolean {
    if (this.#runs !== this.#table.runs) this.#lookThrough();
    return this.#newSteps.length > 0 && this.transitions >= 2 * this.#newAt + GO_ON_FOR;
  }

  #lookThrough(): void {
    this.#runs = this.#table.runs;
    for (const [core, history] of this.#table.history.entries()) {
      const fresh = this.#known.add(history.slice(this.#lookedThrough[core]).map((step) => this.#names.name(core, step)));
      this.#lookedThrough[core] = history.length;
      if (fresh.length === 0) continue;
      this.#newSteps.push(...fresh);
      this.#newAt = this.transitions;
    }
  }

  #start(job: Job): void {
    const left = new Map(job.left.map((alternatives) => [alternatives.depth, alternatives]));
    this.#prefix = job.path.slice(0, job.left[0]!.depth);
    let lastCore = 0;
    for (let depth = 0; depth <= job.path.length; depth++) {
      const here = left.get(depth);
      const isNew = here?.state === -1;
      const state = isNew ? this.#visited.add(this.#trail.key.compute(), 0) : (here?.state ?? -1);
      if (isNew && !this.#enter(state, lastCore)) return;
      if (!isNew && depth >= this.#prefix.length) {
        // Of what lies between alternatives nothing is left but the way.
        const next = here?.from ?? job.path[depth]! + 1;
        this.#stack.push({ state, options: this.#trail.options(lastCore), next, limit: here?.to ?? next });
      }
      if (depth === job.path.length) return;
      const transition = this.#trail.options(lastCore)[job.path[depth]!]!;
      this.#trail.take(transition);
      lastCore = transition.core;
    }
  }

  /** What this worker has begun and not finished, when it has stopped. */
  get leftOver(): Job | undefined {
    const last = this.#stack.findLastIndex((f) => f.next < f.limit);
    if (last < 0) return undefined;
    const first = this.#prefix.length;
    const left = this.#stack.flatMap(({ state, next, limit }, n) =>
      next < limit ? [{ depth: first + n, state, from: next, to: limit }] : [],
    );
    return { path: this.#path(this.#stack.slice(0, last)), left };
  }

  #path(frames: readonly Frame[]): number[] {
    return [...this.#prefix, ...frames.map((f) => f.next - 1)];
  }

  /** The shallowest alternatives that nobody has looked at: most likely the most work. */
  #giveAway(): void {
    const at = this.#stack.findIndex((f) => f.next < f.limit);
    if (at < 0) return;
    const frame = this.#stack[at]!;
    const isLast = at === this.#stack.length - 1;
    // Of the last one half is kept.
    const from = isLast ? frame.next + Math.ceil((frame.limit - frame.next) / 2) : frame.next;
    if (from === frame.limit) return;
    const path = this.#path(this.#stack.slice(0, at));
    const left = [{ depth: path.length, state: frame.state, from, to: frame.limit }];
    if (this.#work.give({ path, left })) frame.limit = from;
  }

  #note(violations: readonly Violation[]): void {
    for (const found of violations) {
      const violation = canonicalViolation(found, this.#symmetric);
      const name = `${violation.check} ${violation.cause ?? ''}`;
      const known = this.violations.get(name);
      if (known !== undefined && !isBefore(violation, known.violation)) continue;
      this.violations.set(name, { violation, path: this.#path(this.#stack) });
    }
  }
}
