import { disassemble } from '../../debug/disassemble.ts';
import { hexBytes, type Names } from '../../debug/names.ts';
import type { Site } from '../../explore/site.ts';
import type { World } from '../../explore/world.ts';
import type { Core } from '../../machine/core.ts';
import { fetchableBytes, fetchViews, pendingStores } from '../../machine/look.ts';
import type { BytesRow, ByteView, SiteView } from './protocol.ts';

/** What memory holds at each site, to see what a step changed. */
export const siteBytes = (world: World): Uint8Array[] => world.sites.map((s) => world.lab.peek(s.address, s.versions[0]!.length));

/** The bytes of every site: memory, and what each core may still fetch. `before`: what memory held one step ago. */
export function siteViews(world: World, names: Names, before: readonly Uint8Array[]): SiteView[] {
  return siteBytes(world).map((memory, n) => {
    const site = world.sites[n] as Site;
    const changed = (i: number): boolean => before[n]?.[i] !== memory[i];
    const memoryRow: BytesRow = {
      core: undefined,
      bytes: [...memory].map((value, i) => ({ value, stale: [], changed: changed(i) })),
      text: instruction(names, site, memory),
      buffered: false,
    };
    return {
      name: site.name,
      address: `0x${site.address.toString(16)}`,
      rows: [memoryRow, ...world.machine.cores.map((core) => coreRow(world, names, site, core, memory))],
    };
  });
}

function coreRow(world: World, names: Names, site: Site, core: Core, memory: Uint8Array): BytesRow {
  const first = world.lab.physical(site.address);
  const bytes: ByteView[] = [...memory].map((value, i) => ({
    value,
    stale: fetchableBytes(world.machine, core, first + i, value).filter((v) => v !== value),
    changed: false,
  }));
  const views = fetchViews(world.machine, core, site.address);
  const buffered = pendingStores(world.machine, core).some((s) => s.physical < first + memory.length && first < s.physical + s.size);
  const words = views.map((v) => `${fetched(names, site, v.bytes)}${v.stale ? ' (stale)' : ''}`);
  return { core: core.index, bytes, text: [...new Set(words)].join(' or '), buffered };
}

/** An instruction that a fetch may return, in words. */
const fetched = (names: Names, site: Site, bytes: Uint8Array): string =>
  names.instruction(site, bytes) ?? names.disassembled(bytes, site.address) ?? hexBytes(bytes);

function instruction(names: Names, site: Site, bytes: Uint8Array): string {
  return (
    names.instruction(site, bytes) ??
    disassemble(bytes, site.address)
      .map((line) => line.text)
      .join('; ')
  );
}
