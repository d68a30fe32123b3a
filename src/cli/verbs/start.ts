import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { addVerb } from '../verb.ts';

/** `textpoke start`: what `npm start` runs. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'start',
    summary: 'the two ftrace races and their fixes, in half a minute',
    description:
      'Finds the two races of ftrace call patching on three emulated cores, shows each as a diagram with its reason and token, then the table of fixes with verdicts and coverage.',
    groups: ['Budget'],
    examples: ['start', 'start --max-seconds 60 --out first-light.txt'],
    async act({ flags, io }) {
      const { startAction } = await import('../actions/start.ts');
      return startAction(flags, io);
    },
  });
}
