import { meet } from '../dpor/happens-before.ts';
import { type Label, type RunGraph, VIOLATES } from './run-graph.ts';

/** A run in a graph: the edges that it takes. */
export type Run = readonly number[];

/**
 * One access of a run as other runs have it: the `count`-th time that this core's instruction (or its store buffer, or this vector of its interrupt
 * line) accesses this place. That is what an event can be recognised by without knowing the future: values differ between runs, and so does the
 * number of steps before it. A core that looks in vain and is where it was has not accessed anything.
 */
export interface EventId {
  readonly core: number;
  readonly kind: string;
  /** Address of the instruction, 0 for a drain or an interrupt. */
  readonly instruction: bigint;
  readonly place: number;
  readonly count: number;
}

/** What a run is looked for by. */
export interface Aim {
  /** Of each label 1 where its violation is the one that is looked for. */
  readonly labels: Uint8Array;
  /** Of each state 1 where a run that is there counts. */
  readonly states: Uint8Array;
  /** The event that violates, where it must be the same one. */
  readonly event: EventId | undefined;
}

/** Two accesses of different cores in the order in which a run takes them: places in the run, and who they are. */
export interface Order {
  readonly first: number;
  readonly second: number;
  readonly place: number;
  /** By accesses to memory; else by what a core sends another one. */
  readonly memory: boolean;
}

const isAccess = (label: Label, id: Omit<EventId, 'count'>): boolean => {
  const { core, kind, reads, writes } = label.transition;
  return (
    core === id.core &&
    kind === id.kind &&
    label.instruction === id.instruction &&
    (id.place < 0 || reads.includes(id.place) || writes.includes(id.place))
  );
};

/** The event of step `n` of a run by what it accesses; a place below 0 stands for whatever it accesses. */
export function eventAt(graph: RunGraph, run: Run, n: number, place: number): EventId {
  const label = graph.labels[graph.label[run[n]!]!]!;
  const { core, kind } = label.transition;
  const id = { core, kind, instruction: label.instruction, place };
  const before = run.slice(0, n).filter((e) => isAccess(graph.labels[graph.label[e]!]!, id));
  return { ...id, count: before.length + 1 };
}

/**
 * The orders of a run that may matter: neighbours in its happens-before order, and of each place the nearest conflicting access of another core. Any other
 * order of two accesses follows from these and from the programs. `accessed`: of each step the places of memory that its core accessed.
 */
export function ordersOf(graph: RunGraph, run: Run, accessed: readonly (readonly number[])[]): Order[] {
  const orders = neighbours(graph, run, accessed);
  const known = new Set(orders.map((o) => o.second * run.length + o.first));
  for (const order of nearestConflicts(graph, run, accessed)) {
    const key = order.second * run.length + order.first;
    if (!known.has(key)) orders.push(order);
    known.add(key);
  }
  return orders;
}

function neighbours(graph: RunGraph, run: Run, accessed: readonly (readonly number[])[]): Order[] {
  const events = run.map((e) => graph.labels[graph.label[e]!]!.transition);
  const words = new Set(accessed.flat());
  /** Of each step what it read and wrote: what is no memory as it is, of memory what the core itself accessed. */
  const real = (places: Int32Array, n: number): Int32Array => places.filter((p) => !words.has(p) || accessed[n]!.includes(p));
  const reads = events.map((e, n) => real(e.reads, n));
  const writes = events.map((e, n) => real(e.writes, n));
  /** Of each step those that happen before it. */
  const past: ReadonlySet<number>[] = [];
  const orders: Order[] = [];
  for (const [second, b] of events.entries()) {
    const mine = new Set<number>();
    for (let first = second - 1; first >= 0; first--) {
      if (mine.has(first)) continue;
      const a = events[first]!;
      if (a.core !== b.core && !meet(writes[first]!, reads[second]!) && !meet(writes[second]!, reads[first]!)) continue;
      mine.add(first);
      for (const k of past[first]!) mine.add(k);
      if (a.core === b.core) continue;
      const common = reads[first]!.filter((p) => reads[second]!.includes(p) && (writes[first]!.includes(p) || writes[second]!.includes(p)));
      const word = common.findLast((p) => words.has(p));
      orders.push({ first, second, place: word ?? common.at(-1)!, memory: word !== undefined });
    }
    past.push(mine);
  }
  return orders;
}

