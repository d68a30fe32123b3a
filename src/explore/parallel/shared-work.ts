/** Why the workers stop before the graph is complete. */
export const Halt = {
  no: 0,
  /** Somebody outside asked: the time is spent, the user interrupts. */
  asked: 1,
  /** A worker found out that more is shared: what was counted is void. */
  learned: 2,
  /** The step budget is spent. */
  steps: 3,
  /** The set of states is full. */
  full: 4,
  /** Cores do more than was known when it was decided who goes first: what was counted is void. */
  outdated: 5,
} as const;
export type Halt = (typeof Halt)[keyof typeof Halt];

const [LOCK, USED, JOBS, HUNGRY, DONE, HALT, TURN, HEADER] = [0, 1, 2, 3, 4, 5, 6, 16] as const;
/** 64-bit words behind the header: steps left, then of each worker the transitions and the longest path so far. */
const STEPS_LEFT = 0;
const QUEUE_WORDS = 1 << 20;
const NO_LIMIT = 2n ** 62n;

/** Alternatives of a state on the way of a job that nobody has looked at yet. */
export interface Alternatives {
  /** How many indices of the path lead there. */
  readonly depth: number;
  /** Number of the state; -1 for the start, which nobody has been at. */
  readonly state: number;
  /** Options from `from` up to, not including, `to`; all of them when `to` is -1. */
  readonly from: number;
  readonly to: number;
}

/** Work: a way from the start, and what is left to look at along it, in the order of depths. The last is at the end of the way. */
export interface Job {
  /** Indices into `options`, from the start. */
  readonly path: readonly number[];
  readonly left: readonly Alternatives[];
}

/** The whole of a search. */
export const EVERYTHING: Job = { path: [], left: [{ depth: 0, state: -1, from: 0, to: -1 }] };

/**
 * What the workers of one search have in common besides the set of states: work to give away, who has none, budgets, and whether to stop. All of it in a
 * buffer that threads share.
 */
export class SharedWork {
  readonly #words: Int32Array;
  readonly #longs: BigInt64Array;
  readonly #queue: Int32Array;
  readonly #workers: number;

  /** On a buffer of `SharedWork.buffer` for as many workers. */
  constructor(buffer: SharedArrayBuffer, workers: number) {
    this.#workers = workers;
    this.#words = new Int32Array(buffer, 0, HEADER);
    this.#longs = new BigInt64Array(buffer, HEADER * 4, 1 + 2 * workers);
    this.#queue = new Int32Array(buffer, HEADER * 4 + 8 * (1 + 2 * workers));
  }

