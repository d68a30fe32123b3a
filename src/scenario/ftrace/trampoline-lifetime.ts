import { freeTrampoline, type Waits } from '../../patch/ftrace-ops.ts';
import { textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { addSite, ftraceWorld, updateOf } from './fentry.ts';
import { addReaders, type Reader } from './readers.ts';

interface TrampolineLifetime extends Variant {
  readonly waits: Waits;
  readonly reader: Reader;
}

const FREED = { expected: 'violation', shows: { check: 'I5' } } as const;

/** The text of a trampoline that is freed while a task is in it. */
export const trampolineLifetime = defineScenario<TrampolineLifetime>({
  name: 'ftrace/trampoline-lifetime',
  alias: 'B25',
  title: 'a trampoline is freed under a preempted task',
  story:
    'Dynamic ops have a trampoline of their own. CPU0 turns the only site that calls it into a NOP and frees it. The SYNCs of that change keep nobody out of the ' +
    'trampoline, and when each core has scheduled a preempted task may still be in the middle of it: only when each task has given its core up by ' +
    'itself is it out. Idle tasks are not counted there: each core must schedule as well.',
  window: 'from the first instruction of the trampoline to its return',
  image: 'ftrace',
  scope: 'one-victim',
  variants: [
    { name: 'no-wait', title: 'freed behind the last SYNC', ...FREED, waits: {}, reader: 'task' },
    {
      name: 'heavy.preemptible',
      title: 'each core schedules; the reader can be preempted',
      mutant: 'ftrace: trampoline freed without rcu_tasks',
      ...FREED,
      waits: { heavy: true },
      reader: 'task',
    },
    { name: 'tasks.idle', title: 'rcu_tasks alone; the reader is in the idle loop', ...FREED, waits: { tasks: true }, reader: 'idle' },
    {
      name: 'both.preemptible',
      title: 'both waits; the reader can be preempted',
      expected: 'ok',
      history: 'ftrace: Add use of synchronize_rcu_tasks() with dynamic trampolines',
      waits: { heavy: true, tasks: true },
      reader: 'task',
    },
    {
      name: 'both.idle',
      title: 'both waits; the reader is in the idle loop',
      expected: 'ok',
      waits: { heavy: true, tasks: true },
      reader: 'idle',
    },
  ],
  build(image, variant, cell, engine) {
    const world = ftraceWorld(image, cell, engine);
    const { lab } = world;
    const update = updateOf(world, 'module_traced_fn', undefined);
    addSite(world, [update]);
    world.wantedWitnesses = ['tracer_a called', 'old bytes executed', 'new bytes executed', '#BP handled and emulated'];
    const text = textWorld(lab);
    const trampoline = [lab.symbol('ops_trampoline'), lab.symbol('ops_trampoline_end')] as const;
    world.add({ core: 0, entry: 'patcher_stub', patcher: () => freeTrampoline(text, [update], trampoline, variant.waits) });
    addReaders(world, cell, 'module_traced_fn', variant.reader);
    return world;
  },
});
