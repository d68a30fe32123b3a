import { AT_START, longer, type Move, NO_LENGTH, priceOf, type RunLength, type Standing, standingAfter } from './price.ts';
import { PriceQueue } from './price-queue.ts';
import { ASK_EVERY, type Budget, type Counts } from './result.ts';
import { HASH_WORDS } from './table/content-hash.ts';
import { StateKey } from './table/key.ts';
import type { Remembered } from './table/remembered.ts';
import type { StateVector } from './table/system.ts';
import type { TransitionTable } from './table/table.ts';
import type { Violation } from './violation.ts';
import { VisitedSet } from './visited.ts';

/** What a search for shortest runs looks for, by names: a run ends in at most one of them. */
export interface Goals {
  /** The name of a violation, of an event or of an end of a run; undefined for one that nobody asks for. */
  ofViolation(violation: Violation): string | undefined;
  /** The name of an end that violates nothing; the machine is there. */
  ofEnd?(): string | undefined;
  /** Stop when the shortest run to any goal is known. Else all of the graph is looked at. */
  readonly first: boolean;
}

/** The shortest run to a goal. */
export interface ShortestRun {
  readonly name: string;
  /** What the run ends in; undefined for an end that violates nothing. */
  readonly violation: Violation | undefined;
  /** Indices into the table's options, from the start. */
  readonly path: readonly number[];
  readonly length: RunLength;
}

/** Where runs end, for whoever counts them: at a state, or on the next step from it. */
export interface GoalEnd {
  readonly state: number;
  readonly name: string | undefined;
  readonly violates: boolean;
}

export interface ShortestOutcome {
  /** By name, in the order of their prices. */
  readonly runs: ReadonlyMap<string, ShortestRun>;
  readonly counts: Counts;
  readonly stopped: string | undefined;
  /** Each end of each state; complete where the graph was looked at as a whole. */
  readonly ends: readonly GoalEnd[];
  /** Tells the edges between states, by numbers from 0, the start; one that violates something leads nowhere (-1). */
  edges(tell: (from: number, to: number, by: Remembered) => void): void;
}

/** A way to reach a goal: from a node by an answer, -1 where the run ends by itself. */
interface Arrival {
  readonly node: number;
  readonly answer: number;
  readonly violation: Violation | undefined;
}

interface Found {
  price: number;
  readonly arrivals: Arrival[];
}

const NONE = -1;

/**
 * Uniform-cost search (E. W. Dijkstra, "A Note on Two Problems in Connexion with Graphs", 1959) over the states of a table, without any reduction: the
 * cheapest run to each goal by `priceOf`, and of several the one whose answers come first. Exact.
 */
export function shortestRuns(table: TransitionTable, goals: Goals, budget: Budget = {}): ShortestOutcome {
  return new Search(table, goals, budget).run();
}

class Search {
  readonly #table: TransitionTable;
  readonly #goals: Goals;
  readonly #budget: Budget;
  readonly #key: StateKey;
  readonly #visited = new VisitedSet();
  /** Of each state: its vector, the sum of its key, what can happen, and where that leads (`NONE`: a violation). */
  readonly #vectors: StateVector[] = [];
  #sums = new Int32Array(HASH_WORDS << 10);
  readonly #next: (readonly Remembered[] | undefined)[] = [];
  readonly #to: Int32Array[] = [];
  readonly #ends: GoalEnd[] = [];
  /** A node is a state with where a run to it stands, `stride` of them a state. */
  readonly #stride: number;
  #price = new Float64Array(1 << 12).fill(Number.POSITIVE_INFINITY);
  /** First of the node's cheapest ways in, a list in `#ways`: from which node, by which answer, the rest. */
  #way = new Int32Array(1 << 12).fill(NONE);
  #ways = new Int32Array(3 << 12);
  #wayCount = 0;
  #done = new Uint8Array(1 << 12);
  readonly #queue = new PriceQueue();
  readonly #found = new Map<string, Found>();
  readonly #counts: Counts = { states: 1, transitions: 0, depth: 0 };

  constructor(table: TransitionTable, goals: Goals, budget: Budget) {
    this.#table = table;
    this.#goals = goals;
    this.#budget = budget;
    this.#key = new StateKey(table, 0);
    this.#stride = 2 * (table.cores + 1);
  }

