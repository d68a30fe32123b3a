import { describe, expect, test } from 'vitest';
import type { Actor } from '../../src/explore/world.ts';
import type { EngineName } from '../../src/machine/machine.ts';
import { guestImage, guestWorld, wholeGraph } from '../machine/guest.ts';

const LABELS = ['P0', 'i1', 'i2', 'i3', 'i4', 'i5'] as const;
const PROGRAM = 'P0:\npushq %rax\ni1:\ncli\ni2:\nmovl $2, %ebx\ni3:\nsti\ni4:\nnop\ni5:\npopq %rax\njmp cpu_idle\n';

/** Labels of the program where some run was interrupted, in order. */
function interruptedAt(actor: Partial<Actor>, engine: EngineName, patched?: string): string[] {
  const image = guestImage(PROGRAM);
  const found = new Set<bigint>();
  wholeGraph(() => {
    const world = guestWorld(image, 1, { memory: 'tso', fetch: 'coherent', engine });
    const { lab } = world;
    world.checkers.push({
      name: 'where',
      onEvent(event) {
        if (event.kind === 'interrupt') found.add(event.rip);
      },
    });
    world.add({ core: 0, entry: 'P0', ...actor });
    if (patched !== undefined) {
      const address = lab.symbol(patched);
      world.sites.push({ name: patched, address, versions: [lab.peek(address, 5)], final: 0 });
    }
    expect(lab.symbol('P0')).toBe(image.symbol('P0').address);
    return world;
  });
  return LABELS.filter((label) => found.has(image.symbol(label).address));
}

const VECTOR = 0xec;

const WAITS = 'P0:\nmovabsq $x, %rax\nmovabsq $y, %rbx\nmovq $1, (%rax)\ni1:\nlock incq (%rbx)\ni2:\nmovl $1, %eax\njmp cpu_idle\n';
const SENDS = 'P1:\nmovabsq $x, %rax\nmovabsq $y, %rbx\nmovq (%rax), %rcx\nmovq (%rbx), %rdx\n';
/** An NMI to core 0, through the x2APIC ICR. */
const NMI = 'movl $0x830, %ecx\nmovl $0x400, %eax\nmovl $0, %edx\nwrmsr\njmp cpu_idle\n';

/** Where core 0 is interrupted while it does a locked operation behind a store, and core 1 sends it an NMI at any time. */
function behindDrain(engine: EngineName): string[] {
  const image = guestImage(WAITS + SENDS + NMI, { x: 0, y: 0 });
  const found = new Set<string>();
  wholeGraph(() => {
    const world = guestWorld(image, 2, { memory: 'tso', fetch: 'coherent', engine });
    world.checkers.push({
      name: 'where',
      onEvent(event) {
        if (event.kind === 'interrupt') found.add(image.describe(event.rip));
      },
    });
    world.add({ core: 0, entry: 'P0', interruptAnywhere: true });
    world.add({ core: 1, entry: 'P1' });
    return world;
  });
  return [...found];
}

describe.each<EngineName>(['interpreter', 'reference'])('under the %s', (engine) => {
  test('an NMI comes before any instruction', () => {
    expect(interruptedAt({ pendingNmi: true, interruptAnywhere: true }, engine)).toEqual([...LABELS]);
  });

  test('also behind an instruction of patched text, whose fetch is a choice of its own', () => {
    expect(interruptedAt({ pendingNmi: true, interruptAnywhere: true }, engine, 'i2')).toEqual([...LABELS]);
  });

  test('an interrupt does so where interrupts are on, and not behind STI, which keeps them off for one instruction', () => {
    expect(interruptedAt({ pendingInterrupt: VECTOR, interruptAnywhere: true }, engine)).toEqual(['P0', 'i1', 'i5']);
  });

  test('also where a core begins at patched text', () => {
    expect(interruptedAt({ pendingNmi: true, interruptAnywhere: true }, engine, 'P0')).toEqual([...LABELS]);
  });

  test('also behind an instruction that waited for the store buffer when the NMI came', () => {
    const places = behindDrain(engine);
    expect(places).toContain('i1');
    expect(places).toContain('i2');
  });

  test('without it, only where others could notice and before interrupts go off', () => {
    expect(interruptedAt({ pendingInterrupt: VECTOR }, engine)).toEqual(['i1']);
  });
});
