import type { Checker } from '../checker.ts';
import type { World } from '../world.ts';

/** The entry stub of #BP that makes room for an emulated call copies the frame this far down, in bytes. */
export const GAP = 48n;

/** I6: exceptions and interrupts nest at most `limit` deep on a core. Each is under way from its delivery to the IRET that takes its frame. */
export function nestingChecker(limit = 8): Checker {
  const depthAt = limit * 2;
  let levels: number[] = [];

  function enter(world: World, core: number, frame: bigint, rip: bigint): void {
    const at = levels[core] as number;
    const depth = world.meta.get(at, depthAt);
    if (depth === limit) {
      const where = world.lab.image.describe(rip);
      world.report({ check: 'I6', message: `exceptions nested ${limit + 1} deep on CPU${core}, the last at ${where}`, core, rip });
      return;
    }
    world.meta.setLong(at, depth * 2, frame);
    world.meta.set(at, depthAt, depth + 1);
  }

  /** Not always the innermost: tasks interleave, and an IRET that only serializes takes none. */
  function leave(world: World, core: number, frame: bigint): void {
    const at = levels[core] as number;
    const depth = world.meta.get(at, depthAt);
    const frames = Array.from({ length: depth }, (_, n) => world.meta.getLong(at, n * 2));
    const taken = frames.findLastIndex((f) => f === frame || f - GAP === frame);
    if (taken < 0) return;
    for (let n = taken; n < depth; n++) world.meta.setLong(at, n * 2, frames[n + 1] ?? 0n);
    world.meta.set(at, depthAt, depth - 1);
  }

  return {
    name: 'nesting',
    begin(world) {
      levels = world.meta.perCore(depthAt + 1);
    },
    onEvent(event, world) {
      if (event.kind === 'exception' || event.kind === 'interrupt') enter(world, event.core, event.frame, event.rip);
      else if (event.kind === 'iret') leave(world, event.core, event.frame);
    },
  };
}
