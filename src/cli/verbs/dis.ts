import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { ownValue } from '../own-flags.ts';
import { address, oneOf } from '../values.ts';
import { addVerb } from '../verb.ts';

/** `textpoke dis`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'dis',
    args: '[hex...]',
    usage: '[HEX...]',
    summary: 'disassemble bytes given as hex',
    description: 'Disassembles code given as hex digits, in arguments or on standard input.',
    groups: [],
    examples: ['dis 0f 1f 44 00 00', 'dis e8fb000000 --address 0x401130 --syntax intel'],
    async act({ args, own, flags, io }) {
      const at = ownValue(own, 'address', '--address', address) ?? 0n;
      const syntax = ownValue(own, 'syntax', '--syntax', oneOf('att', 'intel', 'nasm', 'masm')) ?? 'att';
      const bits = Number(ownValue(own, 'bits', '--bits', oneOf('64', '32', '16')) ?? '64') as 16 | 32 | 64;
      const { disAction } = await import('../actions/dis.ts');
      return disAction({ ...flags, hex: args.length > 0 ? args.join(' ') : io.readStdin(), address: at, syntax, bits }, io);
    },
  })
    .option('--address <ADDRESS>', 'address of the first byte (default: 0)')
    .option('--syntax <att|intel|nasm|masm>', 'how it is written (default: att, as GNU)')
    .option('--bits <64|32|16>', 'size of the code (default: 64)');
}
