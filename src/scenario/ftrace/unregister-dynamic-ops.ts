import { callGuest, unregisterFirstOps, type Waits } from '../../patch/ftrace-ops.ts';
import { textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { ftraceWorld } from './fentry.ts';
import { addReaders, type Reader } from './readers.ts';

interface UnregisterDynamicOps extends Variant {
  readonly waits: Waits;
  readonly reader: Reader;
  /** The walk of the list leaves preemption on (`cfg_ops_list_preempt`). */
  readonly preemptible?: true;
}

const FREED = { expected: 'violation', shows: { check: 'I5' } } as const;

/** ops that are freed while somebody walks over them. */
export const unregisterDynamicOps = defineScenario<UnregisterDynamicOps>({
  name: 'ftrace/unregister-dynamic-ops',
  alias: 'F7',
  title: 'dynamic ops are freed under the walk of the list',
  story:
    'Two dynamic ops want the same functions, whose trampoline calls the list function. Removing one changes neither a site nor the trace function, and the path that ' +
    'leaves early for that reason left out the waits: CPU1, in the middle of the list, goes on in freed ops. Waiting for RCU is not enough in the idle loop, ' +
    'where RCU does not watch; waiting for each core to schedule is not enough for a task that was preempted; waiting for tasks does not count idle ones.',
  window: "from the walk's load of the ops to its call of their func",
  image: 'ftrace',
  scope: 'one-victim',
  variants: [
    {
      name: 'early-exit',
      title: 'no wait',
      mutant: 'ftrace: dynamic ops freed without a wait',
      ...FREED,
      waits: {},
      reader: 'task',
      history: 'ftrace: Fix use-after-free for dynamic ftrace_ops',
    },
    { name: 'rcu.idle', title: 'synchronize_rcu(); the reader is in the idle loop', ...FREED, waits: { rcu: true }, reader: 'idle' },
    { name: 'tasks.idle', title: 'rcu_tasks alone; the reader is in the idle loop', ...FREED, waits: { tasks: true }, reader: 'idle' },
    {
      name: 'heavy.preemptible',
      title: 'each core schedules; the reader can be preempted',
      ...FREED,
      waits: { heavy: true },
      reader: 'task',
      preemptible: true,
    },
    { name: 'heavy', title: 'each core schedules; the walk has preemption off', expected: 'ok', waits: { heavy: true }, reader: 'task' },
    {
      name: 'both.idle',
      title: 'both waits; the reader is in the idle loop',
      expected: 'ok',
      waits: { heavy: true, tasks: true },
      reader: 'idle',
    },
    {
      name: 'both.preemptible',
      title: 'both waits; the reader can be preempted',
      expected: 'ok',
      waits: { heavy: true, tasks: true },
      reader: 'task',
      preemptible: true,
    },
  ],
  build(image, variant, cell, engine) {
    const world = ftraceWorld(image, cell, engine);
    const { lab } = world;
    if (variant.preemptible === true) lab.configure({ ops_list_preempt: 1 });
    world.wantedWitnesses = ['ops 0 called', 'ops 1 called'];
    const text = textWorld(lab);
    world.add({
      core: 0,
      entry: 'patcher_stub',
      *patcher() {
        const ops = yield callGuest(text, 'register_two_dynamic_ops');
        const next = yield { do: 'load', address: ops + BigInt(lab.abi('OPS_NEXT')), bytes: 8, what: 'ops->next' };
        yield* unregisterFirstOps(text, ops, next, variant.waits);
      },
    });
    addReaders(world, cell, 'list_traced_fn', variant.reader);
    return world;
  },
});
