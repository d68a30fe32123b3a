import type { World } from '../../explore/world.ts';
import type { Image } from '../../image/image.ts';
import type { EngineName } from '../../machine/machine.ts';
import type { FtraceUpdate } from '../../patch/ftrace.ts';
import { callTo, nop5 } from '../../patch/instructions.ts';
import { kernelWorld } from '../kernel-world.ts';
import type { Cell } from '../scenario.ts';

/** The generic trampoline of fixtures/ftrace. */
export const GENERIC = 'ftrace_list_regs_caller';

/** A world of fixtures/ftrace: the handler of ftrace emulates calls of the generic trampoline, which asks the list of clients. */
export function ftraceWorld(image: Image, cell: Cell, engine: EngineName | undefined): World {
  const world = kernelWorld(image, cell, { engine });
  const { lab } = world;
  lab.configure({ int3_handler: lab.abi('INT3_FTRACE'), ftrace_regs_fn: lab.symbol(GENERIC) });
  return world;
}

/** Puts clients on the list before the run, in this order. The image has none there. */
export function listOps(world: World, ...names: readonly string[]): void {
  const { lab } = world;
  const next = BigInt(lab.abi('OPS_NEXT'));
  let link = lab.symbol('ftrace_ops_list');
  for (const name of names) {
    lab.poke(link, 8, lab.symbol(name));
    link = lab.symbol(name) + next;
  }
}

/** The change of a patched call: of a function's fentry site to call `target` (none: a NOP), or of a site that is a label itself. */
export function updateOf(world: World, name: string, target: string | undefined, site = `${name}_insn`): FtraceUpdate {
  const { lab } = world;
  const at = lab.symbol(site);
  const to = target === undefined ? 0n : lab.symbol(target);
  return { site: at, name, target: to, bytes: target === undefined ? nop5() : callTo(at, to) };
}

/**
 * Registers the site of some updates, one after the other: they are its versions. An fentry record in flux may also be emulated as a call of the generic
 * trampoline.
 */
export function addSite(world: World, updates: readonly FtraceUpdate[], record = true): void {
  const { lab } = world;
  const { name, site } = updates[0] as FtraceUpdate;
  const versions = [lab.peek(site, 5), ...updates.map((u) => u.bytes)];
  world.sites.push({
    name,
    address: site,
    versions,
    final: versions.length - 1,
    ...(record ? { emulated: [callTo(site, lab.symbol(GENERIC))] } : {}),
  });
}

/** What was just written into the text of the image before the run: a site that calls something else from the start. */
export function pokeSite(world: World, update: FtraceUpdate): void {
  update.bytes.forEach((byte, n) => world.lab.poke(update.site + BigInt(n), 1, BigInt(byte)));
}
