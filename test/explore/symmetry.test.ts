import { describe, expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import type { World } from '../../src/explore/world.ts';
import { DIRECT_MAP_BASE, PRIVATE_AT, PRIVATE_BASE, PRIVATE_STRIDE } from '../../src/kernel/layout.ts';
import { collector, type GuestModels, guestImage, guestWorld, wholeGraph } from '../machine/guest.ts';

/** A quadword of the per-CPU page that the lab leaves alone. */
const WORD = 0x800;
const own = `$0x${(PRIVATE_BASE + BigInt(WORD)).toString(16)}`;
const of = (core: number): string => `$0x${(DIRECT_MAP_BASE + BigInt(PRIVATE_AT + core * PRIVATE_STRIDE + WORD)).toString(16)}`;

const VICTIM = `V:\nmovabsq ${own}, %rax\nmovq $1, (%rax)\nv1:\nmovabsq $n, %rcx\nlock incq (%rcx)\nv2:\njmp cpu_idle\n`;
const MODELS: GuestModels = { memory: 'sc', fetch: 'coherent' };

/** Both victims run the same code from the same state; `symmetry` allows that they are taken for one another. */
function run(patcher: string, symmetry: boolean, watch: (world: World) => void): World {
  const image = guestImage(`P0:\n${patcher}\njmp cpu_idle\n${VICTIM}`, { n: 0 });
  const make = (): World => {
    const world = guestWorld(image, 3, MODELS);
    watch(world);
    for (const [core, entry] of ['P0', 'V', 'V'].entries()) world.add({ core, entry });
    return world;
  };
  return wholeGraph(make, { symmetry }).world;
}

describe('cores that run the same code are not interchangeable for whoever names one of them', () => {
  test.each([
    [1, 2],
    [2, 1],
  ])('per-CPU words of CPU%d and then CPU%d', (first, second) => {
    const loads = `movabsq $n, %rcx\nmovq (%rcx), %r8\nmovabsq ${of(first)}, %rax\nmovq (%rax), %r9\nmovabsq ${of(second)}, %rax\nmovq (%rax), %r10`;
    const ends = (symmetry: boolean): string[] => {
      const into = new Set<string>();
      const look = (w: World): string => [8, 9, 10].map((r) => w.machine.cores[0]!.gpr(r)).join(' ');
      const world = run(loads, symmetry, (w) => w.checkers.push(collector(into, look)));
      expect(world.symmetric).toBe(0);
      return [...into].sort();
    };
    // One victim is done: it is the first or the second.
    expect(ends(true)).toContain('1 1 0');
    expect(ends(true)).toContain('1 0 1');
    expect(ends(true)).toEqual(ends(false));
  });

  test.each([1, 2])('an IPI to CPU%d alone', (target) => {
    const ipi = `movabsq $n, %rcx\nmovq (%rcx), %r8\nmovl $0x830, %ecx\nmovl $0xec, %eax\nmovl $${target}, %edx\nwrmsr`;
    const asked = run(ipi, true, () => {}).identityAsked;
    expect(asked).toBe(true);
  });

  test('an IPI to all others does not name one', () => {
    const world = run('movl $0x830, %ecx\nmovl $0xc00ec, %eax\nmovl $0, %edx\nwrmsr', true, () => {});
    expect(world.identityAsked).toBe(false);
    expect(world.symmetric).toBe(0b110);
  });

  test('the search says so, and looks at each core for itself', () => {
    const interrupted = new Set<string>();
    const image = guestImage(
      `P0:\nmovabsq $n, %rcx\nmovq (%rcx), %r8\nmovl $0x830, %ecx\nmovl $0xec, %eax\nmovl $1, %edx\nwrmsr\njmp cpu_idle\n${VICTIM}`,
      { n: 0 },
    );
    const found = explore(() => {
      const world = guestWorld(image, 3, MODELS);
      world.checkers.push({
        name: 'where',
        onEvent(event, w) {
          if (event.kind === 'interrupt' && w.lab.readLong(0, image.symbol('n').address) === 1n) interrupted.add(image.describe(event.rip));
        },
      });
      for (const [core, entry] of ['P0', 'V', 'V'].entries()) world.add({ core, entry });
      return world;
    });
    expect(found.notes).toContain('symmetry off: a core asked for its own number');
    // The other victim is done, and the one that is called is not.
    expect([...interrupted].some((place) => place.startsWith('v1') || place.startsWith('V'))).toBe(true);
  });
});
