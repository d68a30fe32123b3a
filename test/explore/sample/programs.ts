import { learn } from '../../../src/explore/explore.ts';
import type { Knowledge } from '../../../src/explore/knowledge.ts';
import type { World } from '../../../src/explore/world.ts';
import { guestImage, guestWorld } from '../../machine/guest.ts';

/** A program of two threads over quadwords; `bad` says of a run that ended, by r8 of both cores, that it must not. */
export function program(
  threads: readonly [string, string],
  vars: readonly string[],
  memory: 'sc' | 'tso',
  bad: (r8: readonly [bigint, bigint]) => boolean,
  fetch = 'coherent',
): () => World {
  const source = threads.map((text, n) => `P${n}:\n${text}\njmp cpu_idle\n`).join('');
  const image = guestImage(source, Object.fromEntries(vars.map((name) => [name, 0])));
  return () => {
    const world = guestWorld(image, 2, { memory, fetch });
    world.checkers.push({
      name: 'bad end',
      atEnd(w) {
        const [a, b] = w.machine.cores;
        if (bad([a!.gpr(8), b!.gpr(8)])) w.report({ check: 'assertion', message: 'a bad end', core: 1, rip: b!.rip });
      },
    });
    threads.forEach((_, core) => world.add({ core, entry: `P${core}` }));
    return world;
  };
}

/** The world, begun with all that there is to know. */
export function begun(make: () => World, knowledge: Knowledge = learn(make)): World {
  const world = make();
  world.begin(knowledge);
  return world;
}
