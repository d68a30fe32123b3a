import type { Command } from 'commander';
import { MAX_VICTIMS } from '../../scenario/scenario.ts';
import type { Io } from '../io.ts';
import { ownValue } from '../own-flags.ts';
import { SCENARIOS_FLAG } from '../scenarios.ts';
import { someText, wholeNumber } from '../values.ts';
import { addVerb } from '../verb.ts';

/** `textpoke matrix`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'matrix',
    args: '[families...]',
    usage: '[FAMILY|SCENARIO|FILE...]',
    summary: 'check the table of variants and models',
    description:
      'Runs scenarios x variants x models and prints each verdict with its coverage. Exits 0 only when each verdict is as recorded. Flags choose rows; without any, all run.',
    groups: ['Model', 'Machine', 'Search', 'Budget'],
    examples: ['matrix ftrace', 'matrix text-poke --fetch amd-apm --memory tso --victims 1 --json'],
    async act({ args, own, flags, io }) {
      const variant = ownValue(own, 'variant', '--variant', someText);
      const victims = ownValue(own, 'victims', '--victims', wholeNumber(1, MAX_VICTIMS));
      const scenarios = ownValue(own, 'scenarios', '--scenarios', someText);
      const { matrixAction } = await import('../actions/matrix.ts');
      return matrixAction({ ...flags, families: args, scenarios, variant, victims, smoke: own.smoke === true }, io);
    },
  })
    .option(...SCENARIOS_FLAG)
    .option('--smoke', 'one row a variant: fewest victims, intel-sdm, tso')
    .option('--variant <NAME>', 'only the rows of this variant')
    .option('--victims <N>', 'only the rows with N victims');
}
