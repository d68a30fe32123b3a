import type { Command } from 'commander';
import { MAX_VICTIMS } from '../../scenario/scenario.ts';
import type { Io } from '../io.ts';
import { argument, ownValue } from '../own-flags.ts';
import { SCENARIOS_FLAG } from '../scenarios.ts';
import { findToken } from '../token-text.ts';
import { someText, wholeNumber } from '../values.ts';
import { addVerb } from '../verb.ts';

/** `textpoke step`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'step',
    args: '<what>',
    usage: 'TOKEN|SCENARIO',
    summary: 'go through a run by hand, both ways',
    description:
      'Shows a run step by step, both ways, and takes other choices: of a token, or of a scenario the shortest that fails. Keys on a terminal (? lists them), else a command a line (help). Prints the token of the run at the end.',
    groups: ['Model', 'Engine', 'Budget'],
    examples: ['step F1 --variant no-final-sync', 'step tp1_AyDJUVKWAxwIAgEDAQEFAQICAQEEAADh1g --at @20'],
    async act({ args, own, flags, io }) {
      const what = argument(args, 0);
      const scenarios = ownValue(own, 'scenarios', '--scenarios', someText);
      const variant = ownValue(own, 'variant', '--variant', someText);
      const victims = ownValue(own, 'victims', '--victims', wholeNumber(1, MAX_VICTIMS));
      const at = ownValue(own, 'at', '--at', someText);
      const target = /\btp\d+_/.test(what) ? { token: findToken(what, io) } : { scenario: what };
      const { stepAction } = await import('../actions/step.ts');
      return stepAction({ ...flags, target, scenarios, variant, victims, at }, io);
    },
  })
    .option(...SCENARIOS_FLAG)
    .option('--variant <NAME>', 'of a scenario; default: the first that fails')
    .option('--victims <N>', 'of a scenario: cores that run the text')
    .option('--at <POSITION>', 'begin there: @14, @14+3, end');
}
