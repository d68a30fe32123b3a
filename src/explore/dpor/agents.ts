import type { StateVector, Transition, TransitionSystem } from '../table/system.ts';

/** An agent that cannot move in a state, and the places that decided so: while nobody writes one of them, it waits. */
export interface Waiting {
  readonly core: number;
  readonly kind: string;
  readonly reads: Int32Array;
}

/** A system that also says what those who wait are waiting for. An agent that is in neither list will never move again. */
export interface WaitingSystem extends TransitionSystem {
  waiting(state: StateVector): readonly Waiting[];
}

const KINDS: readonly string[] = ['step', 'drain', 'interrupt', 'invalidate', 'evict', 'prefetch'];

/** A core's program, store buffer, interrupt line, or what happens to its cache, as a number. */
export const agentOf = (of: { readonly core: number; readonly kind: string }): number => of.core * KINDS.length + KINDS.indexOf(of.kind);

export const coreOf = (agent: number): number => Math.floor(agent / KINDS.length);

/** What one agent can do in one state: everything that it can do there is one move with several outcomes. */
export interface Move {
  readonly agent: number;
  /** Places that decided what its outcomes are: those that any of them reads. */
  readonly reads: Int32Array;
  /** Outcomes that lead to another state. None when the agent waits, when its step leads back to where it was, or when all it does is a violation. */
  readonly steps: readonly Transition[];
  /** Outcomes that end the run. */
  readonly violating: readonly Transition[];
  /** Some outcome leaves everything as it is: the agent waits by looking again and again. */
  readonly spins: boolean;
}

/** Everybody's move in a state, also of those who wait. `next` is what the system gives for the state. */
export function movesOf(system: WaitingSystem, state: StateVector, next: readonly Transition[]): Move[] {
  const moves: Move[] = [];
  for (let from = 0; from < next.length; ) {
    const agent = agentOf(next[from]!);
    let to = from + 1;
    while (to < next.length && agentOf(next[to]!) === agent) to++;
    moves.push(moveOf(agent, next.slice(from, to)));
    from = to;
  }
  for (const one of system.waiting(state)) moves.push({ agent: agentOf(one), reads: one.reads, steps: [], violating: [], spins: false });
  return moves;
}

function moveOf(agent: number, all: readonly Transition[]): Move {
  const violating = all.filter((t) => t.violations.length > 0);
  const steps = all.filter((t) => t.violations.length === 0 && t.writes.length > 0);
  return { agent, reads: union(all), steps, violating, spins: steps.length + violating.length < all.length };
}

/** Everything that any of several alternatives reads. */
export function union(all: readonly Transition[]): Int32Array {
  const [first, ...others] = all;
  if (others.length === 0) return first!.reads;
  return Int32Array.from(new Set(all.flatMap((t) => [...t.reads]))).sort();
}
