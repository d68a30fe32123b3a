import type { Command } from 'commander';
import { TRACE_FORMATS } from '../../debug/formats/about.ts';
import type { Io } from '../io.ts';
import { ownValue } from '../own-flags.ts';
import { SCENARIOS_FLAG } from '../scenarios.ts';
import { findToken } from '../token-text.ts';
import { oneOf, someText } from '../values.ts';
import { addVerb } from '../verb.ts';

/** `textpoke replay`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'replay',
    args: '[token]',
    usage: '[TOKEN|FILE|-]',
    summary: 'run the one schedule of a token again',
    description:
      'Runs the schedule of a token and prints its trace: the same bytes each time. Text around the token does not matter; without an argument it is read from standard input.',
    groups: ['Engine'],
    examples: ['replay tp1_AyDJUVKWAxwIAgEDAQEFAQICAQEEAADh1g', 'replay race.txt --format changelog --out diagram.txt'],
    async act({ args, own, flags, io }) {
      const format = ownValue(own, 'format', '--format', oneOf(...TRACE_FORMATS));
      const token = findToken(args[0], io);
      const { replayAction } = await import('../actions/replay.ts');
      return replayAction({ ...flags, token, format, scenarios: ownValue(own, 'scenarios', '--scenarios', someText) }, io);
    },
  })
    .option(...SCENARIOS_FLAG)
    .option('--format <NAME>', 'one of those of trace; text unless given');
}
