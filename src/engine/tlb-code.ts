import { CORE, TLB } from './layout.ts';
import { type Code, get, i32, i64 } from './wasm/code.ts';

/** Address of the TLB entry of a linear address: `core` is the local that holds the core's block. */
export function tlbEntry(core: number, address: Code): Code {
  return i32.add(
    i32.add(get(core), i32.const(CORE.tlb)),
    i32.and(i32.wrap(i64.shrU(address, i64.const(7))), i32.const((TLB.entries - 1) * TLB.bytes)),
  );
}
