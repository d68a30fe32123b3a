import type { Operation } from './operation.ts';
import { type Modification, type Part, type PhaseSwitches, type TextWorld, threePhases } from './text-poke.ts';

/** A change of one call: what is called afterwards (0: nothing, the site becomes a NOP). */
export interface FtraceUpdate extends Modification {
  readonly target: bigint;
}

export interface FtraceSwitches extends PhaseSwitches {
  /** The error path: the modification fails after the INT3 and byte 0 is restored, with or without a SYNC behind it. */
  readonly fail?: { readonly sync: boolean };
  /** Writes the head and tail counters of the proposal, for the handler that reads them. */
  readonly headTail?: boolean;
  /** Globals are published after the INT3 instead of before. */
  readonly publishLate?: boolean;
}

const store = (world: TextWorld, name: string, bytes: number, value: bigint): Operation => ({
  do: 'store',
  address: world.symbol(name),
  bytes,
  value,
  what: name,
});
const add = (world: TextWorld, name: string, value: bigint): Operation => ({
  do: 'add',
  address: world.symbol(name),
  bytes: 4,
  value,
  what: name,
});

/**
 * ftrace's own INT3 protocol of v3.5 to v5.5, one site at a time (kernel: `ftrace_update_func`, `update_ftrace_func`): the globals tell the #BP
 * handler what is being changed, `modifying_ftrace_code` that something is. `ftrace_head` and `ftrace_tail` are the counters of the proposal
 * in the thread; handlers that do not use them do not read them.
 */
export function* updateFtraceFunc(world: TextWorld, update: FtraceUpdate, old: number, switches: FtraceSwitches, round: number): Part {
  const seqcount = (name: string): Operation => store(world, name, 4, BigInt(round + 1));
  function* publish(): Part {
    yield store(world, 'ftrace_update_ip', 8, update.site);
    yield store(world, 'ftrace_update_target', 8, update.target);
    if (switches.headTail === true) yield seqcount('ftrace_head');
    yield add(world, 'modifying_ftrace_code', 1n);
  }
  if (switches.publishLate !== true) yield* publish();
  yield* threePhases(world, [update], switches, {
    ...(switches.publishLate === true ? { afterFirst: publish } : {}),
    ...(switches.fail === undefined ? {} : { rollback: { old: [old], sync: switches.fail.sync } }),
  });
  yield add(world, 'modifying_ftrace_code', -1n);
  if (switches.headTail === true) yield seqcount('ftrace_tail');
  yield { do: 'mark', mark: { kind: 'end', site: update.site } };
}

/** The same for many fentry records at once (kernel: `ftrace_replace_code`): no globals but the counter. */
export function* replaceFtraceCode(world: TextWorld, updates: readonly FtraceUpdate[], switches: FtraceSwitches): Part {
  yield add(world, 'modifying_ftrace_code', 1n);
  yield* threePhases(world, updates, switches);
  yield add(world, 'modifying_ftrace_code', -1n);
  for (const u of updates) yield { do: 'mark', mark: { kind: 'end', site: u.site } };
}