function nearestConflicts(graph: RunGraph, run: Run, accessed: readonly (readonly number[])[]): Order[] {
  const events = run.map((e) => graph.labels[graph.label[e]!]!.transition);
  return events.flatMap((b, second) =>
    accessed[second]!.flatMap((place) => {
      const first = events.findLastIndex(
        (a, n) => n < second && a.core !== b.core && accessed[n]!.includes(place) && (a.writes.includes(place) || b.writes.includes(place)),
      );
      return first < 0 ? [] : [{ first, second, place, memory: true }];
    }),
  );
}

/**
 * Whether an order follows from others that the violation takes: from programs and from orders that are in each of its runs. Then it says nothing of its own.
 */
export function follows(graph: RunGraph, run: Run, needed: readonly Order[]): (order: Order) => boolean {
  const past: Set<number>[] = [];
  for (const [n, edge] of run.entries()) {
    const { core } = graph.labels[graph.label[edge]!]!.transition;
    const before = run.findLastIndex((e, k) => k < n && graph.labels[graph.label[e]!]!.transition.core === core);
    const mine = new Set<number>();
    for (const k of [...(before < 0 ? [] : [before]), ...needed.filter((o) => o.second === n).map((o) => o.first)]) {
      mine.add(k);
      for (const earlier of past[k]!) mine.add(earlier);
    }
    past.push(mine);
  }
  return ({ first, second }) => [...past[second]!].some((k) => k !== first && past[k]!.has(first));
}

/** Most pairs of a state and what a monitor knows that one search may have. */
const MOST = 1 << 26;

/**
 * Whether some run that is aimed at takes `late` before `early`, or `late` and never `early`. A search of states with a monitor that counts the
 * accesses of both, and those of the event that violates, up to the ones that are meant; runs in which `early` comes first are left at once. Undefined when
 * that is too much.
 */
function reversedRun(graph: RunGraph, early: EventId, late: EventId, aim: Aim): boolean | undefined {
  const marks = graph.labels.map(
    (label) =>
      (isAccess(label, early) ? 1 : 0) | (isAccess(label, late) ? 2 : 0) | (aim.event !== undefined && isAccess(label, aim.event) ? 4 : 0),
  );
  const violations = aim.event?.count ?? 1;
  const size = (early.count * late.count + 1) * violations;
  if (graph.states * size > MOST) return undefined;
  const seen = new Uint8Array(graph.states * size);
  const stack: number[] = [];
  const reach = (state: number, monitor: number): void => {
    const at = state * size + monitor;
    if (seen[at] === 1) return;
    seen[at] = 1;
    stack.push(at);
  };
  // Monitor: how many events like the violating one were there, and 0 behind the reversal, else 1 and how many of both were there.
  reach(0, violations);
  while (stack.length > 0) {
    const at = stack.pop()!;
    const state = Math.floor(at / size);
    const monitor = at % size;
    const passed = monitor % violations;
    const pair = Math.floor(monitor / violations);
    if (pair === 0 && aim.states[state] === 1) return true;
    for (let e = graph.first[state]!; e < graph.first[state]! + graph.count[state]!; e++) {
      const to = graph.to[e]!;
      if (to === state) continue;
      const label = graph.label[e]!;
      const mark = marks[label]!;
      let next = pair;
      if (pair !== 0 && (mark & 3) !== 0) {
        const earlies = Math.floor((pair - 1) / late.count) + (mark & 1);
        const lates = ((pair - 1) % late.count) + ((mark & 2) >> 1);
        if (earlies === early.count) continue;
        next = lates === late.count ? 0 : 1 + earlies * late.count + lates;
      }
      if (to === VIOLATES) {
        if (next === 0 && aim.labels[label] === 1 && passed === violations - 1) return true;
        continue;
      }
      // A run in which the core gets past that event does not violate there.
      const behind = passed + (mark >> 2);
      if (behind === violations && aim.event !== undefined) continue;
      reach(to, next * violations + behind);
    }
  }
  return false;
}

/** What an order of two accesses has to do with what went wrong. */
export type Weight =
  /** No run with the same violation has the two the other way round, and some run that passes does. */
  | 'essential'
  /** The same violation occurs with the two the other way round. */
  | 'indifferent'
  /** No run that passes has them the other way round: it is no order that could have been chosen. */
  | 'forced'
  /** Too much to search. */
  | 'undecided';

export function weigh(graph: RunGraph, early: EventId, late: EventId, violating: Aim, passing: Aim): Weight {
  const otherwise = reversedRun(graph, early, late, violating);
  if (otherwise === true) return 'indifferent';
  const well = reversedRun(graph, early, late, passing);
  if (otherwise === undefined || well === undefined) return 'undecided';
  return well ? 'essential' : 'forced';
}
