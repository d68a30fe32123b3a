import type { Command } from 'commander';
import { TextpokeError } from '../../error.ts';
import type { Io } from '../io.ts';
import { ownValue } from '../own-flags.ts';
import { address, oneOf, someText } from '../values.ts';
import { addVerb } from '../verb.ts';

/** `textpoke asm`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'asm',
    args: '[text...]',
    usage: '[TEXT...]',
    summary: 'assemble text to bytes',
    description:
      'Assembles 64-bit code given as text: each argument is a line; without any, a file or standard input is read. Prints the bytes of each line. 16- and 32-bit code is for GNU as; dis --bits reads it.',
    groups: [],
    examples: ["asm 'call 0x401200' --address 0x401130", 'asm --file stub.s --syntax intel --json'],
    async act({ args, own, flags, io }) {
      const at = ownValue(own, 'address', '--address', address) ?? 0n;
      const syntax = ownValue(own, 'syntax', '--syntax', oneOf('att', 'intel')) ?? 'att';
      const file = ownValue(own, 'file', '--file', someText);
      checkBits(ownValue(own, 'bits', '--bits', oneOf('64', '32', '16')));
      const { asmAction } = await import('../actions/asm.ts');
      return asmAction({ ...flags, lines: args, file, address: at, syntax }, io);
    },
  })
    .option('--address <ADDRESS>', 'address of the first byte (default: 0)')
    .option('--syntax <att|intel>', 'how it is written (default: att, as GNU)')
    .option('--file <FILE>', 'a source file; - for standard input')
    .option('--bits <64>', 'size of the code: there is no other');
}

/** `dis` has the flag: whoever tries it here is told that it is no mistake. */
function checkBits(bits: string | undefined): void {
  if (bits === undefined || bits === '64') return;
  throw new TextpokeError('E_USAGE', 'asm makes 64-bit code alone', {
    where: `--bits ${bits}`,
    hint: `GNU as makes it: .code${bits} in a source of gcc -c; textpoke dis --bits ${bits} reads it`,
  });
}
