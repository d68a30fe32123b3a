import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { ownValue } from '../own-flags.ts';
import { SCENARIOS_FLAG } from '../scenarios.ts';
import { someText } from '../values.ts';
import { addVerb } from '../verb.ts';

/** `textpoke mutants`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'mutants',
    args: '[families...]',
    usage: '[FAMILY|SCENARIO|FILE...]',
    summary: 'prove that the checks bite: one step wrong each',
    description:
      'Runs the variants in which an algorithm does one step wrong, prints which check kills each, and for each check how many it killed. Exits 1 when one survives that should not.',
    groups: ['Engine', 'Search', 'Budget'],
    examples: ['mutants', 'mutants text-poke --json'],
    async act({ args, own, flags, io }) {
      const { mutantsAction } = await import('../actions/mutants.ts');
      return mutantsAction({ ...flags, families: args, scenarios: ownValue(own, 'scenarios', '--scenarios', someText) }, io);
    },
  }).option(...SCENARIOS_FLAG);
}
