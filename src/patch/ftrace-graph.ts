import { type FtraceUpdate, replaceFtraceCode } from './ftrace.ts';
import { callGuest, type Waits, waitForReaders } from './ftrace-ops.ts';
import type { Part, TextWorld } from './text-poke.ts';

/**
 * When the stacks of return addresses are freed: at once; each when it is empty; when what is on it was put back on the stack of its task; each with its task.
 */
export type RetStackLifetime = 'now' | 'drained' | 'restored' | 'exit';

const FREE: Readonly<Record<RetStackLifetime, string>> = {
  now: 'ftrace_graph_free_now',
  drained: 'ftrace_graph_free_drained',
  restored: 'ftrace_graph_restore',
  exit: 'ftrace_graph_exit_tasks',
};

/** Ends the function graph tracer (kernel: `unregister_ftrace_graph`, `ftrace_graph_exit_task`). */
export function* unregisterFtraceGraph(world: TextWorld, updates: readonly FtraceUpdate[], waits: Waits, lifetime: RetStackLifetime): Part {
  yield* replaceFtraceCode(world, updates, {});
  yield* waitForReaders(world, waits);
  yield callGuest(world, FREE[lifetime]);
}
