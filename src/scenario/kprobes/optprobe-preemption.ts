import { type OptimizeWait, optimizeKprobe, registerOptprobe } from '../../patch/kprobes.ts';
import { textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { kprobeLayout, kprobeWorld, optimizedSite } from './kprobe-world.ts';

interface OptprobePreemption extends Variant {
  readonly wait: OptimizeWait;
  /** The core has a second task, which gets it when the first is preempted. */
  readonly preempt: boolean;
}

/** A task that sleeps between two of the instructions that a jump is about to cover. */
export const optprobePreemption = defineScenario<OptprobePreemption>({
  name: 'kprobes/optprobe-preemption',
  alias: 'B23',
  title: 'preempted inside the bytes that become a jump',
  story:
    'The probe on opt_probed_fn() is to become a jump of five bytes, which covers three instructions. A task of CPU1 executed the first one and is ' +
    'preempted. Its core went through the scheduler, so that a grace period passes; the jump is written, and the task goes on inside it. Only a wait ' +
    'for each task to give its core up by itself helps.',
  window: 'while a task is preempted between two of the instructions that become a jump',
  image: 'kprobes',
  scope: 'one-victim',
  variants: [
    {
      name: 'rcu-tasks',
      title: 'synchronize_rcu_tasks()',
      expected: 'ok',
      wait: 'tasks',
      preempt: true,
      history: 'kprobes: Use synchronize_rcu_tasks() for optprobe with CONFIG_PREEMPT=y',
    },
    {
      name: 'sched',
      title: 'a grace period of every core: synchronize_sched()',
      expected: 'violation',
      shows: { check: 'I2' },
      wait: 'sched',
      preempt: true,
      mutant: 'kprobes: no rcu_tasks',
    },
    { name: 'sched-no-preemption', title: 'the same where no task is preempted', expected: 'ok', wait: 'sched', preempt: false },
    {
      name: 'no-wait',
      title: 'nobody is waited for',
      expected: 'violation',
      shows: { check: 'I2' },
      wait: 'none',
      preempt: false,
      mutant: 'kprobes: no rcu_tasks',
    },
  ],
  build(image, variant, cell, engine) {
    const world = kprobeWorld(image, cell, { engine });
    const { lab } = world;
    lab.configure({ disturb_vector: variant.preempt ? lab.abi('RESCHEDULE_VECTOR') : 0 });
    const text = textWorld(lab);
    const layout = kprobeLayout(world);
    const probe = optimizedSite(world, 2);
    world.add({
      core: 0,
      entry: 'patcher_stub',
      *patcher() {
        const kprobe = yield* registerOptprobe(text, probe);
        yield { do: 'call', address: text.symbol('end_boot'), what: 'end_boot' };
        yield* optimizeKprobe(text, probe, kprobe, layout, { wait: variant.wait });
      },
    });
    for (let core = 1; core <= cell.victims; core++) {
      world.add({
        core,
        entry: 'victim_task_main',
        calls: ['wait_for_boot', 'disturb', 'opt_probed_fn', 'schedule', 'opt_probed_fn'],
        ...(variant.preempt ? { second: { entry: 'task_main', calls: ['rcu_qs'] } } : {}),
      });
    }
    world.wantedWitnesses = ['a handler ran', 'a step was completed', 'the detour ran'];
    return world;
  },
});