  run(): ShortestOutcome {
    const start = this.#table.start();
    this.#visited.add(this.#key.compute(), 0);
    this.#addState(start);
    this.#reach(this.#nodeOf(0, AT_START), 0, NONE, NONE);
    let stopped: string | undefined;
    for (;;) {
      const node = this.#queue.take();
      if (node === undefined) break;
      if (this.#done[node] === 1) continue;
      if (this.#goals.first && this.#cheapest() < this.#price[node]!) break;
      this.#done[node] = 1;
      stopped = this.#expand(node);
      if (stopped !== undefined || this.#table.hasLearned) break;
    }
    const runs = new Map<string, ShortestRun>();
    const sorted = [...this.#found].sort(([a, x], [b, y]) => x.price - y.price || (a < b ? -1 : 1));
    if (!this.#table.hasLearned) for (const [name, found] of sorted) runs.set(name, this.#runTo(name, found));
    return { runs, counts: this.#counts, stopped, ends: this.#ends, edges: (tell) => this.#edges(tell) };
  }

  #edges(tell: (from: number, to: number, by: Remembered) => void): void {
    this.#next.forEach((next, state) => {
      next?.forEach((by, n) => {
        tell(state, this.#to[state]![n]!, by);
      });
    });
  }

  #cheapest(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { price } of this.#found.values()) least = Math.min(least, price);
    return least;
  }

  // ---- states ----

  #addState(vector: StateVector): number {
    const state = this.#vectors.length;
    this.#vectors.push(vector);
    this.#next.push(undefined);
    if ((state + 1) * HASH_WORDS > this.#sums.length) this.#sums = grown(this.#sums, 0);
    this.#sums.set(this.#key.sum, state * HASH_WORDS);
    const nodes = (state + 1) * this.#stride;
    if (nodes > this.#price.length) {
      this.#price = grown(this.#price, Number.POSITIVE_INFINITY);
      this.#way = grown(this.#way, NONE);
      this.#done = grown(this.#done, 0);
    }
    return state;
  }

  /** What can happen in a state, looked up when it is first wanted; undefined when something was learned on the way. */
  #nextOf(state: number): readonly Remembered[] | undefined {
    const known = this.#next[state];
    if (known !== undefined) return known;
    const table = this.#table;
    const vector = this.#vectors[state]!;
    const next = table.next(vector) as readonly Remembered[];
    if (table.hasLearned) return undefined;
    const to = new Int32Array(next.length).fill(NONE);
    for (const [n, transition] of next.entries()) {
      if (transition.violations.length > 0) this.#ends.push({ state, name: this.#nameOf(transition.violations)?.name, violates: true });
      else to[n] = this.#stateBehind(state, vector, transition);
    }
    if (next.length === 0) this.#endAt(state);
    this.#next[state] = next;
    this.#to[state] = to;
    this.#counts.states = this.#visited.size;
    return next;
  }

  #stateBehind(state: number, vector: StateVector, transition: Remembered): number {
    const key = this.#key;
    key.sum.set(this.#sums.subarray(state * HASH_WORDS, (state + 1) * HASH_WORDS));
    const { slots, values } = transition;
    for (let n = 0; n < slots.length; n++) key.move(slots[n]!, vector[slots[n]!] ?? 0, values[n]!);
    const number = this.#visited.add(key.compute(), 0);
    if (number < 0) return -1 - number;
    return this.#addState(this.#table.after(vector, transition));
  }

  /** Names and prices of ends by themselves are told once a state, arrivals once a node. */
  readonly #endOf = new Map<number, { readonly name: string; readonly violation: Violation | undefined } | undefined>();

  #endAt(state: number): void {
    const violations = this.#table.end(this.#vectors[state]!);
    const name = violations.length > 0 ? undefined : this.#goals.ofEnd?.();
    const end = violations.length > 0 ? this.#nameOf(violations) : name === undefined ? undefined : { name, violation: undefined };
    this.#endOf.set(state, end);
    this.#ends.push({ state, name: end?.name, violates: violations.length > 0 });
  }

  #nameOf(violations: readonly Violation[]): { readonly name: string; readonly violation: Violation } | undefined {
    for (const violation of violations) {
      const name = this.#goals.ofViolation(violation);
      if (name !== undefined) return { name, violation };
    }
    return undefined;
  }

  // ---- nodes ----

