import { type StaticKeySwitches, StaticKeyUser } from '../../patch/jump-label.ts';
import type { Operation } from '../../patch/operation.ts';
import type { Part } from '../../patch/text-poke.ts';
import { labWorld, locLayout, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { branchOf, featureKey } from './branch.ts';

interface ConcurrentInc extends Variant {
  readonly switches: StaticKeySwitches;
  /** What every core does: raises the count; raises it and lowers it again; enables the key, which core 0 disables behind all. */
  readonly users: 'inc' | 'inc-dec' | 'enable';
  /** The cores that enable do not look whether the branch says on. */
  readonly blind?: true;
}

/** Two cores turn on one static key. */
export const concurrentInc = defineScenario<ConcurrentInc>({
  name: 'jump-label/concurrent-inc',
  alias: 'B15',
  title: 'a second user is back before the branch is on',
  story:
    'CPU0 is the first user of a key: it raises the count and writes the branches. CPU1 is the second: the count is not 0, so there is nothing to do, and ' +
    'it goes on to use what the key guards, at a branch that still says off. The count that says "in progress" makes it wait for the mutex. The twin of it: two ' +
    'cores enable a key, both find it off, the count becomes 2, and disabling it once leaves it on.',
  window: 'between the count that says on and the last patched branch',
  image: 'patching',
  scope: 'one-victim',
  variants: [
    {
      name: 'count-first',
      title: 'the count is 1 before the branches are written',
      expected: 'violation',
      shows: { check: 'I4' },
      switches: { raise: 'at-once' },
      users: 'inc',
      mutant: 'static key: set 1 before patching',
    },
    {
      name: 'in-progress',
      title: 'the count is -1 until the branches are written',
      expected: 'ok',
      switches: {},
      users: 'inc',
      history: 'locking/static_key: Fix concurrent static_key_slow_inc()',
    },
    {
      name: 'inc-and-dec',
      title: 'each user goes again: the last one turns the branches off',
      expected: 'ok',
      switches: {},
      users: 'inc-dec',
    },
    {
      name: 'inc-and-dec-count-first',
      title: 'each user goes again, and the count is 1 before the branches are written',
      expected: 'violation',
      shows: { check: 'I4' },
      switches: { raise: 'at-once' },
      users: 'inc-dec',
    },
    {
      name: 'enable-counts',
      title: 'enable() looks at the count without the mutex, then raises it',
      expected: 'violation',
      shows: { check: 'I4' },
      switches: { enableCounts: true },
      users: 'enable',
    },
    {
      name: 'enable-counts-twice',
      title: 'the same, and nobody minds when the branch says on: it still does when the key is disabled',
      expected: 'violation',
      shows: { check: 'I4' },
      switches: { enableCounts: true },
      users: 'enable',
      blind: true,
    },
    {
      name: 'enable-locked',
      title: 'enable() makes the count 1 under the mutex',
      expected: 'ok',
      switches: {},
      users: 'enable',
      history: 'jump_label: Fix concurrent static_key_enable/disable()',
    },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    lab.configure({ int3_handler: lab.abi('INT3_BP_REFS') });
    const branch = branchOf(lab, 'static_branch');
    const off = variant.users !== 'inc';
    world.sites.push({
      name: branch.name,
      address: branch.site,
      versions: off ? [branch.off, branch.on, branch.off] : [branch.off, branch.on],
      final: off ? 2 : 1,
    });
    world.wantedWitnesses = [...(variant.blind === true ? [] : ['branch on']), ...(variant.users === 'enable' ? ['branch off'] : [])];
    const text = textWorld(lab);
    const key = featureKey(text, locLayout(lab), [branch]);
    const arrived = { address: lab.symbol('arrived'), bytes: 4, what: 'arrived' } as const;
    const call = (name: string): Operation => ({ do: 'call', address: lab.symbol(name), what: name });
    function* patcher(core: number): Part {
      const user = new StaticKeyUser(text, key, variant.switches);
      if (variant.users !== 'enable') {
        yield* user.inc();
        yield call('feature_must_be_on');
        if (variant.users === 'inc-dec') yield* user.dec();
        return;
      }
      yield* user.enable();
      if (core !== 0) {
        if (variant.blind !== true) yield call('feature_must_be_on');
        yield { do: 'add', ...arrived, value: 1n };
        return;
      }
      yield { do: 'wait', ...arrived, value: BigInt(cell.victims) };
      yield* user.disable();
      yield call('feature_must_be_off');
    }
    for (let core = 0; core <= cell.victims; core++) world.add({ core, entry: 'patcher_stub', patcher: () => patcher(core) });
    return world;
  },
});
