import { WITNESSES } from '../../explore/world.ts';
import { callTo } from '../../patch/instructions.ts';
import type { Operation } from '../../patch/operation.ts';
import { pokeWriter } from '../../patch/site-writer.ts';
import { staticCallUpdate } from '../../patch/static-call.ts';
import type { Part } from '../../patch/text-poke.ts';
import { labWorld, locLayout, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';

interface Update extends Variant {
  /** Cores that make the key call the same new function. */
  readonly updaters: 1 | 2;
  /** The check "does it call that already?" is made before static_call_mutex is taken. */
  readonly checkOutside?: boolean;
  /** Sites that the key knows of. */
  readonly sites: 1 | 2;
  /** The update that waits for nobody behind the last first byte. */
  readonly noFinalSync?: boolean;
}

const SITES = ['static_call_site_1', 'static_call_site_2'] as const;
const BOTH_LIVE = 'new function at one site, then the old one at the other';

/** What callers may see while a key with two sites is updated, and behind it. */
export const update = defineScenario<Update>({
  name: 'static-call/update',
  title: 'two sites of one key, updated one by one',
  story:
    'CPU0 makes a key call target_b: the word of the key first, then one site after the other. In between a victim calls the new function at the first site and after it the old ' +
    'one at the second; that is no bug. When the update has returned, nobody may enter the old function through the key. A second core that updates to the same ' +
    'function finds it in the key already: it may only come back when the sites call it too.',
  window: 'between the pokes of two sites of one key',
  image: 'patching',
  scope: 'one-victim',
  variants: [
    { name: 'one-by-one', title: 'one site after the other', expected: 'ok', updaters: 1, sites: 2 },
    {
      name: 'missed-site',
      title: 'the key does not know of the second site',
      expected: 'violation',
      shows: { check: 'I4' },
      updaters: 1,
      sites: 1,
    },
    {
      name: 'no-final-sync',
      title: 'no SYNC behind the first bytes',
      expected: 'violation',
      shows: { check: 'I1' },
      updaters: 1,
      sites: 2,
      noFinalSync: true,
    },
    { name: 'two-updaters', title: 'a second core updates too', expected: 'ok', updaters: 2, sites: 2 },
    {
      name: 'checked-outside',
      title: 'a second core updates too, and looks at the key before it has the mutex',
      expected: 'violation',
      shows: { check: 'I4' },
      updaters: 2,
      sites: 2,
      checkOutside: true,
    },
  ],
  build(image, variant, cell, engine) {
    const victims = variant.updaters === 1 ? cell.victims : 0;
    const world = labWorld(image, { ...cell, victims: variant.updaters === 1 ? cell.victims : 1 }, { engine });
    const { lab } = world;
    lab.configure({ int3_handler: lab.abi('INT3_BP_REFS') });
    const target = lab.symbol('target_b');
    const func = lab.symbol('my_call.func');
    lab.poke(func, 8, lab.symbol('target_a'));
    const sites = SITES.map((name) => ({ name, address: lab.symbol(`${name}_insn`), form: 'call' as const }));
    const text = textWorld(lab);
    const write = pokeWriter(text, locLayout(lab), variant.noFinalSync === true ? { finalSync: false } : {});
    const key = { name: 'my_call', func, initial: lab.symbol('target_a'), sites: sites.slice(0, variant.sites) };
    for (const s of key.sites) {
      world.sites.push({ name: s.name, address: s.address, versions: [lab.peek(s.address, 5), callTo(s.address, target)], final: 1 });
    }
    const updated: Operation = {
      do: 'store',
      address: lab.symbol('static_call_updated'),
      bytes: 4,
      value: 1n,
      what: 'static_call_updated',
    };
    function* updater(): Part {
      yield* staticCallUpdate(text, key, target, write, { checkOutside: variant.checkOutside === true });
      yield updated;
      if (variant.updaters === 2) yield { do: 'call', address: lab.symbol('static_call_user'), what: 'static_call_user' };
    }
    world.wantedWitnesses = variant.updaters === 1 ? [...WITNESSES, BOTH_LIVE] : ['new bytes executed'];
    for (let core = 0; core < variant.updaters; core++) world.add({ core, entry: 'patcher_stub', patcher: updater });
    for (let core = 1; core <= victims; core++) world.add({ core, entry: 'victim_main', calls: ['static_call_user'] });
    return world;
  },
});
