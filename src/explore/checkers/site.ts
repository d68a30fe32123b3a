import type { Checker } from '../checker.ts';
import { INT3, type Site, versionOf } from '../site.ts';
import type { World } from '../world.ts';

const AROUND = 16;

/** I2 and I12 for every registered site, the code-race sanitizer, and the witnesses that old and new bytes ran. */
export function siteChecker(): Checker {
  const surroundings = new Map<Site, { before: Uint8Array; after: Uint8Array }>();
  return {
    name: 'site',
    onEvent(event, world) {
      if (event.kind !== 'fetch') return;
      const site = world.sites.find((s) => event.rip >= s.address && event.rip < s.address + BigInt(s.versions[0]!.length));
      const where = site === undefined ? world.lab.image.describe(event.rip) : site.name;
      if (event.race !== undefined) {
        const message = `CPU${event.core} could have fetched ${candidates(event.race.candidates)} at ${where}: no serializing event since the write`;
        if (event.race.decides) world.report({ check: 'code-race', message, core: event.core, rip: event.rip });
        else world.notes.add(`code race at ${where}, within the policy's rules`);
      }
      if (site === undefined) return;
      const offset = Number(event.rip - site.address);
      if (offset === 0 && event.bytes[0] === INT3) return;
      const version = versionOf(site, offset, event.bytes);
      if (version < 0) {
        const at = offset === 0 ? `at ${site.name}` : `inside ${site.name}, at byte ${offset}`;
        world.report({
          check: 'I2',
          message: `CPU${event.core} executes ${hex(event.bytes)} ${at}, which was never published`,
          core: event.core,
          rip: event.rip,
        });
        return;
      }
      if (version === 0) world.witnessed.add('old bytes executed');
      if (version === site.versions.length - 1) world.witnessed.add('new bytes executed');
    },
    atEnd(world) {
      for (const site of world.sites) {
        const length = site.versions[0]!.length;
        const wanted = site.versions[site.final] as Uint8Array;
        const found = world.lab.peek(site.address, length);
        if (!same(wanted, found)) {
          world.report({
            check: 'I12',
            message: `${site.name} holds ${hex(found)} at the end, intended was ${hex(wanted)}`,
            core: 0,
            rip: site.address,
          });
        }
        const around = surroundings.get(site);
        if (around !== undefined && !unchanged(world, site, around)) {
          world.report({ check: 'I12', message: `bytes around ${site.name} changed`, core: 0, rip: site.address });
        }
      }
    },
    begin(world) {
      for (const site of world.sites) surroundings.set(site, around(world, site));
    },
  };
}

function around(world: World, site: Site): { before: Uint8Array; after: Uint8Array } {
  const length = BigInt(site.versions[0]!.length);
  return { before: world.lab.peek(site.address - BigInt(AROUND), AROUND), after: world.lab.peek(site.address + length, AROUND) };
}

/** Bytes near a site that belong to no other site. */
function unchanged(world: World, site: Site, was: { before: Uint8Array; after: Uint8Array }): boolean {
  const now = around(world, site);
  const foreign = (address: bigint): boolean =>
    !world.sites.some((s) => address >= s.address && address < s.address + BigInt(s.versions[0]!.length));
  const after = site.address + BigInt(site.versions[0]!.length);
  return (
    now.before.every((b, i) => b === was.before[i] || !foreign(site.address - BigInt(AROUND - i))) &&
    now.after.every((b, i) => b === was.after[i] || !foreign(after + BigInt(i)))
  );
}

/** The instructions that could have been fetched: the first few in full. */
function candidates(all: readonly Uint8Array[]): string {
  const shown = all.slice(0, 3).map(hex).join(' or ');
  return all.length > 3 ? `${shown} or ${all.length - 3} more` : shown;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i]);
const hex = (bytes: Uint8Array): string => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join(' ');
