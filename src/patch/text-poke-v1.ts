import { type Modification, type Part, type PhaseSwitches, type TextWorld, threePhases } from './text-poke.ts';

/**
 * text_poke_bp of v3.12 to v5.2: one address and one place to resume at, in globals (kernel: `text_poke_bp`, `poke_int3_handler`).
 * `resume` is where the handler continues instead of the site.
 */
export function* textPokeBpV1(world: TextWorld, modification: Modification, resume: bigint, switches: PhaseSwitches): Part {
  const store = (name: string, bytes: number, value: bigint) =>
    ({ do: 'store', address: world.symbol(name), bytes, value, what: name }) as const;
  yield store('bp_int3_addr', 8, modification.site + 1n);
  yield store('bp_int3_handler', 8, resume);
  yield store('bp_patching_in_progress', 4, 1n);
  yield* threePhases(world, [modification], switches);
  yield store('bp_patching_in_progress', 4, 0n);
  yield { do: 'mark', mark: { kind: 'end', site: modification.site } };
}
