import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { addVerb } from '../verb.ts';

/** `textpoke doctor`. */
export function define(program: Command, io: Io): void {
  const command = addVerb(program, io, {
    name: 'doctor',
    summary: 'check what this installation can do',
    description: 'Checks what textpoke needs, and says what is there of what it can use besides. Exits 0 when all that it needs is there.',
    groups: [],
    more: ['Instructions', ['--isa']],
    examples: ['doctor', 'doctor --isa'],
    async act({ flags, io, own }) {
      if (own.isa === true) {
        const { isaAction } = await import('../actions/isa.ts');
        return isaAction(flags, io);
      }
      const { doctorAction } = await import('../actions/doctor.ts');
      return doctorAction(flags, io);
    },
  });
  command.option('--isa', 'which instructions of x86-64-v3 run');
}
