import { type FtraceUpdate, replaceFtraceCode, updateFtraceFunc } from './ftrace.ts';
import type { Operation } from './operation.ts';
import { type Part, syncEachCpu, type TextWorld } from './text-poke.ts';

/** What an update waits for before something that readers may still hold goes away. */
export interface Waits {
  /** A grace period of RCU: readers where RCU watches. */
  readonly rcu?: boolean;
  /** Each core passes through its scheduler, watched by RCU or not (kernel: `schedule_on_each_cpu`, now `synchronize_rcu_tasks_rude`). */
  readonly heavy?: boolean;
  /** Each task gives its core up by itself, the preempted ones too (kernel: `synchronize_rcu_tasks`). */
  readonly tasks?: boolean;
}

/** A call of a function of the image by its name. */
export const callGuest = (world: TextWorld, name: string, ...args: readonly bigint[]): Operation => ({
  do: 'call',
  address: world.symbol(name),
  args,
  what: name,
});

/** A store of an address into a variable of the image. */
export const storePointer = (world: TextWorld, name: string, value: bigint): Operation => ({
  do: 'store',
  address: world.symbol(name),
  bytes: 8,
  value,
  what: name,
});

/** The waits, in the order of `ftrace_shutdown`. */
export function* waitForReaders(world: TextWorld, waits: Waits): Part {
  if (waits.rcu === true) yield callGuest(world, 'synchronize_rcu');
  if (waits.heavy === true) yield callGuest(world, 'schedule_on_each_cpu');
  if (waits.tasks === true) yield callGuest(world, 'synchronize_rcu_tasks');
}

/** Another callback for a trampoline, and the ops that belong to it. */
export interface TraceFunctionChange {
  readonly op: bigint;
  /** Makes the trampoline call the list function, which uses no ops. */
  readonly toList: () => Part;
  /** Makes it call the new callback. */
  readonly toFunction: () => Part;
}

/** A wait for those who have loaded something old: an IPI to every core, or what `Waits` has. */
export type ReaderWait = 'none' | 'ipi' | Waits;

export interface TraceFunctionSwitches {
  /** The trampoline calls the list function meanwhile. */
  readonly list: boolean;
  /** Between that and the store of the ops: for those who call the old callback and load the ops only then. */
  readonly beforeOps: ReaderWait;
  /** Between the store of the ops and the call of the new callback: for those who have the old ops and call only then. */
  readonly afterOps: ReaderWait;
}

/**
 * Changes callback and ops of the generic trampoline, which no reader loads together (kernel: `update_ftrace_function`, `ftrace_modify_all_code`): list function,
 * wait, the new ops, wait, the new callback.
 */
export function* changeTraceFunction(world: TextWorld, change: TraceFunctionChange, switches: TraceFunctionSwitches): Part {
  if (switches.list) yield* change.toList();
  yield* waitFor(world, switches.beforeOps, 'ftrace_sync');
  yield storePointer(world, 'function_trace_op', change.op);
  yield* waitFor(world, switches.afterOps, 'ftrace_sync_ipi');
  yield* change.toFunction();
}

function* waitFor(world: TextWorld, wait: ReaderWait, what: string): Part {
  if (wait === 'ipi') yield* syncEachCpu(world, what);
  else if (wait !== 'none') yield* waitForReaders(world, wait);
}

/** A trampoline whose call is patched: two changes of one site. */
export function patchedCall(world: TextWorld, toList: FtraceUpdate, toFunction: FtraceUpdate, op: bigint): TraceFunctionChange {
  return { op, toList: () => updateFtraceFunc(world, toList, 0, {}, 0), toFunction: () => updateFtraceFunc(world, toFunction, 0, {}, 1) };
}

/** A trampoline that calls through a pointer. */
export function indirectCall(world: TextWorld, list: bigint, callback: bigint, op: bigint): TraceFunctionChange {
  function* set(target: bigint): Part {
    yield storePointer(world, 'ftrace_trace_function', target);
  }
  return { op, toList: () => set(list), toFunction: () => set(callback) };
}

/**
 * Takes the first ops off the list and frees it (kernel: `ftrace_shutdown`). Another ops wants the same functions, so that neither a site nor the trace function
 * changes: the path that used to leave early, in front of the waits.
 */
export function* unregisterFirstOps(world: TextWorld, ops: bigint, next: bigint, waits: Waits): Part {
  yield storePointer(world, 'ftrace_ops_list', next);
  yield* waitForReaders(world, waits);
  yield callGuest(world, 'kfree', ops);
}

/** Stops functions from calling a trampoline and frees its text (kernel: `ftrace_shutdown`, `ftrace_trampoline_free`). */
export function* freeTrampoline(
  world: TextWorld,
  updates: readonly FtraceUpdate[],
  text: readonly [start: bigint, end: bigint],
  waits: Waits,
): Part {
  yield* replaceFtraceCode(world, updates, {});
  yield* waitForReaders(world, waits);
  yield callGuest(world, 'free_module_text', ...text);
}
