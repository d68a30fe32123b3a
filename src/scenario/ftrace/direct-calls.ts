import { type DirectProtocol, type DirectRemoval, modifyFtraceDirect, removeFtraceDirect } from '../../patch/ftrace-direct.ts';
import { addTasks } from '../kernel-world.ts';
import { addVictims, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { addSite, ftraceWorld, GENERIC, listOps, updateOf } from './fentry.ts';

interface DirectCalls extends Variant {
  /** Two sites get another direct trampoline; or one that calls its function is removed. */
  readonly does: { readonly modify: DirectProtocol } | { readonly remove: DirectRemoval };
}

/** Functions that call a trampoline of somebody else, with no client of ftrace in between. */
export const directCalls = defineScenario<DirectCalls>({
  name: 'ftrace/direct-calls',
  alias: 'B26',
  title: 'direct trampolines go while callers are inside',
  story:
    'Two functions call one direct trampoline, and get another. Changed site by site, a task gets to the new one and after that to the old one; by way of the list ' +
    'function one store changes both. A direct trampoline that calls its function is on the stack of everybody inside: when the site is a NOP again and ' +
    'all tasks have given up their cores, a task that sleeps there still returns into it. It needs a count of those inside, and a wait for tasks on both sides of that.',
  window: 'from the fetch of the call to the last instruction of the trampoline, callees included',
  image: 'ftrace',
  scope: 'one-victim',
  variants: [
    {
      name: 'modify.in-place',
      title: 'each site is changed as it is',
      expected: 'violation',
      shows: { check: 'assertion' },
      does: { modify: 'in-place' },
    },
    {
      name: 'modify.displacement',
      title: 'the displacements are written without INT3',
      expected: 'violation',
      does: { modify: 'displacement' },
    },
    {
      name: 'modify.list',
      title: 'list function, another direct_call, new trampoline',
      expected: 'ok',
      history: 'ftrace: Add modify_ftrace_direct()',
      does: { modify: 'list' },
    },
    {
      name: 'remove.no-wait',
      title: 'the trampoline is freed behind the last SYNC',
      expected: 'violation',
      shows: { check: 'I5' },
      does: { remove: {} },
    },
    {
      name: 'remove.tasks',
      title: 'rcu_tasks; the function sleeps',
      expected: 'violation',
      shows: { check: 'I5' },
      does: { remove: { before: { tasks: true } } },
    },
    {
      name: 'remove.refs',
      title: 'waits for those inside; who is not inside yet is not counted',
      expected: 'violation',
      shows: { check: 'I5' },
      does: { remove: { refs: true, after: { tasks: true } } },
    },
    {
      name: 'remove.tasks-refs',
      title: 'rcu_tasks, those inside; who is on the way out is not counted',
      expected: 'violation',
      shows: { check: 'I5' },
      does: { remove: { before: { tasks: true }, refs: true } },
    },
    {
      name: 'remove.tasks-refs-tasks',
      title: 'rcu_tasks, those inside, rcu_tasks',
      expected: 'ok',
      does: { remove: { before: { tasks: true }, refs: true, after: { tasks: true } } },
    },
  ],
  build(image, variant, cell, engine) {
    const world = ftraceWorld(image, cell, engine);
    const { lab } = world;
    const { does } = variant;
    const text = textWorld(lab);
    if ('modify' in does) {
      listOps(world, 'direct_ops');
      const sites = ['direct_first', 'direct_second'].map((name) => ({
        toList: updateOf(world, name, GENERIC),
        toDirect: updateOf(world, name, 'direct_new'),
      }));
      for (const s of sites) addSite(world, does.modify === 'list' ? [s.toList, s.toDirect] : [s.toDirect]);
      world.wantedWitnesses = ['old bytes executed', 'new bytes executed', '#BP handled and emulated', 'direct_new reached'];
      const target = lab.symbol('direct_new');
      world.add({ core: 0, entry: 'patcher_stub', patcher: () => modifyFtraceDirect(text, sites, target, does.modify) });
      addVictims(world, cell, ['direct_task_fn']);
      return world;
    }
    lab.configure({ direct_refs: does.remove.refs === true ? 1 : 0 });
    const update = updateOf(world, 'direct_sleeper', undefined);
    addSite(world, [update]);
    world.wantedWitnesses = ['old bytes executed', 'new bytes executed', '#BP handled and emulated'];
    const trampoline = [lab.symbol('direct_around'), lab.symbol('direct_around_end')] as const;
    world.add({ core: 0, entry: 'patcher_stub', patcher: () => removeFtraceDirect(text, [update], trampoline, does.remove) });
    addTasks(world, cell, ['direct_sleeper_fn'], { second: ['other_task_fn'], preempt: true });
    return world;
  },
});
