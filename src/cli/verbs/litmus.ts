import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { addVerb } from '../verb.ts';

/** `textpoke litmus`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'litmus',
    args: '<paths...>',
    usage: 'FILE|FOLDER...',
    summary: 'run litmus tests of herdtools7 in every order, as herd7 says it',
    description:
      'Runs x86 litmus tests (X86_64, X86) as machine code on emulated cores and prints every final state that the memory model allows. A test that writes code runs under every fetch policy unless --fetch names one. A folder stands for the .litmus files in it and below.',
    groups: ['Model', 'Engine', 'Budget'],
    examples: ['litmus SB.litmus', 'litmus tests --memory sc --json'],
    async act({ args, flags, io }) {
      const { litmusAction } = await import('../actions/litmus.ts');
      return litmusAction({ ...flags, paths: args }, io);
    },
  });
}
