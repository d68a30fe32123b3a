#!/usr/bin/env node
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Exit, TextpokeError } from '../error.ts';
import { nodeIo } from './node-io.ts';
import { reportError } from './report-error.ts';
import { threadOptions } from './threads.ts';

/** Verbs that may compute for long without giving the event loop a turn, so that ^C would not be heard on their thread. */
const LONG_VERBS = ['start', 'explore', 'matrix', 'mutants', 'replay', 'explain', 'trace'];
/** Verbs that listen for ^C while they compute: a second thread would cost them more than they take. */
const LISTENING_VERBS = ['run'];

/** Notes ^C: `note` gives how often it came before. The second one ends at once. */
function hear(note: () => number): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (note() > 0) process.exit(Exit.interrupted);
    });
}

/** Runs the program on a second thread; this one stays free to hear ^C and tells it through a shared word. */
function runOnWorker(argv: string[]): void {
  const asked = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), { argv, workerData: asked, ...threadOptions() });
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

/** Runs the program here. Not loaded where another thread does. */
async function runHere(argv: string[], interrupted: () => boolean): Promise<void> {
  const { runProgram } = await import('./program.ts');
  process.exitCode = await runProgram(argv, nodeIo(interrupted));
}

const argv = process.argv.slice(2);
const verb = argv.includes('--help') || argv.includes('-h') ? '' : (argv[0] ?? '');
if (!isMainThread) {
  const asked: unknown = workerData;
  await runHere(argv, () => asked instanceof Int32Array && Atomics.load(asked, 0) > 0);
} else if (LONG_VERBS.includes(verb)) {
  runOnWorker(argv);
} else {
  let asked = 0;
  if (LISTENING_VERBS.includes(verb)) hear(() => asked++);
  await runHere(argv, () => asked > 0);
}
