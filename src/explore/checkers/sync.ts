import type { Core } from '../../machine/core.ts';
import type { Checker } from '../checker.ts';
import type { Site } from '../site.ts';
import type { World } from '../world.ts';

/**
 * I8, a note that never decides: between two phases of a protocol, and before it is over, every core executed a serializing event after the
 * stores of the phase before. It needs a fetch policy that keeps versions; a protocol may well be right without it, and a dropped SYNC breaks it
 * whether or not anything raced.
 */
export const syncChecker: Checker = {
  name: 'sync',
  onEvent(event, world) {
    const { text } = world.machine;
    if (text === undefined || world.machine.policy?.stale !== true) return;
    if (event.kind === 'mark' && event.mark.kind === 'end') {
      const { site } = event.mark;
      note(world, world.sites.find((s) => s.address === site), () => 1, 'the protocol ended');
    }
    if (event.kind === 'text') {
      const site = world.sites.find((s) => quadwords(world, s).includes(text.indexOf(event.physical)));
      // The store itself made the last version of what it wrote: there one more may be behind.
      const written = new Set(Array.from({ length: event.size }, (_, i) => text.indexOf(event.physical + i)));
      note(world, site, (q) => (written.has(q) ? 2 : 1), 'the next store came');
    }
  },
};

function quadwords(world: World, site: Site): number[] {
  const { text } = world.machine;
  if (text === undefined) return [];
  const first = world.lab.physical(site.address);
  const found = new Set(Array.from({ length: site.versions[0]!.length }, (_, i) => text.indexOf(first + i)));
  return [...found].filter((q) => q >= 0);
}

function note(world: World, site: Site | undefined, allowed: (quadword: number) => number, when: string): void {
  const { text, cores } = world.machine;
  if (site === undefined || text === undefined) return;
  const behind = (core: Core): boolean => quadwords(world, site).some((q) => text.count(q) - text.floor(core, q) > allowed(q));
  const late = cores.filter(behind).map((c) => `CPU${c.index}`);
  if (late.length > 0) world.notes.add(`I8: ${when} before every core had serialized after the store to ${site.name} that went before it`);
}
