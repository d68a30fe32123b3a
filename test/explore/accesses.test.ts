import { expect, test } from 'vitest';
import { guestImage, guestWorld, wholeGraph } from '../machine/guest.ts';

const PROGRAM = 'P0:\nmovabsq $x, %rax\nmovq $1, (%rax)\nmovq $2, 8(%rax)\njmp cpu_idle\n';

test.each(['sc', 'tso'] as const)('%s: checkers hear of stores that come before the first visible operation', (memory) => {
  const image = guestImage(PROGRAM, { x: 0 });
  const heard = new Set<bigint>();
  wholeGraph(() => {
    const world = guestWorld(image, 1, { memory, fetch: 'coherent' });
    world.watch(world.lab.symbol('x'), 16);
    world.checkers.push({ name: 'stores', onAccess: (access) => void heard.add(access.value) });
    world.add({ core: 0, entry: 'P0' });
    return world;
  });
  expect([...heard]).toEqual([1n, 2n]);
});
