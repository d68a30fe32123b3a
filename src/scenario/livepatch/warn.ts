import { addTasks } from '../kernel-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { extent, inTurn } from '../sizes.ts';
import { addPatcher, livepatchWorld, type Reader } from './livepatch-world.ts';

interface Warn extends Variant {
  readonly reader: Reader;
}

/** What a handler should do once it knows that RCU does not watch. */
export const warn = defineScenario<Warn>({
  name: 'livepatch/warn',
  alias: 'L4',
  title: 'a warning does not help, and giving up is worse',
  story:
    'The handler of L2 notices that RCU does not watch and warns. If it goes on, it is wrong only when a patch is removed at that moment. If it gives up, the ' +
    "kernel's own f runs every time, whatever patches the task has: versions are mixed by certainty and not by chance.",
  window: 'the whole handler, when it is called between the two steps of rcu_eqs_enter()',
  image: 'livepatch',
  scope: 'one-victim',
  sizes: { calls: extent(1, 2, 3) },
  share: { through: 'f called in the WINDOW' },
  variants: [
    { name: 'lw2', title: 'warns and goes on', expected: 'violation', shows: { check: 'I4' }, reader: 'LW2' },
    { name: 'lw3', title: "warns and returns: the kernel's own f runs", expected: 'violation', shows: { check: "I4'" }, reader: 'LW3' },
    {
      name: 'lw4',
      title: 'needs no RCU',
      expected: 'ok',
      history: 'livepatch: Fix stacking of patches with respect to RCU',
      reader: 'LW4',
    },
  ],
  build(image, variant, cell, engine) {
    const world = livepatchWorld(image, cell, engine, {
      reader: variant.reader,
      enabled: true,
      switches: { rcu_check: 0 },
      witnesses: ["P1's version runs", "P2's version runs", 'f called in the WINDOW'],
    });
    world.lab.configure({ eqs_window_fn: world.lab.symbol('call_f_in_window') });
    addPatcher(world, ['klp_disable_patch', 'klp_transition_work']);
    addTasks(world, cell, inTurn(['do_idle_window'], cell.calls));
    return world;
  },
});
