import { type Command, Option } from 'commander';
import { MAX_VICTIMS } from '../../scenario/scenario.ts';
import type { Io } from '../io.ts';
import { argument, ownValue } from '../own-flags.ts';
import { SCENARIOS_FLAG } from '../scenarios.ts';
import { findToken } from '../token-text.ts';
import { address, oneOf, someText, wholeNumber } from '../values.ts';
import { addVerb } from '../verb.ts';

const DEFAULT_PORT = 3333;

/** `textpoke gdb`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'gdb',
    args: '<what>',
    usage: 'TOKEN|SCENARIO|FILE',
    summary: 'debug a run with gdb, forward and backward',
    description:
      'Waits for gdb on a port of this host. Cores are threads. Of a scenario it opens the shortest run that fails, else one that goes on by itself (docs/gdb.md).',
    groups: ['Model', 'Machine', 'Budget'],
    more: ['An image', ['--entry PLACE', '--base PLACE', '--boot', '--command-line TEXT', '--bits 16|32|64', '--send-file']],
    examples: ['gdb F1 --variant no-final-sync --at end', 'gdb fixtures/run/hello.elf --cores 2 --port 0'],
    async act({ args, own, flags, io }) {
      const what = argument(args, 0);
      const { gdbAction } = await import('../actions/gdb.ts');
      return gdbAction(
        {
          ...flags,
          what,
          token: /\btp\d+_/.test(what) ? findToken(what, io) : undefined,
          scenarios: ownValue(own, 'scenarios', '--scenarios', someText),
          variant: ownValue(own, 'variant', '--variant', someText),
          victims: ownValue(own, 'victims', '--victims', wholeNumber(1, MAX_VICTIMS)),
          entry: ownValue(own, 'entry', '--entry', someText),
          base: ownValue(own, 'base', '--base', address),
          isDisk: own.boot === true,
          commandLine: ownValue(own, 'commandLine', '--command-line', someText),
          bits: bitsOf(ownValue(own, 'bits', '--bits', oneOf('16', '32', '64'))),
          at: ownValue(own, 'at', '--at', someText),
          port: ownValue(own, 'port', '--port', wholeNumber(0, 65535)) ?? DEFAULT_PORT,
          stdio: own.stdio === true,
          once: own.once === true,
          sendFile: own.sendFile === true,
        },
        io,
      );
    },
  })
    .option(...SCENARIOS_FLAG)
    .option('--variant <NAME>', 'of a scenario; default: the first that fails')
    .option('--victims <N>', 'of a scenario: cores that run the text')
    .option('--at <POSITION>', 'begin there: @14, @14+3, end')
    .option('--port <N>', `default ${DEFAULT_PORT}; 0: one that is free`)
    .option('--stdio', 'for gdb: target remote | textpoke gdb ... --stdio')
    .option('--once', 'end with the first client')
    .addOption(new Option('--entry <SYMBOL|ADDRESS>', 'where cores start').hideHelp())
    .addOption(new Option('--base <ADDRESS>', 'where a flat binary is loaded').hideHelp())
    .addOption(new Option('--boot', 'the file is a raw disk').hideHelp())
    .addOption(new Option('--command-line <TEXT>', 'what a multiboot kernel is told').hideHelp())
    .addOption(new Option('--bits <16|32|64>', 'what gdb takes all code for; default: what the ELF file says, else 64').hideHelp())
    .addOption(new Option('--send-file', 'send the ELF through the connection, for a gdb on another host').hideHelp());
}

const bitsOf = (text: string | undefined): 16 | 32 | 64 | undefined => (text === undefined ? undefined : (Number(text) as 16 | 32 | 64));
