import { INT3 } from '../../explore/site.ts';
import { nop5 } from '../../patch/instructions.ts';
import { type DescGuard, type DescSwitches, textPokeDesc } from '../../patch/text-poke-desc.ts';
import { addVictims, labWorld, locLayout, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { BATCH_OF } from './batch-handlers.ts';

interface Teardown extends Variant {
  readonly guard: DescGuard;
  readonly switches: DescSwitches;
  /** The site gets a NOP instead of the int3 of a kprobe. */
  readonly toNop?: true;
}

/** What is published for handlers goes away while one of them reads it, because the int3 that it came from stays. */
export const teardown = defineScenario<Teardown>({
  name: 'text-poke/teardown',
  alias: 'B01',
  title: 'records go away under a handler; its int3 stays',
  story:
    'CPU0 takes the jump of an optimised kprobe back to its int3. The last step, a new first byte and a SYNC behind it, is not needed then, and the site ' +
    'keeps trapping. Where the batch ends by vec = NULL and nr_entries = 0, a handler that has seen nr_entries loads vec: NULL.',
  window: "from the handler's look at the batch to its last use of the records",
  image: 'patching',
  scope: 'two-victims',
  variants: [
    {
      name: 'vec-first',
      title: 'vec becomes NULL, then nr_entries 0, and nothing waits',
      expected: 'violation',
      shows: { check: 'exception' },
      guard: 'vec',
      switches: { teardown: 'vec-nr' },
      history: 'x86/alternative: Batch of patch operations',
    },
    {
      name: 'reordered',
      title: 'nr_entries becomes 0 first, and nothing waits',
      expected: 'violation',
      shows: { check: 'exception' },
      guard: 'vec',
      switches: { teardown: 'nr-vec' },
    },
    {
      name: 'sync-before',
      title: 'SYNC before both, vec first',
      expected: 'violation',
      shows: { check: 'exception' },
      guard: 'vec',
      switches: { teardown: 'sync-vec-nr' },
    },
    {
      name: 'sync-between',
      title: 'nr_entries becomes 0, SYNC, then vec NULL',
      expected: 'ok',
      guard: 'vec',
      switches: { teardown: 'nr-sync-vec' },
      history: 'x86/alternatives: Sync bp_patching update for avoiding NULL pointer exception',
    },
    {
      name: 'int3-goes',
      title: 'the site becomes a NOP: the SYNC behind the last step waits for every handler',
      expected: 'ok',
      guard: 'vec',
      switches: { teardown: 'vec-nr' },
      toNop: true,
    },
    {
      name: 'count-on-stack',
      title: "handlers are counted in a descriptor on the patcher's stack, which nobody uses again meanwhile",
      expected: 'ok',
      guard: 'stack',
      switches: {},
      history: 'x86/alternatives: Implement a better poke_int3_handler() completion scheme',
    },
    {
      name: 'count-on-stack-reused',
      title: 'the same, and the patcher goes on to use its stack',
      expected: 'violation',
      guard: 'stack',
      switches: { reuse: true },
    },
    {
      name: 'count-static',
      title: 'handlers are counted in a descriptor that is always there',
      expected: 'ok',
      guard: 'static',
      switches: {},
    },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    const site = lab.symbol('optprobe_fn_insn');
    const old = lab.peek(site, 5);
    const bytes = variant.toNop === true ? nop5() : Uint8Array.of(INT3, ...nop5().subarray(1));
    // The detour does what the probe does; whoever meets the int3 meanwhile takes it.
    const change = { site, name: 'optprobe_fn', bytes, old, ...(variant.toNop === true ? {} : { emulate: old }) };
    world.sites.push({ name: 'optprobe_fn', address: site, versions: [old, bytes], final: 1, emulated: [old] });
    lab.configure({ int3_fn: lab.symbol('batch_int3'), batch: lab.abi(BATCH_OF[variant.guard]) });
    if (variant.toNop !== true) {
      lab.configure({ kprobe_addr: site });
      world.wantedWitnesses = ['old bytes executed', '#BP handled and emulated', 'kprobe handled'];
    }
    const text = textWorld(lab);
    const layout = locLayout(lab);
    world.add({ core: 0, entry: 'patcher_stub', patcher: () => textPokeDesc(text, layout, [change], variant.guard, variant.switches) });
    addVictims(world, cell, ['optprobe_fn']);
    return world;
  },
});
