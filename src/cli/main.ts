#!/usr/bin/env node
import { nodeIo } from './node-io.ts';
import { runProgram } from './program.ts';

process.exitCode = await runProgram(
  process.argv.slice(2),
  nodeIo(() => false),
);
