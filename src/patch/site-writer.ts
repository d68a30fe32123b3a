import type { Part, TextWorld } from './text-poke.ts';
import { syncEachCpu } from './text-poke.ts';
import { type BatchModification, type BatchSwitches, type LocLayout, textPokeBatch } from './text-poke-batch.ts';

/** How one site gets its new instruction: what the users of text_poke are written against. */
export type SiteWriter = (modification: BatchModification) => Part;

/** The INT3 protocol of today, one site a batch (kernel: `smp_text_poke_single`). */
export const pokeWriter =
  (world: TextWorld, layout: LocLayout, switches: BatchSwitches = {}): SiteWriter =>
  (modification) =>
    textPokeBatch(world, layout, [modification], switches);

/**
 * One store of the aligned quadword around the site, then SYNC: the whole instruction changes at one moment where fetch takes it for one. No protocol of a
 * kernel, but the shortest way to ask about the order of site and data alone. The site must not cross a quadword.
 */
export const atomicWriter = (world: TextWorld, switches: { readonly sync?: boolean } = {}): SiteWriter =>
  function* ({ site, name, bytes }) {
    const quadword = site & ~7n;
    const first = Number(site - quadword);
    if (first + bytes.length > 8) throw new RangeError(`${name} crosses a quadword: no single store can change it`);
    yield { do: 'mark', mark: { kind: 'begin', site, bytes } };
    yield { do: 'interrupts', on: false };
    yield { do: 'serialize', what: 'CR3' };
    const before = yield { do: 'load', address: world.alias(quadword), bytes: 8, what: name };
    let value = before;
    for (const [i, byte] of bytes.entries()) {
      const shift = BigInt(8 * (first + i));
      value = (value & ~(0xffn << shift)) | (BigInt(byte) << shift);
    }
    yield { do: 'store', address: world.alias(quadword), bytes: 8, value, what: name };
    yield { do: 'serialize', what: 'CR3' };
    yield { do: 'interrupts', on: true };
    if (switches.sync !== false) yield* syncEachCpu(world, 'sync');
    yield { do: 'mark', mark: { kind: 'end', site } };
  };
