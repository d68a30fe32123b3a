import { INT3, jumpTo } from './instructions.ts';
import type { Operation } from './operation.ts';
import { type Part, syncEachCpu, type TextWorld, textPoke } from './text-poke.ts';

/** A place for a probe. */
export interface ProbeSite {
  readonly site: bigint;
  readonly name: string;
  /** What is there without a probe: the instruction, for an optimised probe all whole instructions that the jump touches. */
  readonly bytes: Uint8Array;
  /** Length of the first instruction. */
  readonly length: number;
  /** The probe has a post_handler. */
  readonly postHandler?: boolean;
}

/** A field of `struct kprobe` in the image, by its offset. */
export interface KprobeLayout {
  readonly flags: number;
  /** KPROBE_FLAG_OPTIMIZED */
  readonly optimized: number;
}

const call = (world: TextWorld, name: string, args: readonly bigint[] = []): Operation => ({
  do: 'call',
  address: world.symbol(name),
  args,
  what: name,
});

/** Writes one byte at the beginning of a site. */
function* pokeFirst(world: TextWorld, probe: ProbeSite, byte: number): Part {
  yield* textPoke(world, probe.site, Uint8Array.of(byte), `${probe.name}[0]`);
  yield { do: 'mark', mark: { kind: 'phase', site: probe.site, phase: byte === INT3 ? 1 : 3 } };
}

/** INT3 over the first byte (kernel: `arch_arm_kprobe`); since "x86/kprobes: Fix ordering while text-patching" with a SYNC. */
export function* armKprobe(world: TextWorld, probe: ProbeSite, switches: { readonly sync?: boolean } = {}): Part {
  yield { do: 'mark', mark: { kind: 'begin', site: probe.site, bytes: Uint8Array.of(INT3, ...probe.bytes.subarray(1)) } };
  yield* pokeFirst(world, probe, INT3);
  if (switches.sync !== false) yield* syncEachCpu(world, 'arm sync');
  yield { do: 'mark', mark: { kind: 'end', site: probe.site } };
}

/** The first byte is back (kernel: `arch_disarm_kprobe`). */
export function* disarmKprobe(world: TextWorld, probe: ProbeSite, switches: { readonly sync?: boolean } = {}): Part {
  yield { do: 'mark', mark: { kind: 'begin', site: probe.site, bytes: probe.bytes } };
  yield* pokeFirst(world, probe, probe.bytes[0] as number);
  if (switches.sync !== false) yield* syncEachCpu(world, 'disarm sync');
  yield { do: 'mark', mark: { kind: 'end', site: probe.site } };
}

/**
 * A probe from nothing to armed (kernel: `register_kprobe`): the guest puts it into the table and its copy into a slot, then the text is written.
 * Gives the address of the guest's `struct kprobe`, 0 when it refused and nothing was armed.
 */
export function* registerKprobe(world: TextWorld, probe: ProbeSite): Generator<Operation, bigint, bigint> {
  const postHandler = probe.postHandler === true ? 1n : 0n;
  const kprobe = yield call(world, 'register_kprobe', [probe.site, BigInt(probe.length), postHandler]);
  if (kprobe !== 0n) yield* armKprobe(world, probe);
  return kprobe;
}

/** A probe that can be optimised: a detour is made ready as well, with copies of all the instructions that the jump will touch. */
export function* registerOptprobe(world: TextWorld, probe: ProbeSite): Generator<Operation, bigint, bigint> {
  const kprobe = yield* registerKprobe(world, probe);
  yield call(world, 'arch_prepare_optimized_kprobe', [kprobe, BigInt(probe.bytes.length)]);
  return kprobe;
}

/** Steps of the way out that can be left out or moved. What is not named is done right. */
export interface UnregisterSwitches {
  /** SYNC behind the restored byte. */
  readonly sync?: boolean;
  /** A grace period between the table and the freeing. */
  readonly gracePeriod?: boolean;
  readonly order?: 'right' | 'unhash-first';
}

