import type { CallName, Calls, ErrorView, Progress, Reply, Request } from './protocol.ts';

/** As much of a Worker as is needed. */
export interface WorkerLike {
  postMessage(message: unknown): void;
  terminate(): void;
  onmessage: ((event: { readonly data: Reply }) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
}

/** What a call ended with when it did not succeed. */
export class CallFailed extends Error {
  readonly view: ErrorView;

  constructor(view: ErrorView) {
    super(view.message);
    this.name = 'CallFailed';
    this.view = view;
  }
}

/** A call was given up by `cancel`. */
export class Cancelled extends Error {}

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/** Calls a worker. It is started by the first call; `cancel` ends it, whatever it is doing, and the next call starts another. */
export class Client {
  readonly #start: () => WorkerLike;
  readonly #waiting = new Map<number, Waiting>();
  #worker: WorkerLike | undefined;
  #id = 0;

  constructor(start: () => WorkerLike) {
    this.#start = start;
  }

  call<N extends CallName>(name: N, ask: Calls[N]['ask'], onProgress?: (progress: Progress) => void): Promise<Calls[N]['answer']> {
    this.#worker ??= this.#started();
    const id = this.#id++;
    const request: Request = { id, name, ask };
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onProgress });
      this.#worker?.postMessage(request);
    });
  }

  /** Ends what is running. */
  cancel(): void {
    this.#end(new Cancelled('cancelled'));
  }

  #started(): WorkerLike {
    const worker = this.#start();
    worker.onmessage = ({ data }) => this.#hear(data);
    worker.onerror = (event) => {
      const hint = 'reload the page; a browser of the last years is needed';
      this.#end(new CallFailed({ code: 'E_PAGE', message: 'the emulator could not be started or has ended', where: event.message, hint }));
    };
    return worker;
  }

  #end(error: Error): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }

  #hear(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    if ('progress' in reply) {
      waiting.onProgress?.(reply.progress);
      return;
    }
    this.#waiting.delete(reply.id);
    if ('error' in reply) waiting.reject(new CallFailed(reply.error));
    else waiting.resolve(reply.answer as never);
  }
}

/** A worker of the page. */
export const startWorker = (): WorkerLike => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }) as WorkerLike;
