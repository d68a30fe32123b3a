import { nop5 } from '../../patch/instructions.ts';
import { textPokeBpV1 } from '../../patch/text-poke-v1.ts';
import { addVictims, labWorld, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { extent } from '../sizes.ts';

interface OneAddress extends Variant {
  readonly finalSync: boolean;
}

/** The first text_poke_bp: one address and one place to resume at. */
export const oneAddress = defineScenario<OneAddress>({
  name: 'text-poke/one-address',
  alias: 'TP-B',
  title: 'text_poke_bp of v3.12: one address for all',
  story:
    'CPU0 turns a call into a NOP. The handler compares the address of the #BP with the one that is being poked and resumes behind the instruction. Without ' +
    'the last SYNC a late handler finds that nothing is being poked any more.',
  window: 'between the first INT3 and the last SYNC',
  scope: 'two-victims',
  sizes: { calls: extent(1, 1, 3) },
  variants: [
    {
      name: 'complete',
      title: 'SYNC after the last store',
      expected: 'ok',
      history: 'x86: Introduce int3 (breakpoint)-based instruction patching',
      finalSync: true,
    },
    { name: 'no-final-sync', title: 'the last SYNC is left out', expected: 'violation', shows: { check: 'I1' }, finalSync: false },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    lab.configure({ int3_handler: lab.abi('INT3_BP_V1'), calls: cell.calls });
    const site = lab.symbol('site_call_q0_insn');
    const bytes = nop5();
    world.sites.push({ name: 'site_call_q0', address: site, versions: [lab.peek(site, 5), bytes], final: 1 });
    const text = textWorld(lab);
    world.add({
      core: 0,
      entry: 'patcher_stub',
      patcher: () => textPokeBpV1(text, { site, name: 'site_call_q0', bytes }, site + 5n, { finalSync: variant.finalSync }),
    });
    addVictims(world, cell, ['site_call_q0']);
    return world;
  },
});
