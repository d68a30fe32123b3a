import type { Part, TextWorld } from './text-poke.ts';

/** Takes a lock of the kernel, a word of four bytes that is 0 while nobody has it. */
export function* mutexLock(world: TextWorld, name: string): Part {
  const word = { address: world.symbol(name), bytes: 4 } as const;
  for (;;) {
    yield { do: 'await', words: [word], until: ([held]) => held === 0n, what: name };
    if ((yield { do: 'compare-exchange', ...word, expected: 0n, value: 1n, what: name }) === 0n) return;
  }
}

export function* mutexUnlock(world: TextWorld, name: string): Part {
  yield { do: 'store', address: world.symbol(name), bytes: 4, value: 0n, what: name };
}

/** Runs `part` under a lock. */
export function* locked(world: TextWorld, name: string, part: Part): Part {
  yield* mutexLock(world, name);
  yield* part;
  yield* mutexUnlock(world, name);
}
