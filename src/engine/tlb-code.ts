import { CODE_QUADS_BASE, CORE, TLB } from './layout.ts';
import { type Code, get, i32, i64 } from './wasm/code.ts';

/** Address of the TLB entry of a linear address: `core` is the local that holds the core's block. */
export function tlbEntry(core: number, address: Code): Code {
  return i32.add(
    i32.add(get(core), i32.const(CORE.tlb)),
    i32.and(i32.wrap(i64.shrU(address, i64.const(7))), i32.const((TLB.entries - 1) * TLB.bytes)),
  );
}

/** Not zero where decoded instructions lie in the quadword of a physical address, or in one of the `quads` (at most 9) that begin there. */
export const holdsCode = (physical: Code, quads = 1): Code =>
  i32.and(
    i32.shrU(i32.load16(i32.shrU(physical, i32.const(6)), CODE_QUADS_BASE), i32.and(i32.shrU(physical, i32.const(3)), i32.const(7))),
    i32.const((1 << quads) - 1),
  );
