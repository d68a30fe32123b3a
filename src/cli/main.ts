#!/usr/bin/env node
import { hear } from './hear.ts';
import { nodeIo } from './node-io.ts';

/** Verbs that may compute for long without giving the event loop a turn, so that ^C would not be heard on their thread. */
const LONG_VERBS = ['start', 'explore', 'matrix', 'mutants', 'replay', 'explain', 'trace'];
/** Verbs that listen for ^C while they compute: a second thread would cost them more than they take. */
const LISTENING_VERBS = ['run'];

// Each way loads only what it needs: a program that runs for a moment should not take longer to start.
const argv = process.argv.slice(2);
const verb = argv.includes('--help') || argv.includes('-h') ? '' : (argv[0] ?? '');
if (LONG_VERBS.includes(verb)) {
  const { runOnSecondThread } = await import('./start-second-thread.ts');
  runOnSecondThread(argv);
} else {
  let asked = 0;
  if (LISTENING_VERBS.includes(verb)) hear(() => asked++);
  const { runProgram } = await import('./program.ts');
  process.exitCode = await runProgram(
    argv,
    nodeIo(() => asked > 0),
  );
}
