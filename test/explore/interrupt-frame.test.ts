import { describe, expect, test } from 'vitest';
import type { Actor } from '../../src/explore/world.ts';
import { DIRECT_MAP_BASE, PRIVATE, PRIVATE_AT } from '../../src/kernel/layout.ts';
import type { EngineName } from '../../src/machine/machine.ts';
import { collector, guestImage, guestWorld, wholeGraph } from '../machine/guest.ts';

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

/** Word `n` of a frame on core 0's empty stack, from SS down to RIP, as core 1 reaches it. */
const frameWord = (n: number): string => `$0x${(DIRECT_MAP_BASE + BigInt(SAVED_RIP + 8 * (4 - n))).toString(16)}`;
const LOADS = `movabsq ${frameWord(4)}, %rax\nmovq (%rax), %r8\nmovabsq ${frameWord(3)}, %rax\nmovq (%rax), %r9\n`;

/** What core 1 finds of saved RIP and CS when it is done: whether each is there. */
function frameSeen(program: string, memory: 'sc' | 'tso', actor: Partial<Actor>, vars: Readonly<Record<string, number>> = {}) {
  const image = guestImage(program, vars);
  const seen = new Set<string>();
  const { outcome, world } = wholeGraph(() => {
    const world = guestWorld(image, 2, { memory, fetch: 'coherent' });
    world.checkers.push(collector(seen, (w) => [8, 9].map((r) => (w.machine.cores[1]!.gpr(r) === 0n ? 'no' : 'yes')).join(' ')));
    world.add({ core: 0, entry: 'P0', ...actor });
    world.add({ core: 1, entry: 'P1' });
    return world;
  });
  return { seen: [...seen].sort(), violations: outcome.violations, bounds: world.bounds() };
}

describe('a frame of which another core reads several words', () => {
  const all = ['no no', 'no yes', 'yes no', 'yes yes'];
  const other = `P1:\n${LOADS}jmp cpu_idle\n`;

  test.each(['sc', 'tso'] as const)('%s: of an interrupt', (memory) => {
    const program = `P0:\nmovl $1, %eax\njmp cpu_idle\n${other}`;
    expect(frameSeen(program, memory, { pendingInterrupt: 0xec, interruptAnywhere: true })).toEqual({
      seen: all,
      violations: [],
      bounds: [],
    });
  });

  test.each(['sc', 'tso'] as const)('%s: of a #BP, while an NMI is pending', (memory) => {
    const { seen } = frameSeen(`P0:\nint3\njmp cpu_idle\n${other}`, memory, { pendingNmi: true });
    expect(seen).toContain('CPU0 dies of 1');
  });

  test.each(['sc', 'tso'] as const)('%s: of a single step', (memory) => {
    const program = `P0:\npushfq\norl $0x100, (%rsp)\npopfq\nnop\njmp cpu_idle\n${other}`;
    const { seen, violations } = frameSeen(program, memory, {});
    expect(violations).toEqual([]);
    expect(seen.some((s) => s.startsWith('CPU0 dies'))).toBe(true);
  });

  test('it waits for room in the store buffer, and that is told', () => {
    const offsets = Array.from({ length: 20 }, (_, n) => 8 * n);
    const stores = offsets.map((at) => `movq $1, ${at}(%rax)\n`).join('');
    const loads = offsets.map((at) => `movq ${at}(%rax), %rbx\n`).join('');
    const program = `P0:\nmovabsq $x, %rax\n${stores}jmp cpu_idle\nP1:\n${LOADS}movabsq ${frameWord(2)}, %rax\nmovq (%rax), %r10\nmovabsq $x, %rax\n${loads}jmp cpu_idle\n`;
    const { bounds, violations } = frameSeen(program, 'tso', { pendingInterrupt: 0xec }, { x: 0, y: 0, z: 0 });
    expect(violations).toEqual([]);
    expect(bounds).toEqual(['store buffer <= 22']);
  });
});
