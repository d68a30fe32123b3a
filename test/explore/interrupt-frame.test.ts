import { describe, expect, test } from 'vitest';
import { DIRECT_MAP_BASE, PRIVATE, PRIVATE_AT } from '../../src/kernel/layout.ts';
import type { EngineName } from '../../src/machine/machine.ts';
import { guestImage, guestWorld, wholeGraph } from '../machine/guest.ts';

/** Where the RIP of a frame goes that is pushed on core 0's empty stack, as core 1 reaches it. */
const SAVED_RIP = PRIVATE_AT + (PRIVATE.stack + 1) * 4096 - 40;
const PROGRAM = `P0:\nmovl $1, %eax\ni1:\njmp cpu_idle\nP1:\nmovabsq $0x${(DIRECT_MAP_BASE + BigInt(SAVED_RIP)).toString(16)}, %rax\nmovq (%rax), %rbx\nmovq (%rax), %rbx\njmp cpu_idle\n`;

/** What core 1 reads there while core 0 takes an interrupt. */
function savedRips(memory: 'sc' | 'tso', engine: EngineName): Set<string> {
  const image = guestImage(PROGRAM);
  const seen = new Set<string>();
  wholeGraph(() => {
    const world = guestWorld(image, 2, { memory, fetch: 'coherent', engine });
    world.checkers.push({
      name: 'saved rip',
      onAccess(access) {
        if (access.core === 1 && access.physical === SAVED_RIP) seen.add(access.value === 0n ? 'nothing' : image.describe(access.value));
      },
    });
    world.add({ core: 0, entry: 'P0', pendingInterrupt: 0xec, interruptAnywhere: true });
    world.add({ core: 1, entry: 'P1' });
    return world;
  });
  return seen;
}

describe.each<EngineName>(['interpreter', 'reference'])(
  'an interrupt whose frame has a word that another core reads, under the %s',
  (engine) => {
    test.each(['sc', 'tso'] as const)('%s: it is taken, and the word comes like any store', (memory) => {
      const seen = savedRips(memory, engine);
      expect(seen).toContain('nothing');
      expect(seen).toContain('P0');
      expect(seen).toContain('i1');
    });
  },
);
