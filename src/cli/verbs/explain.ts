import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { argument, ownValue } from '../own-flags.ts';
import { SCENARIOS_FLAG } from '../scenarios.ts';
import { findToken } from '../token-text.ts';
import { someText } from '../values.ts';
import { addVerb } from '../verb.ts';

/** `textpoke explain`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'explain',
    args: '<what>',
    usage: 'SCENARIO|FILE|TOKEN',
    summary: "tell a scenario's story, or why a token goes wrong",
    description: "Tells a scenario's story with its source, or names the ordering that makes the schedule of a token go wrong.",
    groups: [],
    examples: ['explain ftrace/late-handler', 'explain tp1_AyDJUVKWAxwIAgEDAQEFAQICAQEEAADh1g'],
    async act({ args, own, flags, io }) {
      const what = argument(args, 0);
      const isToken = /\btp\d+_/.test(what) || what === '-';
      const token = isToken ? findToken(what, io) : undefined;
      const { explainAction } = await import('../actions/explain.ts');
      const scenarios = ownValue(own, 'scenarios', '--scenarios', someText);
      return explainAction({ ...flags, token, scenario: isToken ? undefined : what, scenarios }, io);
    },
  }).option(...SCENARIOS_FLAG);
}
