import { Worker } from 'node:worker_threads';

/** A thread that does what messages ask for. */
export interface Thread {
  /** Sends a message: anything that can be cloned; `SharedArrayBuffer`s are shared. */
  post(message: unknown): void;
  /** From here on, hears what it answers, and that it has ended without being asked to. */
  listen(heard: { readonly message: (message: unknown) => void; readonly death: (why: unknown) => void }): void;
  /** Ends it, whatever it is at. */
  end(): void;
}

/** From the sources, each thread needs to be told how to read TypeScript. */
export function threadOptions(): { readonly execArgv?: string[] } {
  if (!isFromSources) return {};
  return { execArgv: ['--import', new URL('../../tools/typescript.mjs', import.meta.url).href] };
}

const isFromSources = import.meta.url.endsWith('.ts');

/** Starts a thread that runs worker.ts. */
export function startThread(): Thread {
  const worker = new Worker(new URL(isFromSources ? './worker.ts' : './worker.js', import.meta.url), threadOptions());
  let isWanted = true;
  return {
    post: (message) => worker.postMessage(message),
    listen({ message, death }) {
      worker.on('message', message);
      worker.on('error', (error) => isWanted && death(error));
      worker.on('exit', (code) => isWanted && death(new Error(`it ended with code ${code}`)));
    },
    end() {
      isWanted = false;
      void worker.terminate();
    },
  };
}
