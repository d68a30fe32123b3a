import { defineScenario, type Variant } from '../scenario.ts';
import { kprobeWorld, probeAndCall, probeSite } from './kprobe-world.ts';

interface WatchpointInEntry extends Variant {
  readonly by: 'int3' | 'nmi';
  readonly disableDr7: boolean;
  readonly deep?: true;
}

/** A hardware watchpoint on a word that the entry of #DB writes. */
export const watchpointInEntry = defineScenario<WatchpointInEntry>({
  name: 'kprobes/watchpoint-in-entry',
  alias: 'K8',
  title: 'a watchpoint on what #DB entry writes',
  story:
    'A debugger watches a per-CPU word in which RCU counts how deep exceptions nest. Any exception writes it, which is a #DB behind that store; the entry of ' +
    '#DB writes it again, before anything could notice. It is the recursion of a probe in the entry path without any probe, so that no text says where ' +
    'it may not be: entry code has to turn breakpoints off in DR7 first, and back on last.',
  window: "from the delivery of the #DB to its handler's own store to what is watched",
  image: 'kprobes',
  scope: 'one-core',
  variants: [
    {
      name: 'dr7-left-on',
      title: 'a #BP, and DR7 stays as it is',
      expected: 'violation',
      shows: { check: 'I6' },
      by: 'int3',
      disableDr7: false,
    },
    {
      name: 'dr7-left-on-to-the-guard-page',
      title: 'the same until the stack ends',
      expected: 'violation',
      shows: { check: 'I6' },
      by: 'int3',
      disableDr7: false,
      deep: true,
    },
    {
      name: 'dr7-left-on-nmi',
      title: 'an NMI, and DR7 stays as it is',
      expected: 'violation',
      shows: { check: 'I6' },
      by: 'nmi',
      disableDr7: false,
    },
    {
      name: 'dr7-off',
      title: 'a #BP, #DB entry clears DR7 first',
      expected: 'ok',
      history: 'x86/entry: Introduce local_db_{save,restore}()',
      by: 'int3',
      disableDr7: true,
    },
    {
      name: 'dr7-off-nmi',
      title: 'an NMI at any instruction, entry clears DR7 first',
      expected: 'ok',
      history: 'x86/entry, nmi: Disable #DB',
      by: 'nmi',
      disableDr7: true,
    },
  ],
  build(image, variant, cell, engine) {
    const world = kprobeWorld(image, cell, { engine, deep: variant.deep === true });
    const { lab } = world;
    lab.configure({
      watched: lab.percpu('NMI_NESTING'),
      entry_disables_dr7: variant.disableDr7 ? 1 : 0,
      nmi_fn: lab.symbol('nmi_entry'),
    });
    probeAndCall(world, [probeSite(world, 'probed_fn')], ['arm_watchpoint', 'probed_fn'], variant.by === 'nmi' ? { nmi: true } : {});
    world.wantedWitnesses = ['a watchpoint was hit', 'a step was completed', ...(variant.by === 'nmi' ? ['an NMI was handled'] : [])];
    return world;
  },
});