/** The way out (kernel: `unregister_kprobe`): restore the byte, SYNC, take the probe out of the table, wait for readers of it, free it and its slot. */
export function* unregisterKprobe(world: TextWorld, probe: ProbeSite, kprobe: bigint, switches: UnregisterSwitches = {}): Part {
  if (switches.order === 'unhash-first') yield call(world, 'unhash_kprobe', [kprobe]);
  yield* disarmKprobe(world, probe, switches);
  if (switches.order !== 'unhash-first') yield call(world, 'unhash_kprobe', [kprobe]);
  if (switches.gracePeriod !== false) yield call(world, 'synchronize_rcu');
  yield call(world, 'free_kprobe', [kprobe]);
}

function* setOptimized(kprobe: bigint, layout: KprobeLayout, on: boolean): Part {
  const address = kprobe + BigInt(layout.flags);
  yield { do: 'store', address, bytes: 4, value: on ? BigInt(layout.optimized) : 0n, what: 'kprobe->flags' };
}

/** Whom `optimizeKprobe` waits for before it overwrites more than one instruction. */
export type OptimizeWait = 'tasks' | 'sched' | 'none';

const WAITS: Readonly<Record<OptimizeWait, string | undefined>> = {
  tasks: 'synchronize_rcu_tasks',
  sched: 'synchronize_rcu',
  none: undefined,
};

/**
 * An armed probe becomes a jump to its detour (kernel: `optimize_kprobe`, `arch_optimize_kprobes`): from the flag on its #BP goes to the detour
 * as well; when nobody can be between the instructions that the jump covers, tail, SYNC, first byte, SYNC.
 */
export function* optimizeKprobe(
  world: TextWorld,
  probe: ProbeSite,
  kprobe: bigint,
  layout: KprobeLayout,
  switches: { readonly wait?: OptimizeWait } = {},
): Part {
  const jump = jumpTo(probe.site, world.symbol('optprobe_detour'));
  yield* setOptimized(kprobe, layout, true);
  const wait = WAITS[switches.wait ?? 'tasks'];
  if (wait !== undefined) yield call(world, wait);
  yield { do: 'mark', mark: { kind: 'begin', site: probe.site, bytes: jump } };
  yield { do: 'mark', mark: { kind: 'phase', site: probe.site, phase: 1 } };
  yield* textPoke(world, probe.site + 1n, jump.subarray(1), `${probe.name}[1..]`);
  yield { do: 'mark', mark: { kind: 'phase', site: probe.site, phase: 2 } };
  yield* syncEachCpu(world, 'sync2');
  yield* pokeFirst(world, probe, jump[0] as number);
  yield* syncEachCpu(world, 'final sync');
  yield { do: 'mark', mark: { kind: 'end', site: probe.site } };
}

/**
 * The jump becomes an armed probe again (kernel: `arch_unoptimize_kprobe`): INT3, SYNC, the original tail, SYNC. Until the tail is back a #BP must
 * go to the detour, so the flag is cleared last.
 */
export function* unoptimizeKprobe(
  world: TextWorld,
  probe: ProbeSite,
  kprobe: bigint,
  layout: KprobeLayout,
  switches: { readonly flag?: 'last' | 'first' } = {},
): Part {
  if (switches.flag === 'first') yield* setOptimized(kprobe, layout, false);
  yield { do: 'mark', mark: { kind: 'begin', site: probe.site, bytes: Uint8Array.of(INT3, ...probe.bytes.subarray(1)) } };
  yield* pokeFirst(world, probe, INT3);
  yield* syncEachCpu(world, 'sync1');
  yield* textPoke(world, probe.site + 1n, probe.bytes.subarray(1, 5), `${probe.name}[1..]`);
  yield { do: 'mark', mark: { kind: 'phase', site: probe.site, phase: 2 } };
  yield* syncEachCpu(world, 'sync2');
  if (switches.flag !== 'first') yield* setOptimized(kprobe, layout, false);
  yield { do: 'mark', mark: { kind: 'end', site: probe.site } };
}
