import type { Operation } from './operation.ts';
import { type Part, type PhaseSwitches, syncEachCpu, type TextWorld, threePhases } from './text-poke.ts';
import { type BatchModification, type LocLayout, storeRecord } from './text-poke-batch.ts';

/** How handlers get to the records, by version of the kernel: two globals that nobody guards; a counted object on the patcher's stack; one that is always there. */
export type DescGuard = 'vec' | 'stack' | 'static';

export interface DescSwitches extends PhaseSwitches {
  /**
   * How the batch of `vec` ends: `vec` becomes NULL and then `nr_entries` 0, as in v5.3; or the other way round; with a SYNC before both, or
   * between `nr_entries` and `vec`, as in the fix.
   */
  readonly teardown?: 'vec-nr' | 'nr-vec' | 'sync-vec-nr' | 'nr-sync-vec';
  /** What the patching core calls next writes to its stack, where the descriptor of `stack` was. */
  readonly reuse?: boolean;
}

const NAMES: Readonly<Record<DescGuard, string>> = { vec: 'bp_patching', stack: 'patcher_stack', static: 'bp_patching' };

/**
 * The batches of v5.3 to v6.15 (kernel: `text_poke_bp_batch`): the three phases of `text_poke_array.vec`, and a descriptor through which handlers find
 * the records. The versions differ in how a handler that is late is kept from what is gone.
 */
export function* textPokeDesc(
  world: TextWorld,
  layout: LocLayout,
  batch: readonly BatchModification[],
  guard: DescGuard,
  switches: DescSwitches,
): Part {
  const store = (field: string, bytes: number, value: bigint): Operation => ({
    do: 'store',
    address: world.symbol(field),
    bytes,
    value,
    what: field,
  });
  const name = NAMES[guard];
  const refs = { address: world.symbol(`${name}.refs`), bytes: 4, what: `${name}.refs` } as const;
  const vec = world.symbol('text_poke_array');
  const ordered = [...batch].sort((a, b) => (a.site < b.site ? -1 : 1));
  for (const [i, m] of ordered.entries()) yield* storeRecord(vec + BigInt(i * layout.size), layout, m);
  yield store(`${name}.vec`, 8, vec);
  yield store(`${name}.nr_entries`, 4, BigInt(ordered.length));
  if (guard !== 'vec') yield { do: 'store', ...refs, value: 1n };
  if (guard === 'stack') yield store('bp_desc', 8, world.symbol(`${name}.vec`));
  yield* threePhases(world, ordered, switches);
  if (guard === 'vec') yield* forget(world, store, switches.teardown ?? 'vec-nr');
  else {
    if (guard === 'stack') yield store('bp_desc', 8, 0n);
    yield { do: 'add', ...refs, value: -1n };
    yield { do: 'wait', ...refs, value: 0n };
  }
  for (const m of ordered) yield { do: 'mark', mark: { kind: 'end', site: m.site } };
  if (switches.reuse === true) {
    // The next function of the patching core has its return address and a saved register here.
    yield store(`${NAMES.stack}.nr_entries`, 8, world.symbol('patcher_stub'));
    yield store(`${NAMES.stack}.vec`, 8, SAVED_REGISTER);
  }
}

/** What a callee saves is no pointer that anybody could follow. */
const SAVED_REGISTER = 0x246n;

function* forget(
  world: TextWorld,
  store: (field: string, bytes: number, value: bigint) => Operation,
  teardown: NonNullable<DescSwitches['teardown']>,
): Part {
  for (const step of teardown.split('-')) {
    if (step === 'sync') yield* syncEachCpu(world, 'sync before teardown');
    else if (step === 'vec') yield store('bp_patching.vec', 8, 0n);
    else yield store('bp_patching.nr_entries', 4, 0n);
  }
}