  /** `maxSteps`: transitions that all of them may make together. */
  static buffer(workers: number, maxSteps?: number, jobs: readonly Job[] = [EVERYTHING]): SharedArrayBuffer {
    const words = jobs.reduce((sum, job) => sum + wordsOf(job).length, QUEUE_WORDS);
    const buffer = new SharedArrayBuffer(HEADER * 4 + 8 * (1 + 2 * workers) + 4 * words);
    const work = new SharedWork(buffer, workers);
    Atomics.store(work.#longs, STEPS_LEFT, maxSteps === undefined ? NO_LIMIT : BigInt(maxSteps));
    for (const job of jobs) work.give(job);
    return buffer;
  }

  // ---- work ----

  /** Whether somebody waits for work that nobody has given yet. */
  get isWanted(): boolean {
    return Atomics.load(this.#words, HUNGRY) > Atomics.load(this.#words, JOBS);
  }

  /** False where there is no room: then the giver keeps it. */
  give(job: Job): boolean {
    return this.#locked(() => {
      const used = this.#words[USED]!;
      const words = wordsOf(job);
      if (used + words.length > this.#queue.length) return false;
      this.#queue.set(words, used);
      this.#words[USED] = used + words.length;
      Atomics.add(this.#words, JOBS, 1);
      this.#wake();
      return true;
    });
  }

  /** A job, if there is one. `wasHungry`: this worker asked before and got none. When nobody has work, the search is done. */
  take(wasHungry: boolean): Job | undefined {
    return this.#locked(() => {
      const used = this.#words[USED]!;
      if (used === 0) {
        if (!wasHungry && Atomics.add(this.#words, HUNGRY, 1) + 1 === this.#workers) {
          Atomics.store(this.#words, DONE, 1);
          this.#wake();
        }
        return undefined;
      }
      const [length, count] = [this.#queue[used - 1]!, this.#queue[used - 2]!];
      const first = used - 2 - 4 * count;
      const left = Array.from({ length: count }, (_, n) => {
        const at = first + 4 * n;
        const [depth, state] = [this.#queue[at]!, this.#queue[at + 1]!];
        const [from, to] = [this.#queue[at + 2]!, this.#queue[at + 3]!];
        return { depth, state, from, to };
      });
      const path = Array.from(this.#queue.subarray(first - length, first));
      this.#words[USED] = first - length;
      Atomics.sub(this.#words, JOBS, 1);
      if (wasHungry) Atomics.sub(this.#words, HUNGRY, 1);
      return { path, left };
    });
  }

  /** What nobody has taken, when all have stopped. */
  drain(): Job[] {
    const jobs: Job[] = [];
    for (let job = this.take(true); job !== undefined; job = this.take(true)) jobs.push(job);
    return jobs;
  }

  /** Everybody waits for work: there is none. */
  get isDone(): boolean {
    return Atomics.load(this.#words, DONE) !== 0;
  }

  /** Waits until something may have changed, at most some milliseconds. */
  wait(milliseconds: number): void {
    const turn = Atomics.load(this.#words, TURN);
    if (this.isDone || this.halt !== Halt.no || Atomics.load(this.#words, JOBS) > 0) return;
    Atomics.wait(this.#words, TURN, turn, milliseconds);
  }

  #wake(): void {
    Atomics.add(this.#words, TURN, 1);
    Atomics.notify(this.#words, TURN);
  }

  #locked<T>(use: () => T): T {
    while (Atomics.compareExchange(this.#words, LOCK, 0, 1) !== 0) Atomics.wait(this.#words, LOCK, 1, 1);
    try {
      return use();
    } finally {
      Atomics.store(this.#words, LOCK, 0);
      Atomics.notify(this.#words, LOCK, 1);
    }
  }

  // ---- stopping ----

  get halt(): Halt {
    return Atomics.load(this.#words, HALT) as Halt;
  }

  /** Makes everybody stop. The first reason counts, but what was learned always does: then counts are void. */
  stop(why: Halt): void {
    if (why === Halt.learned) Atomics.store(this.#words, HALT, why);
    else Atomics.compareExchange(this.#words, HALT, Halt.no, why);
    this.#wake();
  }

  /** Up to `wanted` transitions of the common budget; 0 when it is spent. */
  reserve(wanted: number): number {
    for (;;) {
      const left = Atomics.load(this.#longs, STEPS_LEFT);
      const got = left < BigInt(wanted) ? left : BigInt(wanted);
      if (got <= 0n) return 0;
      if (Atomics.compareExchange(this.#longs, STEPS_LEFT, left, left - got) === left) return Number(got);
    }
  }

  // ---- what is told while it runs ----

  /** What a worker has done so far. */
  tell(worker: number, transitions: number, depth: number): void {
    Atomics.store(this.#longs, 1 + 2 * worker, BigInt(transitions));
    Atomics.store(this.#longs, 2 + 2 * worker, BigInt(depth));
  }

  /** Of all workers: the sum of the transitions, the longest path. */
  get told(): { readonly transitions: number; readonly depth: number } {
    let [transitions, depth] = [0, 0];
    for (let w = 0; w < this.#workers; w++) {
      transitions += Number(Atomics.load(this.#longs, 1 + 2 * w));
      depth = Math.max(depth, Number(Atomics.load(this.#longs, 2 + 2 * w)));
    }
    return { transitions, depth };
  }
}

/** The path, what is left along it, how much of both: to be read from the end. */
function wordsOf({ path, left }: Job): number[] {
  return [...path, ...left.flatMap(({ depth, state, from, to }) => [depth, state, from, to]), left.length, path.length];
}
