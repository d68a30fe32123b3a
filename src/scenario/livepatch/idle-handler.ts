import { addTasks } from '../kernel-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { extent, inTurn } from '../sizes.ts';
import { addPatcher, livepatchWorld, type Reader } from './livepatch-world.ts';

interface IdleHandler extends Variant {
  readonly reader: Reader;
  readonly wait?: false;
  readonly unload?: true;
  readonly proveRcu?: true;
}

/** The handler runs in the idle loop, where rcu_read_lock() protects nothing, while P2 is disabled. */
export const idleHandler = defineScenario<IdleHandler>({
  name: 'livepatch/idle-handler',
  alias: 'L1',
  title: 'a handler in the idle loop, a patch that goes',
  story:
    'f is called in the idle loop, where RCU does not watch the core. Its handler has taken P2 from func_stack when CPU0 takes P2 off: all tasks have gone ' +
    'over, and synchronize_rcu() does not wait for a core that is idle. The handler then finds P2 no longer in transition and goes to a function that was removed.',
  window: 'between the load of func_stack and that of transition in klp_ftrace_handler()',
  image: 'livepatch',
  scope: 'one-victim',
  sizes: { calls: extent(1, 2, 3) },
  variants: [
    { name: 'lw0', title: 'rcu_read_lock() and synchronize_rcu()', expected: 'violation', shows: { check: 'I4' }, reader: 'LW0' },
    {
      name: 'lw0-unload',
      title: 'the same, and the module of the patch is unloaded',
      expected: 'violation',
      shows: { check: 'I5' },
      reader: 'LW0',
      unload: true,
    },
    {
      name: 'lw0-prove-rcu',
      title: 'rcu_read_lock() checks that RCU watches',
      expected: 'violation',
      shows: { check: 'I10' },
      reader: 'LW0',
      proveRcu: true,
    },
    { name: 'lw1', title: 'rcu_irq_enter() makes RCU watch first', expected: 'ok', reader: 'LW1', unload: true },
    {
      name: 'lw4',
      title: 'preemption off, and every core schedules',
      expected: 'ok',
      history: 'livepatch: Fix stacking of patches with respect to RCU',
      reader: 'LW4',
      unload: true,
    },
    {
      name: 'lw4-no-wait',
      title: 'klp_complete_transition() does not wait between pop and the end of the transition',
      expected: 'violation',
      shows: { check: 'I4' },
      mutant: 'livepatch: omit the wait in complete',
      reader: 'LW4',
      wait: false,
    },
  ],
  build(image, variant, cell, engine) {
    const world = livepatchWorld(image, cell, engine, {
      reader: variant.reader,
      enabled: true,
      switches: { calls: 1, rcu_check: variant.proveRcu === true ? 1 : 0, klp_wait_complete: variant.wait === false ? 0 : 1 },
      witnesses: ["P1's version runs", "P2's version runs"],
    });
    const unload = variant.unload === true ? ['klp_unload_patch'] : [];
    addPatcher(world, ['klp_disable_patch', 'klp_transition_work', ...unload]);
    addTasks(world, cell, inTurn(['do_idle'], cell.calls));
    return world;
  },
});

interface IdleHandlerEnable extends Variant {
  readonly reader: Reader;
  readonly wait?: false;
  readonly late?: true;
}

/** The twin on the enable path. */
export const idleHandlerEnable = defineScenario<IdleHandlerEnable>({
  name: 'livepatch/idle-handler-enable',
  alias: 'L1b',
  title: 'a handler in the idle loop, a transition ends',
  story:
    'P2 is being enabled. The handler of an idle core has read that P2 is in transition; CPU0 ends the transition, its synchronize_rcu() does not wait for ' +
    'the idle core, and patch_state becomes KLP_UNDEFINED before the handler reads it.',
  window: 'between the loads of transition and patch_state in klp_ftrace_handler()',
  image: 'livepatch',
  scope: 'one-victim',
  sizes: { calls: extent(1, 2, 3) },
  variants: [
    { name: 'lw0', title: 'rcu_read_lock() and synchronize_rcu()', expected: 'violation', shows: { check: "I4'" }, reader: 'LW0' },
    { name: 'lw1', title: 'rcu_irq_enter() makes RCU watch first', expected: 'ok', reader: 'LW1' },
    {
      name: 'lw4',
      title: 'preemption off, and every core schedules',
      expected: 'ok',
      history: 'livepatch: Fix stacking of patches with respect to RCU',
      reader: 'LW4',
    },
    {
      name: 'lw4-no-wait',
      title: 'klp_complete_transition() does not wait before it makes patch_state undefined',
      expected: 'violation',
      shows: { check: "I4'" },
      mutant: 'livepatch: omit the wait in complete',
      reader: 'LW4',
      wait: false,
    },
    {
      name: 'lw4-transition-late',
      title: 'transition is set after the functions are pushed',
      expected: 'violation',
      shows: { check: "I4'" },
      mutant: 'livepatch: set transition after pushing',
      reader: 'LW4',
      late: true,
    },
  ],
  build(image, variant, cell, engine) {
    const world = livepatchWorld(image, cell, engine, {
      reader: variant.reader,
      switches: {
        rcu_check: 0,
        klp_wait_complete: variant.wait === false ? 0 : 1,
        klp_transition_first: variant.late === true ? 0 : 1,
      },
      witnesses: ["P1's version runs", "P2's version runs"],
    });
    addPatcher(world, ['klp_enable_patch', 'klp_transition_work']);
    addTasks(world, cell, inTurn(['do_idle'], cell.calls));
    return world;
  },
});
