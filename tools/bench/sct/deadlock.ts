import type { Checker } from '../../../src/explore/checker.ts';
import type { World } from '../../../src/explore/world.ts';

/** What a thread waits for: nothing, a mutex by its number + 1, or no longer anything because it is over. */
const NOTHING = 0;
const OVER = -1;
const FIELD = { waits: 0, holds: 1 };

/**
 * I13 for the mutexes of fixtures/sct, which spin: threads that wait for each other in a circle, or for one that ended with the mutex. Told by the
 * notes of lock() and unlock(), so that a sampled run sees at once what otherwise only the whole graph of states tells (a livelock).
 */
export function deadlockChecker(): Checker {
  let words: readonly number[] = [];
  const get = (world: World, core: number, field: number): number => world.meta.get(words[core] as number, field);
  const set = (world: World, core: number, field: number, value: number): void => world.meta.set(words[core] as number, field, value);

  /** The threads from `core` on, each waiting for the next one's mutex; undefined when the last of them can go on. */
  function blocked(world: World, core: number): readonly number[] | undefined {
    const chain = [core];
    for (;;) {
      const waits = get(world, chain.at(-1) as number, FIELD.waits);
      if (waits === OVER) return chain;
      if (waits === NOTHING) return undefined;
      const owner = words.findIndex((_, c) => (get(world, c, FIELD.holds) & (1 << (waits - 1))) !== 0);
      if (owner < 0) return undefined;
      if (chain.includes(owner)) return chain;
      chain.push(owner);
    }
  }

  return {
    name: 'deadlock',
    begin(world) {
      words = world.meta.perCore(2);
    },
    onEvent(event, world) {
      if (event.kind !== 'note') return;
      const { core } = event;
      const mutex = Number(event.a);
      switch (event.id) {
        case world.lab.abi('NOTE_LOCKED'):
          set(world, core, FIELD.waits, NOTHING);
          set(world, core, FIELD.holds, get(world, core, FIELD.holds) | (1 << mutex));
          return;
        case world.lab.abi('NOTE_UNLOCK'):
          set(world, core, FIELD.holds, get(world, core, FIELD.holds) & ~(1 << mutex));
          return;
        case world.lab.abi('NOTE_LOCK_WAIT'):
          set(world, core, FIELD.waits, mutex + 1);
          break;
        case world.lab.abi('NOTE_THREAD_END'):
          set(world, core, FIELD.waits, OVER);
          break;
        default:
          return;
      }
      for (let c = 0; c < words.length; c++) {
        const chain = get(world, c, FIELD.waits) > NOTHING ? blocked(world, c) : undefined;
        if (chain === undefined) continue;
        const at = world.machine.cores[c]!;
        world.report({ check: 'I13', cause: 'deadlock', message: say(world, chain), core: c, rip: at.rip });
        return;
      }
    },
  };

  function say(world: World, chain: readonly number[]): string {
    const waits = (c: number): number => get(world, c, FIELD.waits);
    const each = chain.filter((c) => waits(c) > NOTHING).map((c) => `CPU${c} waits for mutex ${waits(c) - 1}`);
    const over = chain.filter((c) => waits(c) === OVER).map((c) => `CPU${c} has ended with it`);
    return `deadlock: ${[...each, ...over].join(', ')}`;
  }
}
