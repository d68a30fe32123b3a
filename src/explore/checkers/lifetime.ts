import type { Checker } from '../checker.ts';
import type { World, WorldAccess } from '../world.ts';

/** Stretches that can be dead at the same time. */
const MAX_DEAD = 64;
/** Words of one of them: address, size. */
const WORDS = 4;

/** A stretch of memory that is dead, by linear address. */
interface Dead {
  readonly address: bigint;
  readonly size: bigint;
}

const overlap = (a: Dead, b: Dead): boolean => a.address < b.address + b.size && b.address < a.address + a.size;

/**
 * I5: from the guest's `NOTE_FREE` of a stretch of memory to its next `NOTE_ALLOC`, no core loads, stores, fetches or traps there. Whoever frees writes (poison,
 * INT3), so that what another core uses is a word that cores share, and seen. What a core uses that it freed itself is seen in worlds with one core, and where
 * the whole slab is watched (`World.watch`).
 */
export function lifetimeChecker(): Checker {
  /** How many are dead, and behind it which, by address: the same for the same dead, in whatever order they died. */
  let words = 0;

  const read = (world: World, n: number): Dead => ({
    address: world.meta.getLong(words, 1 + n * WORDS),
    size: world.meta.getLong(words, 3 + n * WORDS),
  });
  const all = (world: World): Dead[] => Array.from({ length: world.meta.get(words) }, (_, n) => read(world, n));
  const set = (world: World, before: number, dead: readonly Dead[]): void => {
    if (dead.length > MAX_DEAD) throw new RangeError(`more than ${MAX_DEAD} objects are freed`);
    world.meta.set(words, 0, dead.length);
    for (let n = 0; n < Math.max(before, dead.length); n++) {
      world.meta.setLong(words, 1 + n * WORDS, dead[n]?.address ?? 0n);
      world.meta.setLong(words, 3 + n * WORDS, dead[n]?.size ?? 0n);
    }
  };
  const isDead = (world: World, address: bigint, size: number): boolean => {
    const accessed = { address, size: BigInt(size) };
    return all(world).some((d) => overlap(d, accessed));
  };

  return {
    name: 'lifetime',
    begin(world) {
      words = world.meta.shared(1 + MAX_DEAD * WORDS);
      const { image } = world.lab;
      if (!image.hasSymbol('slab')) return;
      const poisons = world.lab.peek(image.symbol('cfg_slab_poison').address, 1)[0] !== 0;
      if (world.machine.cores.length > 1 && poisons) return;
      const { address, size } = image.symbol('slab');
      world.watch(address, size);
    },
    onEvent(event, world) {
      if (event.kind === 'fetch') {
        if (!isDead(world, event.rip, event.bytes.length)) return;
        const message = `CPU${event.core} executes at ${world.lab.image.describe(event.rip)}, which has been freed`;
        world.report({ check: 'I5', message, core: event.core, rip: event.rip });
        return;
      }
      if (event.kind !== 'note') return;
      const stretch = { address: event.a, size: event.b };
      if (event.id === world.lab.abi('NOTE_FREE')) {
        const dead = all(world);
        if (dead.some((d) => d.address === stretch.address && d.size === stretch.size)) return;
        const after = [...dead, stretch].sort((a, b) =>
          a.address === b.address ? Number(a.size - b.size) : a.address < b.address ? -1 : 1,
        );
        set(world, dead.length, after);
      } else if (event.id === world.lab.abi('NOTE_ALLOC')) {
        const dead = all(world);
        const alive = dead.filter((d) => !overlap(d, stretch));
        if (alive.length < dead.length) set(world, dead.length, alive);
      }
    },
    onAccess(access, world) {
      const address = world.lab.linear(access.physical);
      if (!isDead(world, address, access.size)) return;
      const what = world.words.get(address) ?? world.lab.image.describe(address);
      const message = `CPU${access.core} ${verb(access)} ${what}, which has been freed`;
      world.report({ check: 'I5', message, core: access.core, rip: access.rip });
    },
  };
}

const verb = (access: WorldAccess): string => (access.kind === 'load' || access.kind === 'locked load' ? 'reads' : 'writes');
