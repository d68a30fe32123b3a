import type { World } from '../../explore/world.ts';
import type { Image } from '../../image/image.ts';
import type { EngineName } from '../../machine/machine.ts';
import { kernelWorld } from '../kernel-world.ts';
import type { Cell } from '../scenario.ts';

/** What protects the handler, by era (`LW*` of fixtures/livepatch/livepatch-abi.h). */
export type Reader = 'LW0' | 'LW1' | 'LW2' | 'LW3' | 'LW4';

export interface LivepatchOptions {
  readonly reader?: Reader;
  /** What P2 replaces: P1's functions (default) or the kernel's own. */
  readonly base?: 'P1' | 'ORIGINAL';
  /** P2 is enabled from the start. */
  readonly enabled?: boolean;
  /** Switches of the image, by name without `cfg_`. */
  readonly switches?: Readonly<Record<string, bigint | number>>;
  /** What must have happened in some run each before an OK counts. */
  readonly witnesses: readonly string[];
}

/** A world of the livepatch kernel (fixtures/livepatch): f and g traced, P1 on them unless asked otherwise. Nobody acts yet. */
export function livepatchWorld(image: Image, cell: Cell, engine: EngineName | undefined, options: LivepatchOptions): World {
  const world = kernelWorld(image, cell, { engine });
  const { lab } = world;
  const base = options.base ?? 'P1';
  lab.configure({
    klp_reader: lab.abi(options.reader ?? 'LW4'),
    klp_base: lab.abi(`VERSION_${base}`),
    ...options.switches,
  });
  for (const function_ of ['f', 'g']) {
    const stack = (base === 'P1' ? ['P1'] : []).concat(options.enabled === true ? ['P2'] : []);
    const entries = stack.map((patch) => lab.symbol(`${patch}.${function_}`));
    stack.forEach((patch, n) => lab.poke(lab.symbol(`${patch}.${function_}.next`), 8, entries[n - 1] ?? 0n));
    lab.poke(lab.symbol(`${function_}.func_stack`), 8, entries.at(-1) ?? 0n);
  }
  world.wantedWitnesses = options.witnesses;
  namePerCpu(world);
  return world;
}

/** What each core's per-CPU data is called, `CPU1.patch_state`; the child of a fork is the only one there is. */
function namePerCpu(world: World): void {
  const { lab } = world;
  for (const { name, address } of lab.image.symbols) {
    if (!name.startsWith('PERCPU.')) continue;
    const field = name.slice('PERCPU.'.length);
    for (const { index } of world.machine.cores)
      world.words.set(
        lab.percpuOf(index, 'CPU') - BigInt(lab.abi('PERCPU_CPU')) + address,
        field.startsWith('child.') ? field : `CPU${index}.${field}`,
      );
  }
}

/** CPU0 calls functions of the transition side one after the other. */
export function addPatcher(world: World, calls: readonly string[]): void {
  world.add({ core: 0, entry: 'victim_task_main', calls });
}
