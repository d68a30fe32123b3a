import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { addVerb } from '../verb.ts';

/** `textpoke doctor`. */
export function define(program: Command, io: Io): void {
  addVerb(program, io, {
    name: 'doctor',
    summary: 'check what this installation can do',
    description: 'Checks what textpoke needs, and says what is there of what it can use besides. Exits 0 when all that it needs is there.',
    groups: [],
    examples: ['doctor', 'doctor --json'],
    async act({ flags, io }) {
      const { doctorAction } = await import('../actions/doctor.ts');
      return doctorAction(flags, io);
    },
  });
}
