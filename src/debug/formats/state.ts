import { CORE, STORE_BUFFER, STORE_BUFFER_ENTRY_BYTES } from '../../engine/layout.ts';
import type { Site } from '../../explore/site.ts';
import type { World } from '../../explore/world.ts';
import { GPR_NAMES } from '../../isa/core-state.ts';
import type { Core } from '../../machine/core.ts';
import { hexBytes, Names } from '../names.ts';

/** What a core is about to do, and what waits in it. */
export interface CoreLook {
  readonly core: number;
  readonly rip: bigint;
  readonly symbol: string;
  /** Registers that differ from those before the last step: old and new value. */
  readonly changed: readonly { readonly register: string; readonly before: bigint; readonly now: bigint }[];
  /** Stores that only this core sees yet, oldest first. */
  readonly buffer: readonly {
    readonly name: string;
    readonly physical: number;
    readonly size: number;
    readonly value: bigint;
    readonly text: string;
  }[];
  /** Interrupts that wait to be taken, by vector; an NMI is `NMI`. */
  readonly pending: readonly string[];
}

/** Instructions that a core may fetch at a site, what memory holds first. Empty while its own store there has to drain first. */
export interface SiteFetches {
  readonly core: number;
  readonly choices: readonly { readonly bytes: string; readonly text: string; readonly stale: boolean }[];
}

export interface SiteLook {
  readonly name: string;
  readonly address: bigint;
  /** What memory holds. */
  readonly bytes: string;
  readonly fetches: readonly SiteFetches[];
}

/** A state as a person looks at it. */
export interface StateLook {
  readonly cores: readonly CoreLook[];
  readonly sites: readonly SiteLook[];
  /** 128-bit hash of the state, 32 hexadecimal digits. */
  readonly hash: string;
}

/** The registers of every core, for `lookAt` to compare with. */
export type Registers = readonly (readonly (readonly [name: string, value: bigint])[])[];

export const registersOf = (world: World): Registers =>
  world.machine.cores.map((core) => [
    ...GPR_NAMES.map((name, n) => [name, core.gpr(n)] as const),
    ['rip', core.rip],
    ['rflags', BigInt(core.rflags >>> 0)],
    ['cpl', BigInt(core.small('cpl'))],
  ]);

/** Looks at a world, which stays as it is. `before`: its registers before the last step. */
export function lookAt(world: World, before: Registers): StateLook {
  const names = new Names(world);
  names.learnAll();
  const now = registersOf(world);
  return {
    cores: world.machine.cores.map((core) => ({
      core: core.index,
      rip: core.rip,
      symbol: names.code(core.rip),
      changed: (now[core.index] ?? []).flatMap(([register, value], n) => {
        const old = before[core.index]?.[n]?.[1] ?? value;
        return old === value ? [] : [{ register, before: old, now: value }];
      }),
      buffer: bufferOf(world, core, names),
      pending: pendingOf(core, names),
    })),
    sites: world.sites.map((site) => ({
      name: site.name,
      address: site.address,
      bytes: hexBytes(world.lab.peek(site.address, lengthOf(site))),
      fetches: world.machine.cores.map((core) => ({ core: core.index, choices: fetchesAt(world, core, site, names) })),
    })),
    hash: world.machine.hash(),
  };
}

const lengthOf = (site: Site): number => site.versions[0]?.length ?? 0;

function bufferOf(world: World, core: Core, names: Names): CoreLook['buffer'] {
  const { view } = world.machine.engine;
  return Array.from({ length: core.raw(CORE.storeBufferCount) }, (_, n) => {
    const at = core.base + CORE.storeBuffer + n * STORE_BUFFER_ENTRY_BYTES;
    const physical = view.getUint32(at + STORE_BUFFER.address, true);
    const size = view.getUint8(at + STORE_BUFFER.size);
    const value = BigInt.asUintN(8 * size, view.getBigUint64(at + STORE_BUFFER.value, true));
    return { name: names.data(physical, size), physical, size, value, text: names.value(physical, size, value) };
  });
}

function pendingOf(core: Core, names: Names): string[] {
  const vectors = (['irr0', 'irr1', 'irr2', 'irr3'] as const).flatMap((word, n) => {
    const bits = core.get(word);
    return Array.from({ length: 64 }, (_, bit) => bit).flatMap((bit) => (((bits >> BigInt(bit)) & 1n) === 0n ? [] : [64 * n + bit]));
  });
  return [...(core.small('nmiPending') === 0 ? [] : ['NMI']), ...vectors.map((v) => names.vector(v))];
}

/** What a core would be offered if it came to the first byte of the site now. */
function fetchesAt(world: World, core: Core, site: Site, names: Names): SiteFetches['choices'] {
  const { fetch } = world.machine;
  const { lab } = world;
  const window = fetch.window(lab.physical(site.address), core.mode, () => ({
    physical: lab.physical((site.address & ~0xfffn) + 0x1000n),
  }));
  if (fetch.mustDrainFirst(core, window)) return [];
  const say = (bytes: Uint8Array, stale: boolean): SiteFetches['choices'][number] => ({
    bytes: hexBytes(bytes),
    text: names.instruction(site, bytes) ?? names.disassembled(bytes, site.address) ?? '',
    stale,
  });
  // What a core holds of another instruction says nothing about this one.
  const isElsewhere = core.raw(CORE.partialLength) > 0 && core.rip !== site.address;
  if (isElsewhere) return [say(lab.peek(site.address, lengthOf(site)), false)];
  return fetch.choices(core, window).map(({ bytes, stale }) => say(bytes, stale));
}
