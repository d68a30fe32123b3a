import { death } from '../explore/checkers/death.ts';
import { emulationChecker } from '../explore/checkers/emulation.ts';
import { siteChecker } from '../explore/checkers/site.ts';
import { syncChecker } from '../explore/checkers/sync.ts';
import { World } from '../explore/world.ts';
import type { Image } from '../image/image.ts';
import type { Lab } from '../kernel/lab.ts';
import type { EngineName, MachineOptions } from '../machine/machine.ts';
import { fetchPolicy } from '../machine/policy/index.ts';
import type { TextWorld } from '../patch/text-poke.ts';
import type { LocLayout } from '../patch/text-poke-batch.ts';
import type { Cell } from './scenario.ts';

/** A world of the lab image with the usual checkers: one patching core, number 0, and `cell.victims` victims behind it. */
export function labWorld(
  image: Image,
  cell: Cell,
  options: { readonly engine?: EngineName | undefined; readonly defect?: MachineOptions['defect'] } = {},
): World {
  const world = new World(image, {
    cores: cell.victims + 1,
    explore: { memory: cell.memory, fetch: fetchPolicy(cell.fetch) },
    ...(options.engine === undefined ? {} : { engine: options.engine }),
    ...(options.defect === undefined ? {} : { defect: options.defect }),
  });
  world.checkers.push(death, siteChecker(), emulationChecker(), syncChecker);
  world.lab.configure({ ncpus: cell.victims + 1 });
  return world;
}

/** What the protocols need to know of the lab. */
export function textWorld(lab: Lab): TextWorld {
  return {
    alias: (address) => lab.alias(address),
    symbol: (name) => lab.symbol(name),
    cores: lab.machine.cores.length,
    syncVector: lab.abi('SYNC_CORE_VECTOR'),
    percpuOf: (core, field) => lab.percpuOf(core, field),
  };
}

/** Layout of the records of the three-phase poke. */
export function locLayout(lab: Lab): LocLayout {
  const size = lab.abi('LOC_SIZE');
  return {
    size,
    address: lab.abi('LOC_ADDR'),
    disp: lab.abi('LOC_DISP'),
    length: lab.abi('LOC_LEN'),
    opcode: lab.abi('LOC_OPCODE'),
    oldOpcode: lab.abi('LOC_OLD_OPCODE'),
    oldDisp: lab.abi('LOC_OLD_DISP'),
    text: lab.abi('LOC_TEXT'),
    count: size * lab.abi('LOCS_MAX'),
  };
}

/** Gives every victim the same calls. */
export function addVictims(world: World, cell: Cell, calls: readonly string[]): void {
  for (let core = 1; core <= cell.victims; core++) world.add({ core, entry: 'victim_main', calls });
}
