import { Vector } from '../../isa/core-state.ts';
import type { Part } from '../../patch/text-poke.ts';
import {
  optimizedUprobe,
  optimizeUprobe,
  type UnoptimizeSwitches,
  type UprobeSite,
  unoptimizedUprobe,
  unoptimizeUprobe,
  uprobeNop,
} from '../../patch/uprobe.ts';
import { kernelWorld } from '../kernel-world.ts';
import { textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';

interface Uprobes extends Variant {
  readonly nop: 5 | 10;
  /** Taken back again, and how. */
  readonly unoptimize?: UnoptimizeSwitches;
}

/** A call in place of a NOP, in a function that does not expect one. */
export const uprobes = defineScenario<Uprobes>({
  name: 'user/uprobes',
  alias: 'B40',
  title: 'an optimised uprobe: red zone, thread inside',
  story:
    'The kernel on CPU0 turns a NOP in a user function into a call of a trampoline. CPU1 runs the function, a leaf that keeps data below its stack pointer: ' +
    'the return address of the call lands there. The ten-byte form moves the stack pointer first. It is two instructions, and a thread may stand between ' +
    'them when the probe is taken back: the bytes of the call must stay.',
  window: 'while a thread stands between the two instructions, or has data in the red zone',
  image: 'user',
  scope: 'one-victim',
  variants: [
    { name: 'nop5', title: 'a call in place of five bytes', expected: 'violation', nop: 5 },
    {
      name: 'nop10',
      title: 'LEA and a call in place of ten bytes',
      expected: 'ok',
      history: 'uprobes/x86: Move optimized uprobe from nop5 to nop10',
      nop: 10,
    },
    { name: 'nop10.unoptimize', title: 'ten bytes, and the first five taken back', expected: 'ok', nop: 10, unoptimize: {} },
    {
      name: 'nop10.unoptimize-all',
      title: 'ten bytes, and all of them taken back',
      expected: 'violation',
      mutant: 'uprobes: restore all bytes',
      nop: 10,
      unoptimize: { all: true },
    },
  ],
  build(image, variant, cell, engine) {
    const world = kernelWorld(image, cell, { engine });
    const { lab } = world;
    const name = `uprobe_nop${variant.nop}`;
    const site: UprobeSite = { address: lab.symbol(name), name, nop: variant.nop };
    const trampoline = lab.symbol(`uprobe_trampoline_nop${variant.nop}`);
    const { unoptimize } = variant;
    const nop = uprobeNop(site);
    const call = optimizedUprobe(site, trampoline);
    const back = unoptimize?.all === true ? nop : unoptimizedUprobe(site, trampoline);
    const taken = variant.nop === 5 ? [5] : [5, 5];
    world.sites.push({
      name,
      address: site.address,
      versions: [nop, call, ...(unoptimize === undefined ? [] : [back])],
      lengths: [[variant.nop], taken, ...(unoptimize === undefined ? [] : [[variant.nop]])],
      final: unoptimize === undefined ? 1 : 2,
      emulated: [nop],
    });
    lab.setGate(Vector.BP, 'asm_exc_int3_user', { type: 'interrupt', dpl: 3 });
    lab.configure({ uprobe_site: site.address, uprobe_len: variant.nop });
    world.wantedWitnesses = ['old bytes executed', '#BP handled and emulated', 'the uprobe is called through its trampoline'];
    const text = textWorld(lab);
    function* probe(): Part {
      yield* optimizeUprobe(text, site, trampoline);
      if (unoptimize !== undefined) yield* unoptimizeUprobe(text, site, unoptimize);
    }
    world.add({ core: 0, entry: 'patcher_stub', patcher: probe });
    for (let core = 1; core <= cell.victims; core++) world.add({ core, entry: `nop${variant.nop}_main` });
    return world;
  },
});
