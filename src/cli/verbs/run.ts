import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { argument, ownValue } from '../own-flags.ts';
import { address, someText } from '../values.ts';
import { addVerb } from '../verb.ts';

/** `textpoke run`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'run',
    args: '<file>',
    usage: 'FILE',
    summary: 'run an ELF64 or flat binary on emulated cores',
    description: 'Loads an ELF64 executable or a flat binary, runs it on emulated cores, prints its serial output and how each core ended.',
    groups: ['Machine', 'Budget'],
    examples: ['run fixtures/run/hello.elf --cores 2', 'run code.bin --base 0x400000 --entry 0x400010 --max-steps 1000'],
    async act({ args, own, flags, io }) {
      const file = argument(args, 0);
      const entry = ownValue(own, 'entry', '--entry', someText);
      const base = ownValue(own, 'base', '--base', address);
      const { runAction } = await import('../actions/run.ts');
      return runAction({ ...flags, file, entry, base }, io);
    },
  })
    .option('--entry <SYMBOL|ADDRESS>', 'where cores start (default: the image says)')
    .option('--base <ADDRESS>', 'where a flat binary is loaded');
}
