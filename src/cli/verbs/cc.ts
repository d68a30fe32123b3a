import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { addVerb } from '../verb.ts';

/** `textpoke cc`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'cc',
    args: '<sources...>',
    usage: 'FILE.c|FILE.S|FILE.lds... -o FILE.elf [-- GCC-FLAGS]',
    summary: 'build guest code of your own on the lab runtime',
    description:
      'Compiles C and assembly with gcc and links them with the lab runtime and the small world, for a scenario with an image of its own. #include "lab.h" or "kernel.h".',
    groups: [],
    examples: ['cc my.c -o my.elf', 'cc my.c sites.S -o build/my.elf -- -DROUNDS=3'],
    async act({ args, own, flags, io }) {
      const { ccAction } = await import('../actions/cc.ts');
      return ccAction({ ...flags, args, output: String(own.output) }, io);
    },
  }).requiredOption('-o, --output <FILE>', 'the ELF to write');
}
