import { changeTraceFunction, indirectCall, patchedCall, type ReaderWait, type TraceFunctionSwitches } from '../../patch/ftrace-ops.ts';
import { addTasks } from '../kernel-world.ts';
import { textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { addSite, ftraceWorld, updateOf } from './fentry.ts';

interface OpsFuncMismatch extends Variant {
  /** The trampoline: its call is patched and the ops are loaded in front of it, or it loads the callback from memory and then the ops. */
  readonly trampoline: 'patched' | 'static';
  readonly switches: TraceFunctionSwitches;
  /** How the traced function is called: with interrupts off, with preemption off, or with both on. */
  readonly reader: 'irqs-off' | 'preempt-off' | 'preemptible';
}

const READERS = {
  patched: { 'irqs-off': 'op_traced_irqs_off', 'preempt-off': 'op_traced_preempt_off', preemptible: 'op_traced_fn' },
  static: { 'irqs-off': 'static_traced_irqs_off', 'preempt-off': 'static_traced_preempt_off', preemptible: 'static_traced_fn' },
} as const;

const DIRECT: TraceFunctionSwitches = { list: false, beforeOps: 'none', afterOps: 'none' };
/** The wait of the kernel: in front of the store of the ops, and behind it an IPI. */
const before = (beforeOps: ReaderWait): TraceFunctionSwitches => ({ list: true, beforeOps, afterOps: 'ipi' });
const behind = (afterOps: ReaderWait): TraceFunctionSwitches => ({ list: true, beforeOps: 'none', afterOps });

const MISMATCH = { expected: 'violation', shows: { check: 'I3' } } as const;

/** The data and the function of a trampoline, loaded one after the other. */
export const opsFuncMismatch = defineScenario<OpsFuncMismatch>({
  name: 'ftrace/ops-func-mismatch',
  alias: 'F6',
  title: 'a callback is called with the ops of another one',
  story:
    'The trampoline hands the ops in function_trace_op to the callback that it calls. CPU0 changes both, and a reader may get one of them old and the other new. ' +
    'So the list function, which needs no ops, is called meanwhile, until nobody is between his two loads: an interrupt is no proof of that where interrupts are on, and ' +
    'neither is a preempted task. Where the callback is loaded first, the wait belongs in front of the store of the ops; where the ops are loaded first and the ' +
    'call is patched, behind it.',
  window: "between the trampoline's load of function_trace_op and its call",
  image: 'ftrace',
  scope: 'one-victim',
  variants: [
    {
      name: 'static.direct',
      title: 'callback loaded first: ops and callback are stored',
      ...MISMATCH,
      trampoline: 'static',
      switches: DIRECT,
      reader: 'preemptible',
    },
    {
      name: 'static.ipi.irqs-off',
      title: 'list function, IPI, ops, callback; readers have interrupts off',
      expected: 'ok',
      trampoline: 'static',
      switches: before('ipi'),
      reader: 'irqs-off',
    },
    {
      name: 'static.ipi.preempt-off',
      title: 'the same; readers have preemption off',
      ...MISMATCH,
      catalogue: { expected: 'ok', reason: 'an IPI is taken between the two loads: preemption off does not keep it out' },
      trampoline: 'static',
      switches: before('ipi'),
      reader: 'preempt-off',
    },
    {
      name: 'static.heavy.preempt-off',
      title: 'list function, each core schedules, ops, callback; preemption off',
      expected: 'ok',
      trampoline: 'static',
      switches: before({ heavy: true }),
      reader: 'preempt-off',
      history: 'ftrace: Synchronize setting function_trace_op with ftrace_trace_function',
    },
    {
      name: 'static.heavy.preemptible',
      title: 'the same; readers can be preempted',
      ...MISMATCH,
      trampoline: 'static',
      switches: before({ heavy: true }),
      reader: 'preemptible',
    },
    {
      name: 'static.tasks.preemptible',
      title: 'list function, rcu_tasks, ops, callback; readers can be preempted',
      expected: 'ok',
      trampoline: 'static',
      switches: before({ tasks: true }),
      reader: 'preemptible',
    },
    {
      name: 'patched.direct',
      title: 'ops loaded first, call patched: ops are stored, the call is changed',
      ...MISMATCH,
      trampoline: 'patched',
      switches: DIRECT,
      reader: 'preemptible',
    },
    {
      name: 'patched.ipi.irqs-off',
      title: 'list function, ops, IPI, callback; readers have interrupts off',
      expected: 'ok',
      trampoline: 'patched',
      switches: behind('ipi'),
      reader: 'irqs-off',
    },
    {
      name: 'patched.heavy-first.preempt-off',
      title: 'list function, each core schedules, ops, IPI, callback; preemption off',
      ...MISMATCH,
      catalogue: {
        expected: 'ok',
        reason:
          'who loads the old ops behind the wait is waited for by an IPI only, which it can take before its call: the wait belongs behind the store',
      },
      trampoline: 'patched',
      switches: before({ heavy: true }),
      reader: 'preempt-off',
    },
    {
      name: 'patched.heavy.preempt-off',
      title: 'list function, ops, each core schedules, callback; preemption off',
      expected: 'ok',
      trampoline: 'patched',
      switches: behind({ heavy: true }),
      reader: 'preempt-off',
    },
    {
      name: 'patched.heavy.preemptible',
      title: 'the same; readers can be preempted',
      ...MISMATCH,
      trampoline: 'patched',
      switches: behind({ heavy: true }),
      reader: 'preemptible',
    },
    {
      name: 'patched.tasks-first.preemptible',
      title: 'list function, rcu_tasks, ops, IPI, callback; can be preempted',
      ...MISMATCH,
      catalogue: { expected: 'ok', reason: 'as patched.heavy-first: the wait belongs behind the store of the ops' },
      trampoline: 'patched',
      switches: before({ tasks: true }),
      reader: 'preemptible',
    },
    {
      name: 'patched.tasks.preemptible',
      title: 'list function, ops, rcu_tasks, callback; readers can be preempted',
      expected: 'ok',
      trampoline: 'patched',
      switches: behind({ tasks: true }),
      reader: 'preemptible',
    },
  ],
  build(image, variant, cell, engine) {
    const world = ftraceWorld(image, cell, engine);
    const { lab } = world;
    const text = textWorld(lab);
    const op = lab.symbol('tracer_ops_b');
    world.wantedWitnesses = ['tracer_a called', 'tracer_b called'];
    let change = indirectCall(text, lab.symbol('ftrace_ops_list_func'), lab.symbol('tracer_b'), op);
    if (variant.trampoline === 'patched') {
      const site = (target: string) => updateOf(world, 'ftrace_op_call', target, 'ftrace_op_call');
      const toList = site('ftrace_ops_list_func');
      const toFunction = site('tracer_b');
      addSite(world, variant.switches.list ? [toList, toFunction] : [toFunction], false);
      world.wantedWitnesses = [...world.wantedWitnesses, 'old bytes executed', 'new bytes executed', '#BP handled and emulated'];
      change = patchedCall(text, toList, toFunction, op);
    }
    world.add({ core: 0, entry: 'patcher_stub', patcher: () => changeTraceFunction(text, change, variant.switches) });
    const reader = READERS[variant.trampoline][variant.reader];
    addTasks(world, cell, [reader, 'schedule', reader], {
      ...(variant.reader === 'preemptible' ? { second: ['other_task_fn'] } : {}),
      preempt: true,
    });
    return world;
  },
});
