import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { ownValue } from '../own-flags.ts';
import { findToken } from '../token-text.ts';
import { wholeNumber } from '../values.ts';
import { addVerb } from '../verb.ts';

/** Where the page is served when nobody says otherwise. */
const PORT = 8086;

/** `textpoke view`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'view',
    args: '[what]',
    usage: '[TOKEN|SCENARIO]',
    summary: 'look at a run in the browser, both ways',
    description:
      'Serves the page that runs the emulator in a browser, to this computer alone, and prints its address: the run of a token, a race, or the catalogue. Ends with ^C.',
    groups: [],
    examples: ['view tp1_AyDJUVKWAxwIAgEDAQEFAQICAQEEAADh1g', 'view F1 --port 0'],
    async act({ args, own, flags, io }) {
      const [what] = args;
      const isToken = what !== undefined && /\btp\d+_/.test(what);
      const token = isToken ? findToken(what, io) : undefined;
      const port = ownValue(own, 'port', '--port', wholeNumber(0, 65535)) ?? PORT;
      const { viewAction } = await import('../actions/view.ts');
      return viewAction({ ...flags, token, scenario: isToken ? undefined : what, port }, io);
    },
  }).option('--port <N>', `where it listens, default ${PORT}; 0 takes one that is free`);
}
