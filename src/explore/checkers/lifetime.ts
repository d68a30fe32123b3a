import type { Checker } from '../checker.ts';
import type { World, WorldAccess } from '../world.ts';

/** Objects whose death can be told apart. */
const MAX_OBJECTS = 64;

/** A stretch of memory that was freed at least once, by linear address. */
interface Freed {
  readonly address: bigint;
  readonly size: bigint;
}

/**
 * I5: from the guest's `NOTE_FREE` of a stretch of memory to its next `NOTE_ALLOC`, no core loads, stores, fetches or traps there. Whoever frees writes (poison,
 * INT3), so that what another core uses is a word that cores share, and seen. What a core uses that it freed itself is seen in worlds with one core, and where
 * the whole slab is watched (`World.watch`).
 */
export function lifetimeChecker(): Checker {
  let bits = 0;
  /** In the order in which they were first seen; what is dead now is in the world's meta words. */
  const known: Freed[] = [];

  const isDead = (world: World, n: number): boolean => (world.meta.get(bits, n >> 5) & (1 << (n & 31))) !== 0;
  const mark = (world: World, n: number, dead: boolean): void => {
    const word = world.meta.get(bits, n >> 5);
    world.meta.set(bits, n >> 5, dead ? word | (1 << (n & 31)) : word & ~(1 << (n & 31)));
  };
  const deadAt = (world: World, address: bigint, size: number): boolean =>
    known.some((f, n) => address < f.address + f.size && f.address < address + BigInt(size) && isDead(world, n));

  return {
    name: 'lifetime',
    begin(world) {
      bits = world.meta.shared(MAX_OBJECTS / 32);
      const { image } = world.lab;
      if (!image.hasSymbol('slab')) return;
      const poisons = world.lab.peek(image.symbol('cfg_slab_poison').address, 1)[0] !== 0;
      if (world.machine.cores.length > 1 && poisons) return;
      const { address, size } = image.symbol('slab');
      world.watch(address, size);
    },
    onEvent(event, world) {
      if (event.kind === 'fetch') {
        if (!deadAt(world, event.rip, event.bytes.length)) return;
        const message = `CPU${event.core} executes at ${world.lab.image.describe(event.rip)}, which has been freed`;
        world.report({ check: 'I5', message, core: event.core, rip: event.rip });
        return;
      }
      if (event.kind !== 'note') return;
      if (event.id === world.lab.abi('NOTE_FREE')) {
        let n = known.findIndex((f) => f.address === event.a && f.size === event.b);
        if (n < 0) {
          n = known.push({ address: event.a, size: event.b }) - 1;
          if (n >= MAX_OBJECTS) throw new RangeError(`more than ${MAX_OBJECTS} objects are freed`);
        }
        mark(world, n, true);
      } else if (event.id === world.lab.abi('NOTE_ALLOC')) {
        known.forEach((f, n) => {
          if (event.a < f.address + f.size && f.address < event.a + event.b) mark(world, n, false);
        });
      }
    },
    onAccess(access, world) {
      const address = world.lab.linear(access.physical);
      if (!deadAt(world, address, access.size)) return;
      const what = world.words.get(address) ?? world.lab.image.describe(address);
      const message = `CPU${access.core} ${verb(access)} ${what}, which has been freed`;
      world.report({ check: 'I5', message, core: access.core, rip: access.rip });
    },
  };
}

const verb = (access: WorldAccess): string => (access.kind === 'load' || access.kind === 'locked load' ? 'reads' : 'writes');
