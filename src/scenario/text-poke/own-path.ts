import { callTo } from '../../patch/instructions.ts';
import { type BatchSwitches, textPokeBatch } from '../../patch/text-poke-batch.ts';
import { addVictims, labWorld, locLayout, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';

interface OwnPath extends Variant {
  readonly switches: BatchSwitches;
}

/** The patching core executes the site that it patches, between the phases. */
export const ownPath = defineScenario<OwnPath>({
  name: 'text-poke/own-path',
  alias: 'B09',
  title: 'the patcher runs through its own site',
  story:
    'Sending an IPI, waiting for it and returning from interrupts run through patched text as well (static branches). Between two phases the patching core ' +
    'itself takes the #BP of its own INT3 and must get through the handler like any other.',
  window: "while the patcher's own path leads through its INT3",
  scope: 'one-victim',
  variants: [
    { name: 'complete', title: 'references before the INT3', expected: 'ok', switches: {} },
    {
      name: 'descriptor-after-int3',
      title: 'the references are handed out after the INT3',
      expected: 'violation',
      shows: { check: 'I1' },
      switches: { publishLate: true },
    },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    lab.configure({ int3_handler: lab.abi('INT3_BP_REFS'), calls: 1 });
    const site = lab.symbol('site_call_q0_insn');
    const old = lab.peek(site, 5);
    const bytes = callTo(site, lab.symbol('target_b'));
    world.sites.push({ name: 'site_call_q0', address: site, versions: [old, bytes], final: 1 });
    const text = textWorld(lab);
    const layout = locLayout(lab);
    const switches = { ...variant.switches, ownPath: lab.symbol('site_call_q0') };
    world.add({
      core: 0,
      entry: 'patcher_stub',
      patcher: () => textPokeBatch(text, layout, [{ site, name: 'site_call_q0', bytes, old }], switches),
    });
    addVictims(world, cell, ['site_call_q0']);
    return world;
  },
});
