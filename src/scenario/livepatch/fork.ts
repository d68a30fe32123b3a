import { addTasks } from '../kernel-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { addPatcher, livepatchWorld } from './livepatch-world.ts';

interface Fork extends Variant {
  readonly locked: boolean;
  /** Which change of the parent comes in between. */
  readonly race: 'reverse' | 'enable';
}

const HISTORY = 'livepatch: fix race between fork and KLP transition';

/** A child is made of a parent that goes over meanwhile. */
export const fork = defineScenario<Fork>({
  name: 'livepatch/fork',
  alias: 'L6',
  title: 'a child is born with a flag that nobody clears',
  story:
    'fork copies the flags of a task early, TIF_PATCH_PENDING among them, and patch_state late; until the child is on the task list nobody else can see it. ' +
    'In between the parent loses its flag: a reverse clears the flags of all tasks that it finds, or the parent goes over while it sleeps. The child keeps ' +
    'the flag, and the transition ends with a task that is still to go over.',
  window: 'between the copy of the flags and that of patch_state',
  image: 'livepatch',
  scope: 'one-victim',
  variants: [
    {
      name: 'early-copy',
      title: 'the flags are copied early; a reverse in between',
      expected: 'violation',
      shows: { check: "I4'" },
      locked: false,
      race: 'reverse',
    },
    {
      name: 'early-copy-enable',
      title: 'the flags are copied early; the parent goes over in its sleep',
      expected: 'violation',
      shows: { check: "I4'" },
      locked: false,
      race: 'enable',
    },
    {
      name: 'locked',
      title: 'state and flag are set together, under tasklist_lock',
      expected: 'ok',
      history: HISTORY,
      locked: true,
      race: 'reverse',
    },
    {
      name: 'locked-enable',
      title: 'the same; the parent goes over in its sleep',
      expected: 'ok',
      history: HISTORY,
      locked: true,
      race: 'enable',
    },
  ],
  build(image, variant, cell, engine) {
    const enable = variant.race === 'enable' ? 1 : 0;
    const world = livepatchWorld(image, cell, engine, {
      switches: { klp_fork_locked: variant.locked ? 1 : 0, klp_fork_sleeps: enable, klp_switch_tasks: enable },
      witnesses: ['a child has to go over'],
    });
    const reverse = enable === 1 ? [] : ['klp_reverse_transition'];
    addPatcher(world, ['klp_enable_patch', ...reverse, 'klp_transition_work']);
    addTasks(world, cell, ['copy_process']);
    return world;
  },
});
