import type { Checker } from '../../explore/checker.ts';
import { labWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';

interface StaleTranslation extends Variant {
  readonly lock: 'TRANSLATOR_UNLOCKED' | 'TRANSLATOR_LOCKED' | 'TRANSLATOR_GENERATION';
}

/** The old and the new translation were executed. */
const translations: Checker = {
  name: 'translations',
  onEvent(event, world) {
    if (event.kind !== 'note' || event.id !== world.lab.abi('NOTE_TRANSLATION')) return;
    world.witnessed.add(event.a === 0xccn ? 'old bytes executed' : 'new bytes executed');
  },
};

/** How an emulator executed an INT3 that was gone: decode and publish were not one step against invalidation. */
export const staleTranslation = defineScenario<StaleTranslation>({
  name: 'text-poke/stale-translation',
  alias: 'B20',
  title: 'a translator publishes what it decoded before',
  story:
    'A translator reads guest bytes, decodes them and publishes the result; another core rewrites the bytes and invalidates. When the publication comes ' +
    'after the invalidation the old translation lives for ever, and the guest sees a ghost INT3.',
  window: 'between decoding the bytes and publishing the translation',
  scope: 'one-victim',
  variants: [
    {
      name: 'unlocked',
      title: 'nothing protects decode and publish',
      expected: 'violation',
      shows: { check: 'assertion' },
      lock: 'TRANSLATOR_UNLOCKED',
    },
    {
      name: 'locked',
      title: 'one lock around decode and publish, and around the invalidation',
      expected: 'ok',
      lock: 'TRANSLATOR_LOCKED',
      history: 'accel/tcg: Always lock pages before translation',
    },
    { name: 'generation', title: 'a translation of another generation is not used', expected: 'ok', lock: 'TRANSLATOR_GENERATION' },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    lab.configure({ translator_lock: lab.abi(variant.lock) });
    world.checkers.push(translations);
    world.wantedWitnesses = ['old bytes executed', 'new bytes executed'];
    world.add({ core: 0, entry: 'invalidator_main' });
    world.add({ core: 1, entry: 'translator_main' });
    for (let core = 2; core <= cell.victims; core++) world.add({ core, entry: 'victim_main', calls: [] });
    return world;
  },
});
