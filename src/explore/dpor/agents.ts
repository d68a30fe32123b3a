import type { StateVector, Transition, TransitionSystem, Waiting } from '../table/system.ts';

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

/** Everybody's move in each state, also of those who wait. */
export class Moves {
  readonly #system: TransitionSystem;
  /** Systems may give the same objects for many states. */
  readonly #known = new Map<Transition | Waiting, Move>();

  constructor(system: TransitionSystem) {
    this.#system = system;
  }

  /** `next` is what the system gives for the state. */
  in(state: StateVector, next: readonly Transition[]): readonly Move[] {
    const moves: Move[] = [];
    for (let from = 0; from < next.length; ) {
      const first = next[from]!;
      let to = from + 1;
      while (to < next.length && next[to]!.core === first.core && next[to]!.kind === first.kind) to++;
      moves.push(to === from + 1 ? this.#remember(first, () => moveOf([first])) : moveOf(next.slice(from, to)));
      from = to;
    }
    for (const one of this.#system.waiting(state)) moves.push(this.#remember(one, () => waitOf(one)));
    return moves;
  }

  #remember(what: Transition | Waiting, make: () => Move): Move {
    let move = this.#known.get(what);
    if (move === undefined) {
      move = make();
      this.#known.set(what, move);
    }
    return move;
  }
}

const waitOf = (one: Waiting): Move => ({ agent: agentOf(one), reads: one.reads, steps: [], violating: [], spins: false });

function moveOf(all: readonly Transition[]): Move {
  const violating = all.filter((t) => t.violations.length > 0);
  const steps = all.filter((t) => t.violations.length === 0 && t.writes.length > 0);
  return { agent: agentOf(all[0]!), reads: union(all), steps, violating, spins: steps.length + violating.length < all.length };
}

/** Everything that any of several alternatives reads. */
function union(all: readonly Transition[]): Int32Array {
  const [first, ...others] = all;
  if (others.length === 0) return first!.reads;
  return Int32Array.from(new Set(all.flatMap((t) => [...t.reads]))).sort();
}
