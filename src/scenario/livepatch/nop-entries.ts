import { addTasks } from '../kernel-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { addPatcher, livepatchWorld } from './livepatch-world.ts';

interface NopEntries extends Variant {
  readonly check: boolean;
}

/** A cumulative patch brings an original back by an entry that replaces nothing. */
export const nopEntries = defineScenario<NopEntries>({
  name: 'livepatch/nop-entries',
  alias: 'B35',
  title: 'a nop entry leads back to the function itself',
  story:
    'P2 replaces all of P1 and does not patch g any more: its entry on func_stack is a nop, whose new_func is g itself. A handler that writes that into rip ' +
    'goes back to the first instruction of g, the fentry site, and from there to the handler again.',
  window: 'none: any call of g once the task has gone over',
  image: 'livepatch',
  scope: 'one-victim',
  variants: [
    { name: 'no-check', title: 'the handler treats nop entries like others', expected: 'violation', shows: { check: 'I13' }, check: false },
    {
      name: 'nop-check',
      title: 'the handler leaves rip alone',
      expected: 'ok',
      history: 'livepatch: Add atomic replace',
      check: true,
    },
  ],
  build(image, variant, cell, engine) {
    const world = livepatchWorld(image, cell, engine, {
      switches: { klp_nop_check: variant.check ? 1 : 0 },
      witnesses: ["P1's version runs", "P2's version runs"],
    });
    const { lab } = world;
    lab.poke(lab.symbol('P2.g'), 8, lab.symbol('g'));
    lab.poke(lab.symbol('P2.g.nop'), 8, 1n);
    addPatcher(world, ['klp_enable_patch', 'klp_transition_work']);
    addTasks(world, cell, ['call_g', 'system_call', 'call_g', 'system_call']);
    return world;
  },
});
