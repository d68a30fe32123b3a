import type { Command } from 'commander';
import { TRACE_FORMATS } from '../../debug/formats/about.ts';
import { MAX_VICTIMS } from '../../scenario/scenario.ts';
import type { Io } from '../io.ts';
import { argument, ownValue } from '../own-flags.ts';
import { SCENARIOS_FLAG } from '../scenarios.ts';
import { findToken } from '../token-text.ts';
import { oneOf, someText, wholeNumber } from '../values.ts';
import { addVerb } from '../verb.ts';

/** `textpoke trace`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'trace',
    args: '<what>',
    usage: 'TOKEN|SCENARIO',
    summary: 'write a run down for people or other tools',
    description:
      'Writes the run of a token; of a scenario the shortest one that breaks a variant, or where it holds one that goes on as long as it can. 0 when it is written. docs/trace.md has the formats.',
    groups: ['Model', 'Engine', 'Budget'],
    examples: [
      'trace F1 --variant no-final-sync --format perfetto --out f1.pftrace',
      'trace tp1_AyDJUVKWAxwIAgEDAQEFAQICAQEEAADh1g --at 20',
    ],
    async act({ args, own, flags, io }) {
      const what = argument(args, 0);
      const isToken = /\btp\d+_/.test(what) || what === '-';
      const format = ownValue(own, 'format', '--format', oneOf(...TRACE_FORMATS));
      const scenarios = ownValue(own, 'scenarios', '--scenarios', someText);
      const variant = ownValue(own, 'variant', '--variant', someText);
      const victims = ownValue(own, 'victims', '--victims', wholeNumber(1, MAX_VICTIMS));
      const at = ownValue(own, 'at', '--at', someText);
      const target = isToken ? { token: findToken(what, io) } : { scenario: what };
      const { traceAction } = await import('../actions/trace.ts');
      return traceAction({ ...flags, target, scenarios, variant, victims, format, at }, io);
    },
  })
    .option(...SCENARIOS_FLAG)
    .option('--variant <NAME>', 'of a scenario; default: the first that fails')
    .option('--victims <N>', 'of a scenario: cores that run the text')
    .option('--format <NAME>', TRACE_FORMATS.join(', '))
    .option('--at <N>', 'the state before step N instead, as text or json');
}
