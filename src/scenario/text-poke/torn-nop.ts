import { labWorld } from '../lab-world.ts';
import { defineScenario, underPolicies, type Variant } from '../scenario.ts';

interface TornNop extends Variant {
  readonly switches: Readonly<Record<string, number>>;
}

/** In-place optimisation of NOPs on one core, and an interrupt in the middle. */
export const tornNop = defineScenario<TornNop>({
  name: 'text-poke/torn-nop',
  alias: 'B07',
  title: 'an interrupt runs through half-merged NOPs',
  story:
    'One core turns three one-byte NOPs into one of three bytes, byte by byte. With interrupts on, an interrupt whose handler runs through them executes ' +
    'what is half old and half new.',
  window: 'between the first store and the last, and from there to the serializing instruction',
  scope: 'one-core',
  variants: [
    {
      name: 'irqs-off',
      title: 'interrupts off, sync before they are on again',
      expected: 'ok',
      switches: { nops_irqs_off: 1, nops_sync: 1 },
      history: 'x86/alternatives: Disable interrupts and sync when optimizing NOPs in place',
    },
    {
      name: 'sync-after-irqs',
      title: 'interrupts off, and on again before the sync: B08',
      // The core that wrote fetches what it wrote where fetch is coherent.
      expected: underPolicies(['coherent', 'zen3'], 'ok', 'violation'),
      switches: { nops_irqs_off: 1, nops_sync: 2 },
      history: 'x86/alternatives: Sync core before enabling interrupts',
    },
    { name: 'irqs-on', title: 'interrupts on', expected: 'violation', switches: { nops_irqs_off: 0, nops_sync: 2 } },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, { ...cell, victims: 0 }, { engine });
    const { lab } = world;
    lab.configure({ ...variant.switches, irq_fn: lab.symbol('nops3_fn') });
    const site = lab.symbol('nops3_fn_insn');
    world.sites.push({
      name: 'nops3_fn',
      address: site,
      versions: [Uint8Array.of(0x90, 0x90, 0x90), Uint8Array.of(0x0f, 0x1f, 0x00)],
      lengths: [[1, 1, 1], [3]],
      final: 1,
    });
    world.wantedWitnesses = ['old bytes executed', 'new bytes executed'];
    world.add({ core: 0, entry: 'patcher_nops_main', pendingInterrupt: lab.abi('LAB_IRQ_VECTOR') });
    return world;
  },
});
