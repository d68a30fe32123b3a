import type { Operation } from './operation.ts';

/** What a protocol needs to know of the kernel that it patches. Addresses are linear. */
export interface TextWorld {
  /** Where text is written: the alias of an executable address. */
  alias(address: bigint): bigint;
  symbol(name: string): bigint;
  /** Number of cores that take part in a SYNC, the patcher among them. */
  readonly cores: number;
  readonly syncVector: number;
  /** Words of `struct percpu` of another core, as the patching core reaches them. */
  percpuOf(core: number, field: string): bigint;
  /** Where the kernel can change which cores are online: the mask of them, 8 bytes, a bit a core. Without it all are, for ever. */
  readonly onlineMask?: bigint;
}

export type Part = Generator<Operation, void, bigint>;

/**
 * text_poke: one write through the alias with interrupts off, inside a switch of the address space, which serializes the patching core
 * (kernel: `text_poke`, `use_temporary_mm`). The tail of an instruction goes out as one store of up to four bytes, possibly misaligned.
 */
export function* textPoke(world: TextWorld, address: bigint, bytes: Uint8Array, what: string): Part {
  yield { do: 'interrupts', on: false };
  yield { do: 'serialize', what: 'CR3' };
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.length - at >= 4 ? 4 : bytes.length - at >= 2 ? 2 : 1;
    let value = 0n;
    for (let i = 0; i < size; i++) value |= BigInt(bytes[at + i] as number) << BigInt(8 * i);
    yield { do: 'store', address: world.alias(address + BigInt(at)), bytes: size, value, what };
    at += size;
  }
  yield { do: 'serialize', what: 'CR3' };
  yield { do: 'interrupts', on: true };
}

/** The mask of the cores that are online now. */
export function* onlineCpus(world: TextWorld): Generator<Operation, bigint, bigint> {
  if (world.onlineMask === undefined) return (1n << BigInt(world.cores)) - 1n;
  return yield { do: 'load', address: world.onlineMask, bytes: 8, what: 'cpu_online_mask' };
}

/**
 * SYNC: every online core, the patching one included, executes a serializing instruction, and the patcher waits for all of them (kernel:
 * `smp_text_poke_sync_each_cpu`, on_each_cpu(do_sync_core, wait=1)). The x2APIC ICR is not ordered behind stores, hence the fence.
 * `unlessAlone`: nothing happens while one core is online (kernel: `run_sync` of the old ftrace).
 */
export function* syncEachCpu(world: TextWorld, what: string, unlessAlone = false): Part {
  const online = yield* onlineCpus(world);
  const others = Array.from({ length: world.cores - 1 }, (_, i) => i + 1).filter((core) => (online & (1n << BigInt(core))) !== 0n);
  if (others.length > 0) {
    const pending = world.symbol('sync_pending');
    yield { do: 'store', address: pending, bytes: 4, value: BigInt(others.length), what: 'sync_pending' };
    yield { do: 'fence' };
    if (others.length === world.cores - 1) yield { do: 'ipi', vector: world.syncVector };
    else for (const target of others) yield { do: 'ipi', vector: world.syncVector, target };
    yield { do: 'serialize', what: 'sync_core' };
    yield { do: 'wait', address: pending, bytes: 4, value: 0n, what: 'sync_pending' };
  } else if (!unlessAlone) yield { do: 'serialize', what: 'sync_core' };
  yield { do: 'mark', mark: { kind: 'sync', what } };
}

/** One modification of one site. */
export interface Modification {
  readonly site: bigint;
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Steps of the three-phase protocol that can be left out or moved, by name. What is not named is done right. */
export interface PhaseSwitches {
  readonly sync1?: boolean;
  readonly sync2?: boolean;
  readonly finalSync?: boolean;
  readonly order?: 'right' | 'tail-first' | 'head-before-tail' | 'p3-before-sync2';
  /** Function that the patching core calls between the steps: its own path runs through text as well. */
  readonly ownPath?: bigint;
  /** A SYNC does nothing while one core is online. */
  readonly unlessAlone?: boolean;
}

const ORDERS = {
  right: ['p1', 's1', 'p2', 's2', 'p3', 's3'],
  'tail-first': ['p2', 'p1', 's1', 's2', 'p3', 's3'],
  'head-before-tail': ['p1', 's1', 'p3', 's2', 'p2', 's3'],
  'p3-before-sync2': ['p1', 's1', 'p2', 'p3', 's2', 's3'],
} as const;

/**
 * The INT3 protocol over some sites at once: first bytes become INT3, SYNC, tails, SYNC, first bytes, SYNC. `afterFirst` runs behind the first step
 * (for protocols that publish too late), `beforeHead` before the last one; `rollback` takes the error path behind the first SYNC:
 * restores the first byte and stops.
 */
export function* threePhases(
  world: TextWorld,
  modifications: readonly Modification[],
  switches: PhaseSwitches,
  extra: {
    readonly afterFirst?: () => Part;
    readonly beforeHead?: () => Part;
    readonly rollback?: { readonly old: readonly number[]; readonly sync: boolean };
  } = {},
): Part {
  for (const m of modifications) yield { do: 'mark', mark: { kind: 'begin', site: m.site, bytes: m.bytes } };
  let first = true;
  for (const step of ORDERS[switches.order ?? 'right']) {
    switch (step) {
      case 'p1':
        yield* phase(world, modifications, 1);
        break;
      case 'p2':
        yield* phase(world, modifications, 2);
        break;
      case 'p3':
        if (extra.beforeHead !== undefined) yield* extra.beforeHead();
        yield* phase(world, modifications, 3);
        break;
      case 's1':
        if (switches.sync1 !== false) yield* syncEachCpu(world, 'sync1', switches.unlessAlone);
        break;
      case 's2':
        if (switches.sync2 !== false) yield* syncEachCpu(world, 'sync2', switches.unlessAlone);
        break;
      case 's3':
        if (switches.finalSync !== false) yield* syncEachCpu(world, 'final sync', switches.unlessAlone);
        break;
    }
    if (first && extra.afterFirst !== undefined) yield* extra.afterFirst();
    first = false;
    if (switches.ownPath !== undefined) yield { do: 'call', address: switches.ownPath, what: 'own path' };
    if (step === 's1' && extra.rollback !== undefined) {
      for (const [i, m] of modifications.entries())
        yield* textPoke(world, m.site, Uint8Array.of(extra.rollback.old[i] as number), `${m.name}[0]`);
      if (extra.rollback.sync) yield* syncEachCpu(world, 'sync after fixup');
      return;
    }
  }
}

function* phase(world: TextWorld, modifications: readonly Modification[], number: 1 | 2 | 3): Part {
  for (const m of modifications) {
    if (number === 1) yield* textPoke(world, m.site, Uint8Array.of(0xcc), `${m.name}[0]`);
    else if (number === 2) {
      if (m.bytes.length > 1) yield* textPoke(world, m.site + 1n, m.bytes.subarray(1), `${m.name}[1..]`);
    } else if (m.bytes[0] !== 0xcc) yield* textPoke(world, m.site, m.bytes.subarray(0, 1), `${m.name}[0]`);
    yield { do: 'mark', mark: { kind: 'phase', site: m.site, phase: number } };
  }
}
