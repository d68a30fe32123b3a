import { addTasks } from '../kernel-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { addPatcher, livepatchWorld } from './livepatch-world.ts';

interface ComingModule extends Variant {
  readonly alive: boolean;
  readonly module: 'coming' | 'going';
}

const HISTORY = 'livepatch: Fix subtle race with coming and going modules';

/** A module is on the list before the notifier has patched it, and after the notifier has let go of it. */
export const comingModule = defineScenario<ComingModule>({
  name: 'livepatch/coming-module',
  alias: 'B33',
  title: 'a patch meets a module that comes or goes',
  story:
    'CPU1 loads the module of g: it is on the list of modules before the notifier applies the patches that are enabled, which is P1. CPU0 enables P2 in between, ' +
    'finds the module and patches g; then the notifier puts P1 on top. A module that goes is on the list until behind its notifier: a patch that finds it there ' +
    'uses what is about to be freed.',
  window: 'between the store that makes the module visible and klp_mutex in its notifier',
  image: 'livepatch',
  scope: 'one-victim',
  variants: [
    {
      name: 'coming-visible',
      title: 'whoever finds the module patches it; it comes',
      expected: 'violation',
      shows: { check: 'I4' },
      alive: false,
      module: 'coming',
    },
    {
      name: 'going-visible',
      title: 'whoever finds the module patches it; it goes',
      expected: 'violation',
      shows: { check: 'I5' },
      alive: false,
      module: 'going',
    },
    {
      name: 'coming-alive',
      title: 'klp_alive tells whose turn it is; it comes',
      expected: 'ok',
      history: HISTORY,
      alive: true,
      module: 'coming',
    },
    {
      name: 'going-alive',
      title: 'klp_alive tells whose turn it is; it goes',
      expected: 'ok',
      history: HISTORY,
      alive: true,
      module: 'going',
    },
  ],
  build(image, variant, cell, engine) {
    const coming = variant.module === 'coming';
    const world = livepatchWorld(image, cell, engine, {
      witnesses: ['a patch finds the module', ...(coming ? ["P2's version runs"] : [])],
    });
    const { lab } = world;
    lab.configure({ klp_module: lab.abi(variant.alive ? 'MODULE_ALIVE' : 'MODULE_VISIBLE') });
    if (coming) lab.poke(lab.symbol('g.func_stack'), 8, 0n);
    else for (const word of ['mod.listed', 'mod.klp_alive']) lab.poke(lab.symbol(word), 4, 1n);
    addPatcher(world, ['klp_enable_at_once']);
    addTasks(world, cell, coming ? ['load_module', 'call_g_when_enabled'] : ['delete_module']);
    return world;
  },
});
