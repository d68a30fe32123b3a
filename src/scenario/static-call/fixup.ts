import { callTo, retPadded } from '../../patch/instructions.ts';
import { locked } from '../../patch/mutex.ts';
import type { Part } from '../../patch/text-poke.ts';
import { type BatchModification, textPokeBatch } from '../../patch/text-poke-batch.ts';
import { labWorld, locLayout, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';

interface Fixup extends Variant {
  /** The fixup takes text_mutex like everybody else. */
  readonly mutex: boolean;
}

/** One user of text_poke goes without the mutex. */
export const fixup = defineScenario<Fixup>({
  name: 'static-call/fixup',
  title: 'a trampoline is fixed up without text_mutex',
  story:
    'CPU1 loads a module and turns the trampoline of a static call from a jump into a ret, outside of text_mutex. CPU0 pokes another site meanwhile. There is one ' +
    'array of records: the second to come writes over the first record, and the first to go empties the array and takes the references back under ' +
    'the other: an int3 is claimed by nobody.',
  window: "while somebody else's three phases are under way",
  image: 'patching',
  scope: 'one-victim',
  variants: [
    { name: 'unlocked', title: 'the fixup takes no mutex', expected: 'violation', shows: { check: 'I1' }, mutex: false },
    {
      name: 'text-mutex',
      title: 'the fixup holds text_mutex',
      expected: 'ok',
      mutex: true,
      history: 'x86/static_call: Serialize __static_call_fixup() properly',
    },
  ],
  build(image, variant, cell, engine) {
    // The core that loads the module is number 1.
    const world = labWorld(image, { ...cell, victims: cell.victims + 1 }, { engine });
    const { lab } = world;
    lab.configure({ int3_handler: lab.abi('INT3_BP_REFS') });
    const change = (name: string, site: bigint, bytes: Uint8Array): BatchModification => ({ name, site, old: lab.peek(site, 5), bytes });
    const call = lab.symbol('site_call_q0_insn');
    const other = change('site_call_q0', call, callTo(call, lab.symbol('target_b')));
    const trampoline = change('__SCT__my_call', lab.symbol('__SCT__my_call'), retPadded());
    world.sites.push({ name: other.name, address: other.site, versions: [other.old, other.bytes], final: 1 });
    world.sites.push({
      name: trampoline.name,
      address: trampoline.site,
      versions: [trampoline.old, trampoline.bytes],
      lengths: [[5], [1, 1, 1, 1, 1]],
      final: 1,
    });
    const text = textWorld(lab);
    const layout = locLayout(lab);
    const poke = (m: BatchModification, mutex: boolean): Part => {
      const batch = textPokeBatch(text, layout, [m], {});
      return mutex ? locked(text, 'text_mutex', batch) : batch;
    };
    world.add({ core: 0, entry: 'patcher_stub', patcher: () => poke(other, true) });
    world.add({ core: 1, entry: 'patcher_stub', patcher: () => poke(trampoline, variant.mutex) });
    for (let core = 2; core <= cell.victims + 1; core++) {
      world.add({ core, entry: 'victim_main', calls: ['site_call_q0', 'static_call_trampoline'] });
    }
    return world;
  },
});
