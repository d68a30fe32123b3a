import type { RecordFields } from '../isa/record.ts';
import type { FloatFunctions } from './float-code.ts';
import type { Features, MemoryFunctions } from './memory-abi.ts';
import type { Code } from './wasm/code.ts';

/** What a handler's code needs to know of the function that it is emitted into. */
export interface HandlerContext {
  /** Locals that hold the core's block and the record. */
  readonly core: number;
  readonly record: number;
  readonly memory: MemoryFunctions;
  readonly features: Features;
  /** Inline the TLB hit of memory accesses: for handlers that are hot. */
  readonly inlineTlb: boolean;
  /** Functions imported or defined beside the handlers. */
  readonly system: number;
  readonly fence: number;
  readonly float: FloatFunctions;
  readonly storeHit: Readonly<Record<8 | 16 | 32 | 64, number>>;
  /** Local that holds RIP, where it is kept in one beside memory; and what must be done after TypeScript may have run. */
  readonly rip?: number;
  readonly afterCall?: Code;
  /** Where the instruction is one of a region: what of it is known, and where registers are. */
  readonly fixed?: FixedPlace;
  /** Leaves the handler with a stop noted; `depth` is how many blocks the handler has opened. */
  leave(depth: number): Code;
  /** Leaves with the instruction retired but the machine to be asked before the next one. */
  leaveRetired(depth: number): Code;
}

/** An instruction at a known address with known operands, between others: general registers and flags are in locals (`region-code.ts`). */
export interface FixedPlace {
  readonly fields: RecordFields;
  /** Linear address. */
  readonly rip: bigint;
  /** Local of general register `n`; `write` where it is going to be changed. */
  gpr(n: number, write: boolean): number;
  /** Local of the low (even `n`) or the high half of YMM register `n >> 1`. */
  vector(n: number, write: boolean): number;
  /** Local of a lazy flag word. */
  flagWord(word: 'flagResult' | 'flagCarry', write: boolean): number;
  /** Everything that is in locals goes to the core's block, with RIP at this instruction. */
  readonly spill: Code;
  /** The same before a call that may look at the core, stop it or change what comes next, with a note that the instruction has made one. `write`: it may change text. */
  call(write: boolean): Code;
  /** Goes on at an address that is known: the code for it, or the way out. */
  jump(target: bigint, depth: number): Code;
  /** Goes on at the address in a local. */
  jumpTo(target: number, depth: number): Code;
  /** Called when the instruction is one that regions do not take. */
  decline(): void;
  /** Offset of RAM in linear memory. */
  readonly ram: number;
}
