import { callTo, nop5 } from './instructions.ts';
import { type Part, type TextWorld, threePhases } from './text-poke.ts';

/** A site that the compiler left for a uprobe: a NOP of 5 bytes, or one of 10. */
export interface UprobeSite {
  readonly address: bigint;
  readonly name: string;
  readonly nop: 5 | 10;
}

/** lea -0x80(%rsp),%rsp: the call behind it pushes below the red zone. */
const LEA_RED_ZONE = [0x48, 0x8d, 0x64, 0x24, 0x80];
const LEA_BYTES = 5;

/** The 10-byte NOP: nopw %cs:0(%rax,%rax). */
export const nop10 = (): Uint8Array => Uint8Array.of(0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0);

/** What the site holds while nobody probes it. */
export const uprobeNop = ({ nop }: UprobeSite): Uint8Array => (nop === 5 ? nop5() : nop10());

/** The optimised site: a call of the trampoline, behind a LEA where there is room for it. */
export function optimizedUprobe({ address, nop }: UprobeSite, trampoline: bigint): Uint8Array {
  if (nop === 5) return callTo(address, trampoline);
  return Uint8Array.of(...LEA_RED_ZONE, ...callTo(address + BigInt(LEA_BYTES), trampoline));
}

/** What restoring leaves: the NOP's first bytes, and the call behind them as its displacement. */
export function unoptimizedUprobe(site: UprobeSite, trampoline: bigint): Uint8Array {
  const bytes = optimizedUprobe(site, trampoline);
  bytes.set(uprobeNop(site).subarray(0, LEA_BYTES));
  return bytes;
}

/** NOP to call, by the INT3 protocol (kernel: `int3_update` for `swbp_optimize`). */
export function* optimizeUprobe(world: TextWorld, site: UprobeSite, trampoline: bigint): Part {
  yield* threePhases(world, [{ site: site.address, name: site.name, bytes: optimizedUprobe(site, trampoline) }], {});
}

export interface UnoptimizeSwitches {
  /** All bytes of the NOP are restored, also those of the call, where a thread may stand. */
  readonly all?: boolean;
}

/**
 * Call to NOP (kernel: `swbp_unoptimize`). Of the ten-byte form only the first five bytes are restored: a thread that stopped between the two
 * instructions goes on with the call, which stays valid for ever.
 */
export function* unoptimizeUprobe(world: TextWorld, site: UprobeSite, switches: UnoptimizeSwitches = {}): Part {
  const nop = uprobeNop(site);
  const bytes = switches.all === true ? nop : nop.subarray(0, LEA_BYTES);
  yield* threePhases(world, [{ site: site.address, name: site.name, bytes }], {});
}
