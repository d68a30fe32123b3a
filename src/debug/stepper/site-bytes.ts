import type { Site } from '../../explore/site.ts';
import type { World } from '../../explore/world.ts';
import type { Core } from '../../machine/core.ts';
import { fetchableBytes, fetchViews, pendingStores } from '../../machine/look.ts';
import { disassemble } from '../disassemble.ts';
import type { Names } from '../names.ts';
import { inNames } from './code.ts';

/** A byte of a site. */
export interface SiteByte {
  /** What memory holds. */
  readonly memory: number;
  /** In a core's row: other values that its fetch may still return, oldest first. */
  readonly stale: readonly number[];
  /** In a core's row: what its own store there will make it, once that has left the store buffer. */
  readonly pending: number | undefined;
  /** In memory's row: another value than one step before. */
  readonly changed: boolean;
}

/** Memory, or what one core may see of it. */
export interface SiteRow {
  /** Undefined: memory. */
  readonly core: number | undefined;
  readonly bytes: readonly SiteByte[];
  /** The instructions at the first byte: of memory, or those that the core's fetch could return; `stale` ones are not what memory holds. */
  readonly instructions: readonly { readonly text: string; readonly stale: boolean }[];
}

export interface SiteLook {
  readonly name: string;
  readonly address: bigint;
  /** Memory first. */
  readonly rows: readonly SiteRow[];
}

/** What memory holds at each site: to see later what a step changed. */
export const siteBytes = (world: World): Uint8Array[] => world.sites.map((s) => world.lab.peek(s.address, s.versions[0]?.length ?? 0));

/** The bytes of every site in memory, and beside it what each core may see. `before`: what memory held one step ago. */
export function lookAtSites(world: World, names: Names, before: readonly Uint8Array[]): SiteLook[] {
  return siteBytes(world).map((memory, n) => {
    const site = world.sites[n] as Site;
    const bytes = [...memory].map((value, i) => ({
      memory: value,
      stale: [],
      pending: undefined,
      changed: before[n] !== undefined && before[n][i] !== value,
    }));
    const held = { core: undefined, bytes, instructions: [{ text: sayBytes(names, site, memory), stale: false }] };
    return {
      name: site.name,
      address: site.address,
      rows: [held, ...world.machine.cores.map((c) => rowOf(world, names, site, c, memory))],
    };
  });
}

function rowOf(world: World, names: Names, site: Site, core: Core, memory: Uint8Array): SiteRow {
  const { machine } = world;
  const first = world.lab.physical(site.address);
  const stores = pendingStores(machine, core);
  const pendingAt = (physical: number): number | undefined => {
    const store = stores.findLast((s) => physical >= s.physical && physical < s.physical + s.size);
    return store === undefined ? undefined : Number((store.value >> BigInt(8 * (physical - store.physical))) & 0xffn);
  };
  return {
    core: core.index,
    bytes: [...memory].map((value, i) => ({
      memory: value,
      stale: fetchableBytes(machine, core, first + i, value).filter((v) => v !== value),
      pending: pendingAt(first + i),
      changed: false,
    })),
    instructions: fetchViews(machine, core, site.address).map(({ bytes, stale }) => ({ text: sayBytes(names, site, bytes), stale })),
  };
}

const sayBytes = (names: Names, site: Site, bytes: Uint8Array): string =>
  names.instruction(site, bytes) ??
  disassemble(bytes, site.address)
    .map((line) => inNames(line, names))
    .join('; ');
