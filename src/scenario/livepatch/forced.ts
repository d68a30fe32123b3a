import { addTasks } from '../kernel-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { extent, inTurn } from '../sizes.ts';
import { addPatcher, livepatchWorld } from './livepatch-world.ts';

interface Forced extends Variant {
  readonly force: boolean;
  readonly unload: boolean;
}

/** A patch whose transition was forced may still be running anywhere. */
export const forced = defineScenario<Forced>({
  name: 'livepatch/forced',
  alias: 'B34',
  title: 'a patch is unloaded after a forced transition',
  story:
    "CPU0 disables P2 and does not want to wait for CPU1, which is in P2's f: it forces the transition, which ends at once. When the module of the patch " +
    'is then unloaded CPU1 returns into text that is gone.',
  window: "CPU1 is in P2's f, for as long as that takes",
  image: 'livepatch',
  scope: 'one-victim',
  sizes: { calls: extent(1, 2, 3) },
  variants: [
    { name: 'unload', title: 'forced, and unloaded', expected: 'violation', shows: { check: 'I5' }, force: true, unload: true },
    {
      name: 'never-unloaded',
      title: 'forced: the module stays for ever',
      expected: 'ok',
      history: 'livepatch: force transition to finish',
      force: true,
      unload: false,
    },
    { name: 'not-forced', title: 'every task has gone over, then the module is unloaded', expected: 'ok', force: false, unload: false },
  ],
  build(image, variant, cell, engine) {
    const world = livepatchWorld(image, cell, engine, {
      enabled: true,
      switches: { klp_unload_forced: variant.unload ? 1 : 0, klp_f_sleeps: 1, klp_judge: variant.force ? 0 : 1 },
      witnesses: ["P1's version runs", "P2's version runs"],
    });
    const force = variant.force ? ['klp_force_transition'] : [];
    addPatcher(world, ['klp_disable_patch', ...force, 'klp_transition_work', 'klp_unload_patch']);
    addTasks(world, cell, inTurn(['system_call'], cell.calls));
    return world;
  },
});
