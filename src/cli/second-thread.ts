// The body of the thread that runs the program: the first one tells it of ^C.
import { workerData } from 'node:worker_threads';
import { nodeIo } from './node-io.ts';
import { runProgram } from './program.ts';

const asked = workerData as Int32Array;
process.exitCode = await runProgram(
  process.argv.slice(2),
  nodeIo(() => Atomics.load(asked, 0) > 0),
);