  #nodeOf(state: number, { core, rides }: Standing): number {
    return state * this.#stride + 2 * (core + 1) + (rides ? 1 : 0);
  }

  #standingOf(node: number): Standing {
    const rest = node % this.#stride;
    return { core: (rest >> 1) - 1, rides: (rest & 1) === 1 };
  }

  #reach(node: number, price: number, from: number, answer: number): void {
    if (price > this.#price[node]!) return;
    if (price < this.#price[node]!) {
      this.#price[node] = price;
      this.#way[node] = NONE;
      this.#queue.add(price, node);
    }
    if (from === NONE) return;
    if ((this.#wayCount + 1) * 3 > this.#ways.length) this.#ways = grown(this.#ways, 0);
    this.#ways.set([from, answer, this.#way[node]!], this.#wayCount * 3);
    this.#way[node] = this.#wayCount++;
  }

  /** Why the search has to stop, if it has. */
  #expand(node: number): string | undefined {
    const state = Math.floor(node / this.#stride);
    const next = this.#nextOf(state);
    if (next === undefined) return undefined;
    const at = this.#standingOf(node);
    const price = this.#price[node]!;
    const to = this.#to[state]!;
    const { maxSteps, stop } = this.#budget;
    if (next.length === 0) {
      const end = this.#endOf.get(state);
      if (end !== undefined) this.#arrive(end.name, price, { node, answer: NONE, violation: end.violation });
      return undefined;
    }
    let stopped: string | undefined;
    inOrderOfAnswers(next, Math.max(0, at.core), (n, answer) => {
      if (stopped !== undefined) return;
      const transition = next[n]!;
      this.#counts.transitions++;
      if (this.#counts.transitions === maxSteps) stopped = `step budget of ${maxSteps} spent`;
      if (this.#counts.transitions % ASK_EVERY === 0) stopped ??= stop?.(this.#counts);
      const behind = price + priceOf(transition, at);
      if (to[n] === NONE) {
        const goal = this.#nameOf(transition.violations);
        if (goal !== undefined) this.#arrive(goal.name, behind, { node, answer, violation: goal.violation });
        return;
      }
      this.#reach(this.#nodeOf(to[n]!, standingAfter(transition, at, this.#isEmpty(next, transition.core))), behind, node, answer);
    });
    return stopped;
  }

  /** Whether nothing is in the store buffer of a core: else it could drain. */
  #isEmpty(next: readonly Remembered[], core: number): boolean {
    return !next.some((t) => t.core === core && t.kind === 'drain');
  }

  #arrive(name: string, price: number, arrival: Arrival): void {
    const found = this.#found.get(name);
    if (found === undefined || price < found.price) this.#found.set(name, { price, arrivals: [arrival] });
    else if (price === found.price) found.arrivals.push(arrival);
  }

  // ---- the way ----

  /** Of the cheapest runs to a goal the one whose answers come first. */
  #runTo(name: string, { arrivals }: Found): ShortestRun {
    const onward = this.#towards(arrivals);
    const path: number[] = [];
    let length: RunLength = NO_LENGTH;
    for (let node = this.#nodeOf(0, AT_START); ; ) {
      const at = this.#standingOf(node);
      const goal = arrivals.filter((a) => a.node === node).sort((a, b) => a.answer - b.answer)[0];
      const step = onward.get(node)?.sort((a, b) => a.answer - b.answer)[0];
      if (goal !== undefined && (step === undefined || goal.answer < step.answer)) {
        if (goal.answer !== NONE) {
          path.push(goal.answer);
          length = longer(length, this.#moveAt(node, goal.answer), at);
        }
        return { name, violation: goal.violation, path, length };
      }
      path.push(step!.answer);
      length = longer(length, this.#moveAt(node, step!.answer), at);
      node = step!.node;
    }
  }

  /** Every step of a cheapest run to one of the arrivals, by the node that it starts from. */
  #towards(arrivals: readonly Arrival[]): Map<number, { readonly answer: number; readonly node: number }[]> {
    const out = new Map<number, { answer: number; node: number }[]>();
    const seen = new Set(arrivals.map((a) => a.node));
    const work = [...seen];
    for (let node = work.pop(); node !== undefined; node = work.pop()) {
      for (let way = this.#way[node]!; way !== NONE; way = this.#ways[way * 3 + 2]!) {
        const from = this.#ways[way * 3]!;
        const steps = out.get(from) ?? [];
        out.set(from, steps);
        steps.push({ answer: this.#ways[way * 3 + 1]!, node });
        if (seen.has(from)) continue;
        seen.add(from);
        work.push(from);
      }
    }
    return out;
  }

  #moveAt(node: number, wanted: number): Move {
    const next = this.#next[Math.floor(node / this.#stride)]!;
    let move: Move | undefined;
    inOrderOfAnswers(next, Math.max(0, this.#standingOf(node).core), (n, answer) => {
      if (answer === wanted) move = next[n];
    });
    return move!;
  }
}

/** Tells what a state offers as `options` lists it, the core that moved last first: the index in canonical order, and the answer. */
function inOrderOfAnswers(next: readonly Remembered[], lastCore: number, tell: (n: number, answer: number) => void): void {
  let answer = 0;
  for (let n = 0; n < next.length; n++) if (next[n]!.core === lastCore) tell(n, answer++);
  for (let n = 0; n < next.length; n++) if (next[n]!.core !== lastCore) tell(n, answer++);
}

function grown<T extends Int32Array | Float64Array | Uint8Array>(array: T, fill: number): T {
  const out = new (array.constructor as new (length: number) => T)(array.length * 2);
  out.set(array);
  out.fill(fill, array.length);
  return out;
}
