import type { Command } from 'commander';
import type { Io } from '../io.ts';
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
    async act({ args, flags, io }) {
      const { listAction } = await import('../actions/list.ts');
      return listAction({ ...flags, families: args }, io);
    },
  });
}
