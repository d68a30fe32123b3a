#!/usr/bin/env node
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Exit, TextpokeError } from '../error.ts';
import { nodeIo } from './node-io.ts';
import { runProgram } from './program.ts';
import { reportError } from './report-error.ts';
import { threadOptions } from './threads.ts';

/** Verbs that may compute for long without giving the event loop a turn, so that ^C would not be seen on their thread. */
const LONG_VERBS = ['start', 'run', 'explore', 'matrix', 'mutants', 'replay', 'explain', 'trace'];

/** Runs the program on a second thread; this one stays free to hear ^C and tells it through a shared word. A second ^C ends at once. */
function runOnWorker(argv: string[]): void {
  const asked = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), { argv, workerData: asked, ...threadOptions() });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (Atomics.add(asked, 0, 1) > 0) process.exit(Exit.interrupted);
    });
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

const argv = process.argv.slice(2);
if (!isMainThread) {
  const asked: unknown = workerData;
  const interrupted = (): boolean => asked instanceof Int32Array && Atomics.load(asked, 0) > 0;
  process.exitCode = await runProgram(argv, nodeIo(interrupted));
} else if (LONG_VERBS.includes(argv[0] ?? '') && !argv.includes('--help') && !argv.includes('-h')) {
  runOnWorker(argv);
} else {
  process.exitCode = await runProgram(
    argv,
    nodeIo(() => false),
  );
}
