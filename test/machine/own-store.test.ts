import { expect, test } from 'vitest';
import { options } from '../../src/explore/path.ts';
import { perform } from '../../src/machine/choices.ts';
import { guestWorld } from './guest.ts';
import { programImage } from './icache-programs.ts';

/** A loop that executes a site and then stores to it; the branch back comes right behind the store. */
const LOOP = 'S0\nO0\nincl %ebp\ncmpl $2, %ebp\njne 7b\nxorl %ebp, %ebp';

test.each(['sc', 'tso'] as const)('what a store to own text leads to does not depend on what was decoded before, under %s', (memory) => {
  const world = guestWorld(programImage([LOOP]), 1, { memory, fetch: 'intel-sdm' });
  const { machine } = world;
  machine.fetch.declarePatched(world.lab.physical(world.lab.symbol('site0')), 2);
  world.add({ core: 0, entry: 'P0' });
  world.begin();
  const base = machine.mark();
  const run = (): string[] => {
    const seen: string[] = [];
    for (let offered = options(world, 0); offered.length > 0; offered = options(world, 0)) {
      machine.mark();
      perform(machine, offered.at(-1)!);
      seen.push(`${offered.length} ${machine.hash()}`);
    }
    machine.rollback(base);
    machine.mark();
    return seen;
  };
  const cold = run();
  expect(cold.length).toBeGreaterThan(3);
  expect(run()).toEqual(cold);
  machine.engine.clearDecodeCache();
  expect(run()).toEqual(cold);
});
