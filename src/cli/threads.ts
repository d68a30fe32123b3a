import { pathToFileURL } from 'node:url';
import { packageFile } from './package-file.ts';

/** A thread that does what messages ask for. */
export interface Thread {
  /** Sends a message: anything that can be cloned; `SharedArrayBuffer`s are shared. */
  post(message: unknown): void;
  /** From here on, hears what it answers, and that it has ended without being asked to. */
  listen(heard: { readonly message: (message: unknown) => void; readonly death: (why: unknown) => void }): void;
  /** Ends it, whatever it is at. */
  end(): void;
}

const isFromSources = import.meta.url.endsWith('.ts');

/** From the sources, each thread needs to be told how to read TypeScript. */
export function threadOptions(): { readonly execArgv?: string[] } {
  return isFromSources ? { execArgv: ['--import', pathToFileURL(packageFile('tools/typescript.mjs')).href] } : {};
}

/** The path of what a thread runs: a file of this folder, by its name without what is behind the dot. */
export const threadFile = (name: string): string => packageFile(isFromSources ? `src/cli/${name}.ts` : `dist/cli/${name}.js`);

/** Starts a thread that runs worker.ts. */
export function startThread(): Thread {
  // Loaded here: most runs of the program have one thread.
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const worker = new Worker(threadFile('worker'), threadOptions());
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
