import type { World } from '../../explore/world.ts';
import { type RetStackLifetime, unregisterFtraceGraph } from '../../patch/ftrace-graph.ts';
import type { Waits } from '../../patch/ftrace-ops.ts';
import { addTasks } from '../kernel-world.ts';
import { textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { addSite, ftraceWorld, updateOf } from './fentry.ts';

interface FunctionGraph extends Variant {
  /** The tracer ends while a traced function sleeps; or an NMI is traced while a return address is pushed or popped. */
  readonly does:
    | { readonly end: RetStackLifetime; readonly waits: Waits }
    | { readonly push: 'GRAPH_INDEX_FIRST' | 'GRAPH_ENTRY_FIRST'; readonly pop: 'GRAPH_INDEX_FIRST' | 'GRAPH_ENTRY_FIRST' };
}

/** Replaced return addresses, and what keeps the originals. */
export const functionGraph = defineScenario<FunctionGraph>({
  name: 'ftrace/function-graph',
  alias: 'B27',
  title: 'a function returns when the tracer is gone',
  story:
    'The graph tracer puts return_to_handler in place of a return address and keeps the original on a ret_stack of the task. When it ends, calls that are under way ' +
    'still return through the handler, after any wait for tasks if the function sleeps: ret_stacks must live until they are empty or their task is gone. ' +
    'An NMI is traced on the ret_stack of the task below it: an entry is claimed before it is filled, and read before it is given up.',
  window: 'from the replaced return address to the return that uses it',
  image: 'ftrace',
  scope: 'one-victim',
  variants: [
    {
      name: 'free-now',
      title: 'ret_stacks are freed behind the last SYNC',
      expected: 'violation',
      shows: { check: 'I5' },
      does: { end: 'now', waits: {} },
    },
    {
      name: 'free-after-tasks',
      title: 'ret_stacks are freed behind rcu_tasks; the function sleeps',
      expected: 'violation',
      shows: { check: 'I5' },
      does: { end: 'now', waits: { heavy: true, tasks: true } },
    },
    {
      name: 'free-drained-no-wait',
      title: 'each is freed when it is empty; who is about to push is not seen',
      expected: 'violation',
      shows: { check: 'I5' },
      does: { end: 'drained', waits: {} },
    },
    {
      name: 'restore',
      title: 'rcu_tasks, then the original addresses are put back on the stacks',
      expected: 'violation',
      shows: { check: 'assertion' },
      does: { end: 'restored', waits: { tasks: true } },
    },
    {
      name: 'free-drained',
      title: 'rcu_tasks, then each is freed when it is empty',
      expected: 'ok',
      does: { end: 'drained', waits: { tasks: true } },
    },
    { name: 'keep', title: 'ret_stacks live as long as their tasks', expected: 'ok', does: { end: 'exit', waits: {} } },
    {
      name: 'nmi.entry-before-index',
      title: 'an NMI while the entry is filled that is claimed only then',
      expected: 'violation',
      shows: { check: 'assertion' },
      does: { push: 'GRAPH_ENTRY_FIRST', pop: 'GRAPH_ENTRY_FIRST' },
    },
    {
      name: 'nmi.index-before-entry',
      title: 'an NMI while the entry is read that was given up before',
      expected: 'violation',
      shows: { check: 'assertion' },
      does: { push: 'GRAPH_INDEX_FIRST', pop: 'GRAPH_INDEX_FIRST' },
    },
    {
      name: 'nmi.right-order',
      title: 'an NMI at any place: claim, fill; read, give up',
      expected: 'ok',
      does: { push: 'GRAPH_INDEX_FIRST', pop: 'GRAPH_ENTRY_FIRST' },
    },
  ],
  build(image, variant, cell, engine) {
    const world = ftraceWorld(image, cell, engine);
    const { lab } = world;
    const { does } = variant;
    if ('push' in does) {
      lab.configure({ graph_push: lab.abi(does.push), graph_pop: lab.abi(does.pop), nmi_fn: lab.symbol('graph_in_nmi') });
      world.wantedWitnesses = ['a return address was restored', 'an NMI was traced'];
      for (let core = 1; core <= cell.victims; core++) {
        world.add({ core, entry: 'victim_task_main', calls: ['graph_task_fn'], pendingNmi: true, interruptAnywhere: true });
      }
      return world;
    }
    lab.configure({ graph_sleep: 1 });
    nameRetStacks(world);
    const update = updateOf(world, 'graph_fn', undefined);
    addSite(world, [update]);
    world.wantedWitnesses = ['old bytes executed', 'new bytes executed', 'a return address was restored'];
    const text = textWorld(lab);
    world.add({ core: 0, entry: 'patcher_stub', patcher: () => unregisterFtraceGraph(text, [update], does.waits, does.end) });
    addTasks(world, cell, ['graph_task_fn'], { second: ['other_task_fn'], preempt: true });
    return world;
  },
});

/** What the patcher looks at in the per-CPU data of others. */
function nameRetStacks(world: World): void {
  const { lab } = world;
  for (const { index } of world.machine.cores) {
    const at = lab.percpuOf(index, 'CPU') + BigInt(lab.abi('FAMILY_PERCPU') + lab.abi('GRAPH') - lab.abi('PERCPU_CPU'));
    for (const n of [0, 1]) {
      const name = (field: string): unknown =>
        world.words.set(at + BigInt(n * lab.abi('GRAPH_SIZE') + lab.abi(`GRAPH_${field.toUpperCase()}`)), `task[${index}][${n}].${field}`);
      name('index');
      name('ret_stack');
    }
  }
}
