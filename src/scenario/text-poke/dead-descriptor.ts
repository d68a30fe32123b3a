import { callTo } from '../../patch/instructions.ts';
import { type DescGuard, textPokeDesc } from '../../patch/text-poke-desc.ts';
import { addVictims, labWorld, locLayout, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { extent, inTurn } from '../sizes.ts';
import { BATCH_OF } from './batch-handlers.ts';

interface DeadDescriptor extends Variant {
  readonly guard: DescGuard;
  /** Victims run through a kprobe as well. */
  readonly kprobe: boolean;
  /** The patcher goes on to use the memory of its stack. */
  readonly reuse: boolean;
}

/** A count that guards an object cannot lie in the object. */
export const deadDescriptor = defineScenario<DeadDescriptor>({
  name: 'text-poke/dead-descriptor',
  alias: 'B02',
  title: 'a descriptor lies on a stack used again',
  story:
    "CPU0's batch has its descriptor on the stack: bp_desc points to it, handlers count themselves in it, and at the end CPU0 waits until the count is 0. " +
    'The SYNC behind the last step waits for the handlers of this batch. One that comes from the int3 of a kprobe has loaded bp_desc, is late, and finds ' +
    'a saved register where the count was: not 0, so it goes on with a record that is none.',
  window: 'between the load of bp_desc and the increment of its count',
  image: 'patching',
  scope: 'two-victims',
  sizes: ({ kprobe }) => ({ calls: extent(1, kprobe ? 2 : 1, 4) }),
  variants: [
    {
      name: 'on-stack',
      title: 'the descriptor is on the stack',
      expected: 'violation',
      shows: { check: 'exception' },
      guard: 'stack',
      kprobe: true,
      reuse: true,
    },
    {
      name: 'on-stack-not-reused',
      title: 'the descriptor is on the stack, and what was there stays: the count is 0',
      expected: 'ok',
      guard: 'stack',
      kprobe: true,
      reuse: false,
    },
    {
      name: 'no-kprobe',
      title: "the descriptor is on the stack, and no int3 but the batch's own",
      expected: 'ok',
      guard: 'stack',
      kprobe: false,
      reuse: true,
    },
    {
      name: 'static',
      title: 'the descriptor is always there; a count of 0 says that it is idle',
      expected: 'ok',
      guard: 'static',
      kprobe: true,
      reuse: true,
      history: 'x86/alternative: Fix race in try_get_desc()',
    },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    const site = lab.symbol('site_call_q0_insn');
    const old = lab.peek(site, 5);
    const change = { site, name: 'site_call_q0', bytes: callTo(site, lab.symbol('target_b')), old };
    world.sites.push({ name: change.name, address: site, versions: [old, change.bytes], final: 1 });
    lab.configure({
      int3_fn: lab.symbol('batch_int3'),
      batch: lab.abi(BATCH_OF[variant.guard]),
      kprobe_addr: variant.kprobe ? lab.symbol('kprobed_fn_insn') : 0,
    });
    const text = textWorld(lab);
    const layout = locLayout(lab);
    world.add({
      core: 0,
      entry: 'patcher_stub',
      patcher: () => textPokeDesc(text, layout, [change], variant.guard, { reuse: variant.reuse }),
    });
    if (variant.kprobe) world.wantedWitnesses = [...world.wantedWitnesses, 'kprobe handled'];
    addVictims(world, cell, inTurn(variant.kprobe ? ['site_call_q0', 'kprobed_fn'] : ['site_call_q0'], cell.calls));
    return world;
  },
});
