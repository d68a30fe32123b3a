import { addTasks } from '../kernel-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { extent, inTurn } from '../sizes.ts';
import { addPatcher, livepatchWorld, type Reader } from './livepatch-world.ts';

interface Reverse extends Variant {
  readonly reader?: Reader;
  readonly switches?: Readonly<Record<string, number>>;
}

/** A transition is taken back while a task goes over by itself. */
export const reverse = defineScenario<Reverse>({
  name: 'livepatch/reverse',
  alias: 'L5',
  title: 'a reversal meets a task that switches itself',
  story:
    'P2 is being enabled, then the administrator takes it back. CPU1 leaves the kernel: it has cleared its TIF_PATCH_PENDING and read the target when CPU0 ' +
    'clears all flags, flips the target and looks which tasks have to go back. CPU1 does not seem to be one of them; then it stores the old target as its state.',
  window: 'between the load of klp_target_state and the store of patch_state in klp_update_patch_state()',
  image: 'livepatch',
  scope: 'one-victim',
  sizes: { calls: extent(1, 3, 3) },
  variants: [
    {
      name: 'no-wait',
      title: 'the target is flipped without a wait for tasks that switch themselves',
      expected: 'violation',
      shows: { check: "I4'" },
      mutant: 'livepatch: omit the wait in reverse',
      switches: { klp_wait_reverse: 0 },
    },
    { name: 'wait', title: 'flags cleared, wait, target flipped', expected: 'ok' },
    {
      name: 'wait-rcu',
      title: 'the same with rcu_read_lock() and synchronize_rcu()',
      expected: 'ok',
      history: 'livepatch: change to a per-task consistency model',
      reader: 'LW0',
    },
    { name: 'flip-first', title: 'target flipped, flags cleared, wait (v4.12)', expected: 'ok', switches: { klp_flip_first: 1 } },
    {
      name: 'flip-first-no-wait',
      title: 'target flipped, flags cleared, no wait',
      expected: 'violation',
      shows: { check: "I4'" },
      mutant: 'livepatch: omit the wait in reverse',
      switches: { klp_flip_first: 1, klp_wait_reverse: 0 },
    },
    {
      name: 'target-read-first',
      title: 'klp_update_patch_state() reads the target before it clears TIF_PATCH_PENDING',
      expected: 'violation',
      shows: { check: "I4'" },
      mutant: 'livepatch: clear PENDING after reading target',
      switches: { klp_pending_first: 0 },
    },
  ],
  build(image, variant, cell, engine) {
    const world = livepatchWorld(image, cell, engine, {
      ...(variant.reader === undefined ? {} : { reader: variant.reader }),
      ...(variant.switches === undefined ? {} : { switches: variant.switches }),
      witnesses: ["P1's version runs", "P2's version runs"],
    });
    addPatcher(world, ['klp_enable_patch', 'klp_reverse_transition', 'klp_transition_work']);
    addTasks(world, cell, inTurn(['system_call'], cell.calls));
    return world;
  },
});
