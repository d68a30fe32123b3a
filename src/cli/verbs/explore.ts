import { type Command, Option } from 'commander';
import { MAX_VICTIMS } from '../../scenario/scenario.ts';
import type { Io } from '../io.ts';
import { argument, ownValue } from '../own-flags.ts';
import { addSampleFlags, SAMPLE_USAGES, sampleFlags } from '../sample-flags.ts';
import { SCENARIOS_FLAG } from '../scenarios.ts';
import { someText, wholeNumber } from '../values.ts';
import { addVerb } from '../verb.ts';

/** `textpoke explore`. */
export function define(program: Command, io: Io): void {
  const verb = addVerb(program, io, {
    name: 'explore',
    args: '<target>',
    usage: 'SCENARIO|FILE',
    summary: 'try every order of a scenario and settle it',
    description: 'Tries the orders of a scenario; prints verdict and coverage, or race and token.',
    more: SAMPLE_USAGES,
    groups: ['Model', 'Machine', 'Search', 'Budget'],
    examples: ['explore ftrace/late-handler', 'explore F1 --variant no-final-sync --fetch zen3 --json'],
    async act({ args, own, flags, io }) {
      const target = argument(args, 0);
      const variant = ownValue(own, 'variant', '--variant', someText);
      const victims = ownValue(own, 'victims', '--victims', wholeNumber(1, MAX_VICTIMS));
      const sites = ownValue(own, 'sites', '--sites', wholeNumber(1));
      const calls = ownValue(own, 'calls', '--calls', wholeNumber(1));
      const preemptions = ownValue(own, 'preemptions', '--preemptions', wholeNumber(0));
      const { exploreAction } = await import('../actions/explore.ts');
      const scenarios = ownValue(own, 'scenarios', '--scenarios', someText);
      const options = { target, scenarios, variant, victims, sites, calls, preemptions, ...sampleFlags(own), shrink: own.shrink !== false };
      const reach = ownValue(own, 'reach', '--reach', someText);
      const checkpoint = ownValue(own, 'checkpoint', '--checkpoint', someText);
      const resume = ownValue(own, 'resume', '--resume', someText);
      const questions = { count: own.count === true, outcomes: own.outcomes === true, reach };
      return exploreAction({ ...flags, ...options, ...questions, checkpoint, resume }, io);
    },
  })
    .option(...SCENARIOS_FLAG)
    .option('--variant <NAME>', 'one variant of the scenario')
    .option('--victims <N>', 'cores that run patched text (and --sites N, --calls N)')
    // Where a scenario has a choice of them; explain says which.
    .addOption(new Option('--sites <N>', 'sites that are patched').hideHelp())
    .addOption(new Option('--calls <N>', 'calls that each victim makes').hideHelp())
    .option('--preemptions <N>', 'at most N preemptions: a bounded verdict')
    .option('--no-shrink', 'print the first counterexample as it was found')
    .option('--count', 'count the interleavings, exactly')
    .option('--outcomes', 'every way in which runs of a variant end')
    .option('--reach <EXPR>', "whether some order gets there: 'CPU1 at ftrace_call'")
    // What a search that was stopped prints: there the two are met.
    .addOption(new Option('--checkpoint <FILE>', 'write there how far the search has come').hideHelp())
    .addOption(new Option('--resume <FILE>', 'go on where a search was stopped').hideHelp());
  addSampleFlags(verb);
}
