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
    summary: 'run a program, a kernel or a boot disk on emulated cores',
    description:
      'Loads an ELF64 executable, a flat binary, a multiboot kernel or a raw disk with a boot sector, runs it on emulated cores, prints its serial output and how each core ended.',
    groups: ['Machine', 'Budget'],
    examples: ['run fixtures/run/hello.elf --cores 2', 'run fixtures/boot/modes.img'],
    async act({ args, own, flags, io }) {
      const file = argument(args, 0);
      const entry = ownValue(own, 'entry', '--entry', someText);
      const base = ownValue(own, 'base', '--base', address);
      const commandLine = ownValue(own, 'commandLine', '--command-line', someText);
      const isDisk = own.boot === true;
      const showsScreen = own.screen === true;
      const { runAction } = await import('../actions/run.ts');
      return runAction({ ...flags, file, entry, base, commandLine, isDisk, showsScreen }, io);
    },
  })
    .option('--entry <SYMBOL|ADDRESS>', 'where cores start (default: the image says)')
    .option('--base <ADDRESS>', 'where a flat binary is loaded')
    .option('--boot', 'a raw disk (default: by 55 aa in its first sector)')
    .option('--screen', 'show the text screen of a PC at the end')
    .option('--command-line <TEXT>', 'what a multiboot kernel is told');
}
