import { addTasks } from '../kernel-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { extent, inTurn } from '../sizes.ts';
import { addPatcher, livepatchWorld } from './livepatch-world.ts';

interface StackCheck extends Variant {
  readonly switches?: Readonly<Record<string, number>>;
}

/** Tasks that sleep go over by a look at their stack; who wakes up meanwhile must not. */
export const stackCheck = defineScenario<StackCheck>({
  name: 'livepatch/stack-check',
  alias: 'B36',
  title: 'a task wakes up while its stack is looked at',
  story:
    'CPU0 looks whether a patched function is on the stack of a task that sleeps, and if there is none makes the task go over. Without the lock of the run ' +
    'queue the task can wake up behind the look and enter the old f; its next call of g is the new one.',
  window: 'between the look at the stack and the store of patch_state',
  image: 'livepatch',
  scope: 'one-victim',
  sizes: { calls: extent(1, 2, 3) },
  variants: [
    {
      name: 'locked',
      title: 'under the lock of the run queue; tasks that run are refused',
      expected: 'ok',
      history: 'livepatch: change to a per-task consistency model',
    },
    {
      name: 'no-lock',
      title: 'without the lock',
      expected: 'violation',
      shows: { check: "I4'" },
      switches: { klp_rq_lock: 0 },
    },
    {
      name: 'running',
      title: 'under the lock, but of tasks that run, too',
      expected: 'violation',
      shows: { check: "I4'" },
      switches: { klp_refuse_running: 0 },
    },
  ],
  build(image, variant, cell, engine) {
    const world = livepatchWorld(image, cell, engine, {
      switches: { klp_switch_tasks: 1, klp_f_sleeps: 1, klp_f_calls_g: 1, ...variant.switches },
      witnesses: ["P1's version runs", "P2's version runs"],
    });
    addPatcher(world, ['klp_enable_patch', 'klp_transition_work']);
    addTasks(world, cell, inTurn(['sleeping_system_call'], cell.calls));
    return world;
  },
});
