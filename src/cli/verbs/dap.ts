import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { ownValue } from '../own-flags.ts';
import { SCENARIOS_FLAG } from '../scenarios.ts';
import { someText, wholeNumber } from '../values.ts';
import { addVerb } from '../verb.ts';

/** `textpoke dap`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'dap',
    args: '[what]',
    usage: '[TOKEN|SCENARIO|FILE]',
    summary: 'debug a run in an editor, forward and backward',
    description:
      'A debug adapter (Debug Adapter Protocol) on stdin and stdout, or on a port of this host. Cores are threads. What is named here is what an editor attaches to; its launch configuration may name something else. docs/dap.md has the launch arguments.',
    groups: ['Model', 'Machine'],
    examples: ['dap', 'dap F1 --variant no-final-sync --port 4711'],
    async act({ args, own, flags, io }) {
      const { dapAction } = await import('../actions/dap.ts');
      return dapAction(
        {
          ...flags,
          what: args[0],
          scenarios: ownValue(own, 'scenarios', '--scenarios', someText),
          variant: ownValue(own, 'variant', '--variant', someText),
          port: ownValue(own, 'port', '--port', wholeNumber(0, 65535)),
        },
        io,
      );
    },
  })
    .option(...SCENARIOS_FLAG)
    .option('--variant <NAME>', 'of a scenario; default: the first that fails')
    .option('--port <N>', 'listen there, for several clients; 0: one that is free');
}
