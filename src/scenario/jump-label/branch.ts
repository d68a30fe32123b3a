import type { Lab } from '../../kernel/lab.ts';
import { jumpTo, nop2, nop5, shortJumpTo } from '../../patch/instructions.ts';
import type { StaticKey } from '../../patch/jump-label.ts';
import type { TextWorld } from '../../patch/text-poke.ts';
import { type BatchModification, type BatchSwitches, type LocLayout, textPokeBatch } from '../../patch/text-poke-batch.ts';

/** A branch of a static key in the image: NOP while the key is off, a jump while it is on. */
export interface Branch {
  readonly name: string;
  readonly site: bigint;
  readonly off: Uint8Array;
  readonly on: Uint8Array;
}

/** The branch in a function of the image, by the length of its instruction. */
export function branchOf(lab: Lab, name: string): Branch {
  const site = lab.symbol(`${name}_insn`);
  const target = lab.symbol(`${name}_on`);
  const short = lab.peek(site, 2)[0] === nop2()[0];
  return { name, site, off: short ? nop2() : nop5(), on: short ? shortJumpTo(site, target) : jumpTo(site, target) };
}

/** The key `feature_key`, whose branches go through a batch together. */
export function featureKey(text: TextWorld, layout: LocLayout, branches: readonly Branch[], switches: BatchSwitches = {}): StaticKey {
  const change = ({ name, site, on, off }: Branch, enable: boolean): BatchModification => ({
    name,
    site,
    old: enable ? off : on,
    bytes: enable ? on : off,
  });
  return {
    enabled: 'feature_key.enabled',
    update: (enable) =>
      textPokeBatch(
        text,
        layout,
        branches.map((b) => change(b, enable)),
        switches,
      ),
  };
}
