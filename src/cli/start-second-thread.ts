import { Worker } from 'node:worker_threads';
import { TextpokeError } from '../error.ts';
import { hear } from './hear.ts';
import { nodeIo } from './node-io.ts';
import { reportError } from './report-error.ts';
import { threadFile, threadOptions } from './threads.ts';

/** Runs the program on a second thread; this one stays free to hear ^C and tells it through a shared word. */
export function runOnSecondThread(argv: string[]): void {
  const asked = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(threadFile('second-thread'), { argv, workerData: asked, ...threadOptions() });
  hear(() => Atomics.add(asked, 0, 1));
  worker.on('error', (error: Error & { code?: string }) => {
    const spent = new TextpokeError('E_BUDGET', 'the memory of this process is spent', { hint: 'give a limit with --max-memory' });
    const shown = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? spent : error;
    const flags = { json: argv.includes('--json'), color: !argv.includes('--no-color'), verbose: argv.includes('--verbose') };
    process.exit(
      reportError(
        shown,
        nodeIo(() => false),
        flags,
      ),
    );
  });
  worker.on('exit', (code) => process.exit(code));
}
