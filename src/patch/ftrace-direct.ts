import { type FtraceUpdate, replaceFtraceCode } from './ftrace.ts';
import { callGuest, storePointer, type Waits, waitForReaders } from './ftrace-ops.ts';
import { type Part, syncEachCpu, type TextWorld, textPoke } from './text-poke.ts';

/** A site that calls a direct trampoline: what it becomes on the way, and in the end. */
export interface DirectSite {
  /** Calls the generic trampoline, which asks the list. */
  readonly toList: FtraceUpdate;
  /** Calls the new trampoline. */
  readonly toDirect: FtraceUpdate;
}

/**
 * How sites get another direct trampoline: through the list, where one store changes it for all of them (kernel: `__modify_ftrace_direct`); each site as it is;
 * or by writing the displacements without INT3.
 */
export type DirectProtocol = 'list' | 'in-place' | 'displacement';

/** Another direct trampoline for some sites. `direct_call` is what the list sends callers to. */
export function* modifyFtraceDirect(world: TextWorld, sites: readonly DirectSite[], target: bigint, protocol: DirectProtocol): Part {
  const direct = sites.map((s) => s.toDirect);
  if (protocol === 'displacement') {
    for (const u of direct) yield { do: 'mark', mark: { kind: 'begin', site: u.site, bytes: u.bytes } };
    for (const u of direct) yield* textPoke(world, u.site + 1n, u.bytes.subarray(1), `${u.name}[1..]`);
    yield* syncEachCpu(world, 'sync');
  } else {
    if (protocol === 'list') {
      yield* replaceFtraceCode(
        world,
        sites.map((s) => s.toList),
        {},
      );
      yield storePointer(world, 'direct_call', target);
    }
    yield* replaceFtraceCode(world, direct, {});
  }
  if (protocol !== 'list') yield storePointer(world, 'direct_call', target);
}

export interface DirectRemoval {
  /** Before the references are looked at: tasks that are in the trampoline and have none yet. */
  readonly before?: Waits;
  /** Waits until nobody is inside the function that the trampoline calls. */
  readonly refs?: boolean;
  /** Behind that: tasks that are in the trampoline and have none any more. */
  readonly after?: Waits;
}

/**
 * Removes a direct trampoline that calls the traced function, and frees its text (kernel: `bpf_tramp_image_put`). Its address is on the stack of whoever is inside
 * that function, which may sleep: waiting for tasks to give up their cores is not enough.
 */
export function* removeFtraceDirect(
  world: TextWorld,
  updates: readonly FtraceUpdate[],
  text: readonly [start: bigint, end: bigint],
  steps: DirectRemoval,
): Part {
  yield* replaceFtraceCode(world, updates, {});
  yield* waitForReaders(world, steps.before ?? {});
  if (steps.refs === true) yield { do: 'wait', address: world.symbol('direct_refs'), bytes: 4, value: 0n, what: 'direct_refs' };
  yield* waitForReaders(world, steps.after ?? {});
  yield callGuest(world, 'free_module_text', ...text);
}
