import { defineScenario, type Variant } from '../scenario.ts';
import { livepatchWorld, type Reader } from './livepatch-world.ts';

interface NmiInWindow extends Variant {
  readonly reader: Reader;
  readonly irqIsNmi?: true;
}

/** The open question of the thread: will rcu_irq_enter() still work from the NMI? */
export const nmiInWindow = defineScenario<NmiInWindow>({
  name: 'livepatch/nmi-in-window',
  alias: 'L3',
  title: 'rcu_irq_enter() from an NMI turns RCU off',
  story:
    'An NMI comes between the two steps of rcu_eqs_enter(), when dynticks_nesting is 0 and RCU still watches. rcu_nmi_enter() goes by dynticks and finds ' +
    'everything in order. The NMI calls f, whose handler does rcu_irq_enter(): that goes by dynticks_nesting and stops RCU from watching, inside the NMI.',
  window: 'an NMI between the two steps of rcu_eqs_enter()',
  image: 'livepatch',
  scope: 'one-core',
  variants: [
    { name: 'lw0', title: 'rcu_nmi_enter() alone', expected: 'ok', reader: 'LW0' },
    {
      name: 'lw1',
      title: 'the handler does rcu_irq_enter()',
      mutant: 'livepatch: rcu_irq_enter() in the handler',
      expected: 'violation',
      shows: { check: 'I10' },
      reader: 'LW1',
    },
    {
      name: 'lw1-irq-is-nmi',
      title: 'rcu_irq_enter() is rcu_nmi_enter()',
      expected: 'ok',
      history: 'rcu: Define rcu_irq_{enter,exit}() in terms of rcu_nmi_{enter,exit}()',
      reader: 'LW1',
      irqIsNmi: true,
    },
    {
      name: 'lw4',
      title: 'preemption off instead of RCU',
      expected: 'ok',
      history: 'livepatch: Fix stacking of patches with respect to RCU',
      reader: 'LW4',
    },
  ],
  build(image, variant, cell, engine) {
    const world = livepatchWorld(image, cell, engine, {
      reader: variant.reader,
      enabled: true,
      switches: { klp_irq_is_nmi: variant.irqIsNmi === true ? 1 : 0 },
      witnesses: ["P2's version runs", 'NMI in the WINDOW'],
    });
    world.lab.configure({ nmi_fn: world.lab.symbol('call_f_in_nmi') });
    world.add({ core: 0, entry: 'victim_task_main', calls: ['do_idle_window'], pendingNmi: true, interruptAnywhere: true });
    return world;
  },
});
