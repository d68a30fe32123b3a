import type { Core } from '../../machine/core.ts';
import { keepsVersions } from '../../machine/policy/policy.ts';
import type { Checker } from '../checker.ts';
import type { Site } from '../site.ts';
import type { World, WorldEvent } from '../world.ts';

/**
 * I8, a note that never decides: between two phases of a protocol, and before it is over, every core executed a serializing event after the
 * stores of the phase before. It needs a fetch policy that keeps versions; a protocol may well be right without it, and a dropped SYNC breaks it
 * whether or not anything raced.
 */
export const syncChecker: Checker = {
  name: 'sync',
  onEvent(event, world) {
    const { text } = world.machine;
    const { policy } = world.machine;
    if (text === undefined || policy === undefined || !keepsVersions(policy)) return;
    if (event.kind === 'mark' && event.mark.kind === 'end') {
      const { site } = event.mark;
      note(
        world,
        world.sites.find((s) => s.address === site),
        () => 1,
        'the protocol ended',
      );
    }
    const phase = phaseOf(event, world);
    if (phase === undefined || phase.number === 1) return;
    const site = world.sites.find((s) => s.address === phase.site);
    if (site === undefined) return;
    // The phase itself made the last version of what it wrote: there one more may be behind.
    const first = world.lab.physical(site.address);
    const bytes = site.versions[0]!.map((_, i) => i).filter((i) => (i === 0) === (phase.number === 3));
    const written = new Set([...bytes].map((i) => text.indexOf(first + i)));
    note(world, site, (q) => (written.has(q) ? 2 : 1), 'the next store came');
  },
};

/** A phase of the protocol whose bytes are in memory now, told by a patcher in TypeScript or in the guest. */
function phaseOf(event: WorldEvent, world: World): { readonly site: bigint; readonly number: number } | undefined {
  if (event.kind === 'mark' && event.mark.kind === 'phase') return { site: event.mark.site, number: event.mark.phase };
  if (event.kind === 'note' && event.id === world.lab.abi('NOTE_PHASE')) return { site: event.a, number: Number(event.b) };
  return undefined;
}

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
