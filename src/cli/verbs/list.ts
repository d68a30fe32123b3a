import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { ownValue } from '../own-flags.ts';
import { SCENARIOS_FLAG } from '../scenarios.ts';
import { someText } from '../values.ts';
import { addVerb } from '../verb.ts';

/** `textpoke list`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'list',
    args: '[families...]',
    usage: '[FAMILY|SCENARIO...]',
    summary: 'show the catalogue of scenarios',
    description: 'Prints the scenarios by family, each with its alias and what it is about.',
    groups: [],
    examples: ['list', 'list ftrace --json'],
    async act({ args, own, flags, io }) {
      const { listAction } = await import('../actions/list.ts');
      return listAction({ ...flags, families: args, scenarios: ownValue(own, 'scenarios', '--scenarios', someText) }, io);
    },
  }).option(...SCENARIOS_FLAG);
}
