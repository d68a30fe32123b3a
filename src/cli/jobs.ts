import { TextpokeError } from '../error.ts';
import type { Team } from '../explore/parallel/explore-parallel.ts';
import type { Order, Share } from '../explore/parallel/share.ts';
import { Halt, SharedWork } from '../explore/parallel/shared-work.ts';
import type { EngineName } from '../machine/machine.ts';
import type { Row } from '../scenario/matrix.ts';
import type { Cell } from '../scenario/scenario.ts';
import type { SharedFlags } from './flags.ts';
import type { Io } from './io.ts';
import type { Thread } from './threads.ts';

/** What to explore, in words that another thread understands. */
export interface Target {
  /** A file of scenarios. */
  readonly file: string | undefined;
  readonly scenario: string;
  readonly variant: string;
  readonly cell: Cell;
  readonly engine: EngineName | undefined;
}

/** What a thread is asked for: one message, which it answers with one. */
export type Task =
  | { readonly kind: 'share'; readonly target: Target; readonly order: Order; readonly worker: number }
  | {
      readonly kind: 'row';
      readonly target: Target;
      readonly flags: SharedFlags;
      readonly shrink: boolean;
      readonly asked: SharedArrayBuffer;
    };

/** A row of the matrix without what cannot be cloned. */
export type PlainRow = Omit<Row, 'scenario' | 'variant'>;

export interface AnswerOf {
  readonly share: Share;
  readonly row: PlainRow;
}

/** An error as a message: clones of errors lose their fields. */
export interface PlainError {
  readonly message: string;
  readonly code: TextpokeError['code'] | undefined;
  readonly where: string | undefined;
  readonly hint: string | undefined;
  readonly exitCode: number | undefined;
}

export type Answer = { readonly done: unknown } | { readonly failed: PlainError };

export function plainError(error: unknown): PlainError {
  const known = error instanceof TextpokeError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return { message, code: known?.code, where: known?.where, hint: known?.hint, exitCode: known?.exitCode };
}

function errorOf({ message, code, where, hint, exitCode }: PlainError): Error {
  if (code === undefined) return new Error(message);
  return new TextpokeError(code, message, {
    ...(where === undefined ? {} : { where }),
    ...(hint === undefined ? {} : { hint }),
    ...(exitCode === undefined ? {} : { exitCode }),
  });
}

/** How often budgets and ^C are looked at. */
const POLL_MS = 50;

/** The threads of `--jobs`. They are ended by `end`. */
export class Workers {
  readonly size: number;
  readonly #threads: Thread[];
  readonly #waiting = new Map<number, { readonly done: (value: unknown) => void; readonly failed: (error: unknown) => void }>();
  #dead: unknown;

  constructor(io: Pick<Io, 'startThread'>, size: number) {
    this.size = size;
    this.#threads = Array.from({ length: size }, () => io.startThread());
    this.#threads.forEach((thread, n) => {
      thread.listen({
        message: (message) => this.#answered(n, message as Answer),
        death: (why) => this.#died(why),
      });
    });
  }

  /** Has thread `n` do something; it must not be at work already. */
  ask<K extends Task['kind']>(n: number, task: Extract<Task, { kind: K }>): Promise<AnswerOf[K]> {
    return new Promise((done, failed) => {
      if (this.#dead !== undefined) {
        failed(this.#dead);
        return;
      }
      this.#waiting.set(n, { done: done as (value: unknown) => void, failed });
      this.#threads[n]!.post(task);
    });
  }

  #answered(n: number, answer: Answer): void {
    const waiting = this.#waiting.get(n);
    this.#waiting.delete(n);
    if ('done' in answer) waiting?.done(answer.done);
    else waiting?.failed(errorOf(answer.failed));
  }

  #died(why: unknown): void {
    const isFull = why instanceof Error && 'code' in why && why.code === 'ERR_WORKER_OUT_OF_MEMORY';
    this.#dead = isFull
      ? new TextpokeError('E_BUDGET', 'the memory of a worker is spent', { hint: 'give a limit with --max-memory, or fewer --jobs' })
      : new TextpokeError('E_INTERNAL', `a worker died: ${why instanceof Error ? why.message : String(why)}`, {
          where: '--jobs',
          hint: 'nothing is known about what it was at: run again, with --jobs 1 if it happens again',
        });
    for (const { failed } of this.#waiting.values()) failed(this.#dead);
    this.#waiting.clear();
  }

  end(): void {
    for (const thread of this.#threads) thread.end();
  }
}

/** All threads at work on one cell. */
export function teamOf(workers: Workers, target: Target): Team {
  return {
    size: workers.size,
    async work(order, stop) {
      const work = new SharedWork(order.work, order.workers);
      const poll = setInterval(() => {
        if (stop() !== undefined) work.stop(Halt.asked);
      }, POLL_MS);
      try {
        return await Promise.all(
          Array.from({ length: workers.size }, (_, worker) => workers.ask(worker, { kind: 'share', target, order, worker })),
        );
      } finally {
        clearInterval(poll);
      }
    },
  };
}

/**
 * Has the threads run rows, and gives them in order as soon as those before are there. A thread goes on with the variant that it knows, then takes one that
 * nobody has begun, then helps with the rest.
 */
export async function* rowsInOrder(
  workers: Workers,
  rows: readonly { readonly target: Target; readonly group: string }[],
  io: Pick<Io, 'interrupted'>,
  task: Pick<Extract<Task, { kind: 'row' }>, 'flags' | 'shrink'>,
): AsyncGenerator<PlainRow> {
  const asked = new SharedArrayBuffer(4);
  const left = new Set(rows.keys());
  const begun = new Set<string>();
  const next = (group: string | undefined): number | undefined => {
    const all = [...left];
    return all.find((n) => rows[n]!.group === group) ?? all.find((n) => !begun.has(rows[n]!.group)) ?? all[0];
  };
  const settle: { readonly done: (row: PlainRow) => void; readonly failed: (error: unknown) => void }[] = [];
  const results = rows.map(() => new Promise<PlainRow>((done, failed) => settle.push({ done, failed })));
  for (const result of results) result.catch(() => {});
  const worker = async (n: number): Promise<void> => {
    let group: string | undefined;
    for (let at = next(group); at !== undefined && !io.interrupted(); at = next(group)) {
      left.delete(at);
      group = rows[at]!.group;
      begun.add(group);
      try {
        settle[at]!.done(await workers.ask(n, { kind: 'row', target: rows[at]!.target, asked, ...task }));
      } catch (error) {
        settle[at]!.failed(error);
      }
    }
  };
  const poll = setInterval(() => {
    if (io.interrupted()) Atomics.store(new Int32Array(asked), 0, 1);
  }, POLL_MS);
  const all = Promise.all(Array.from({ length: workers.size }, (_, n) => worker(n))).then(() => undefined);
  try {
    for (const result of results) {
      // After ^C nobody begins the rest.
      const row = await Promise.race([result, all]);
      if (row === undefined) return;
      yield row;
    }
  } finally {
    clearInterval(poll);
  }
}
