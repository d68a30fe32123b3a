import { addTasks } from '../kernel-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { extent, inTurn } from '../sizes.ts';
import { addPatcher, livepatchWorld, type Reader } from './livepatch-world.ts';

interface IrqEnter extends Variant {
  readonly reader: Reader;
  readonly proveRcu?: true;
  readonly irqIsNmi?: true;
  readonly judgeRecursion?: true;
}

/** rcu_irq_enter() where nesting is 0 and RCU still watches. */
export const irqEnterInWindow = defineScenario<IrqEnter>({
  name: 'livepatch/irq-enter-in-window',
  alias: 'L2',
  title: 'rcu_irq_enter() turns RCU off',
  story:
    'On its way to idle, rcu_eqs_enter() sets dynticks_nesting to 0 and then stops RCU from watching. The patched f is called between the two (WINDOW). ' +
    'The rcu_irq_enter() of its handler goes by dynticks_nesting, toggles dynticks, and RCU is off while the handler looks at func_stack: the race of L1 ' +
    'is back.',
  window: 'the whole handler, when it is called between the two steps of rcu_eqs_enter()',
  image: 'livepatch',
  scope: 'one-victim',
  sizes: { calls: extent(1, 2, 3) },
  variants: [
    { name: 'lw0', title: 'rcu_read_lock() alone: here RCU still watches', expected: 'ok', reader: 'LW0' },
    { name: 'lw1', title: 'rcu_irq_enter() first', expected: 'violation', shows: { check: 'I4' }, reader: 'LW1' },
    {
      name: 'lw1-prove-rcu',
      title: 'the same; rcu_read_lock() checks that RCU watches',
      expected: 'violation',
      shows: { check: 'I10' },
      reader: 'LW1',
      proveRcu: true,
    },
    {
      name: 'lw1-recursion',
      title: "rcu_irq_exit() goes through the WINDOW again: ftrace hides that call of f from the handler, the kernel's own runs",
      expected: 'violation',
      shows: { check: "I4'" },
      reader: 'LW1',
      judgeRecursion: true,
    },
    {
      name: 'lw1-irq-is-nmi',
      title: 'rcu_irq_enter() is rcu_nmi_enter(), which goes by dynticks',
      expected: 'ok',
      history: 'rcu: Define rcu_irq_{enter,exit}() in terms of rcu_nmi_{enter,exit}()',
      reader: 'LW1',
      irqIsNmi: true,
    },
    {
      name: 'lw4',
      title: 'preemption off, and every core schedules',
      expected: 'ok',
      history: 'livepatch: Fix stacking of patches with respect to RCU',
      reader: 'LW4',
    },
  ],
  build(image, variant, cell, engine) {
    const world = livepatchWorld(image, cell, engine, {
      reader: variant.reader,
      enabled: true,
      switches: {
        rcu_check: variant.proveRcu === true ? 1 : 0,
        klp_irq_is_nmi: variant.irqIsNmi === true ? 1 : 0,
        klp_judge_recursion: variant.judgeRecursion === true ? 1 : 0,
      },
      witnesses: ["P1's version runs", "P2's version runs", 'f called in the WINDOW'],
    });
    world.lab.configure({ eqs_window_fn: world.lab.symbol('call_f_in_window') });
    addPatcher(world, ['klp_disable_patch', 'klp_transition_work', 'klp_unload_patch']);
    addTasks(world, cell, inTurn(['do_idle_window'], cell.calls));
    return world;
  },
});
