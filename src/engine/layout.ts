import { ARCHITECTURAL_BYTES } from '../isa/core-state.ts';

/**
 * Where everything lies in the one linear memory of a machine.
 *
 * | from | what |
 * |---|---|
 * | 0 | globals: state hash lanes, the finished state key |
 * | `CORE_BASE` | one block a core (`CORE_STRIDE`): state, then its TLB, then its instruction TLB |
 * | `META_BASE` | words of the machine and its monitors that are state but not RAM: journaled and hashed like RAM |
 * | `EVENT_BASE` | visible accesses since the events were last cleared, for traces and checkers |
 * | `DECODE_BASE` | decoded records, direct-mapped by physical address |
 * | `PAGE_INFO_BASE` | one word a physical page |
 * | `CODE_QUADS_BASE` | one bit a quadword of RAM, one byte a cache line: which hold decoded instructions |
 * | `shadow` | explore builds: one word a quadword of RAM, who touched it |
 * | `journal` | undo journal |
 * | `ram` | physical memory, from physical address 0 |
 */
export const MAX_CORES = 15;

export const HASH_BASE = 0x40;
/** Two 64-bit words a lane: lane 0 is shared memory, lane c+1 the private memory of core c. */
export const HASH_LANE_BYTES = 16;
export const HASH_BYTES = HASH_LANE_BYTES * (MAX_CORES + 1);
/** 128-bit state key, written by `stateKey`. */
export const KEY_AT = 0x200;

/** Instructions that retired inside regions, u32. */
export const REGION_RETIRED_AT = 0x210;

/** Not 0 where translations have changed since RIP was last translated, u32: the next instruction is not just behind the last one. */
export const TRANSLATE_AT = 0x214;

/** Parameters and results of a helper (`Vocabulary.compute`): quadwords. */
export const HELPER_AT = 0x400;
/** Floating-point functions: three operands of 16 bytes, the result, and the exceptions that helpers raised. */
export const FLOAT_AT = 0x600;

const CORE_BASE = 0x10000;
const CORE_STRIDE = 0x4000;
export const coreBase = (core: number): number => CORE_BASE + core * CORE_STRIDE;

/** Entries of a core's store buffer. Reaching the bound is reported, see `Coverage`. */
export const STORE_BUFFER_ENTRIES = 24;
export const STORE_BUFFER_ENTRY_BYTES = 16;
/** Visible accesses of one instruction that can be latched while it is split. */
export const LATCH_ENTRIES = 24;
/** Quadwords of patched text whose versions a machine can track. */
export const MAX_TEXT_QUADWORDS = 32;

const LATCH_AT = ARCHITECTURAL_BYTES;
const FETCH_AT = LATCH_AT + 8 + 8 * LATCH_ENTRIES;
const FLOOR_AT = FETCH_AT + 8 + 16;
const STORE_BUFFER_AT = FLOOR_AT + MAX_TEXT_QUADWORDS;
const HASHED_END = STORE_BUFFER_AT + 8 + STORE_BUFFER_ENTRIES * STORE_BUFFER_ENTRY_BYTES + 16 + 8;

/** Byte offsets inside a core's block, behind the architectural words of `core-state.ts`. */
export const CORE = {
  /** Visible accesses that the instruction in flight has done. */
  latchDone: LATCH_AT,
  latch: LATCH_AT + 8,
  /** Bytes of an instruction whose first cache line has been fetched and whose second has not (0 = none), and the bytes. */
  partialLength: FETCH_AT,
  partialBytes: FETCH_AT + 8,
  /** One byte a text quadword: the oldest version that a fetch of this core may still return. */
  floors: FLOOR_AT,
  storeBufferCount: STORE_BUFFER_AT,
  /** Entries {u32 physical address, u8 size, u8 flags, u16 0, u64 value}, oldest first. */
  storeBuffer: STORE_BUFFER_AT + 8,
  /** Content hash of what a TypeScript patcher on this core has done so far: two words. */
  agentHash: HASHED_END - 24,
  /** A taken branch since this core's last store to text by the same linear address is still due. */
  ownStorePending: HASHED_END - 8,
  /** Everything before this offset is hashed, save the lazy flag words, which are hashed as RFLAGS. */
  hashedEnd: HASHED_END,

  // Behind the hashed words: derived or per-run, journaled with the block.
  /** Cached hash of this block (two words) and whether it is stale. */
  hash: HASHED_END,
  hashDirty: HASHED_END + 16,
  /** `Stop` that the core is at, and its details. */
  stop: HASHED_END + 24,
  stopVector: HASHED_END + 32,
  stopError: HASHED_END + 40,
  /** 1 when the exception is a trap, 2 when it is a software interrupt: the saved RIP is `stopNext`. */
  stopKind: HASHED_END + 48,
  stopNext: HASHED_END + 56,
  stopAddress: HASHED_END + 64,
  stopSize: HASHED_END + 72,
  /** Node of the patcher's unfolded program. */
  agentNode: HASHED_END + 80,
  /** Index of the core in its machine. */
  index: HASHED_END + 88,
  /** CR3 that the core started with: the hash takes CR3 relative to it, so that symmetric cores can be compared. */
  homeCr3: HASHED_END + 96,
  /** Linear bounds of the stack whose dead part is kept zero, 0 when there is none. */
  stackLow: HASHED_END + 104,
  stackHigh: HASHED_END + 112,
  /** Linear address of a #PF that is noted in `stopVector`: becomes CR2 when the fault is delivered. */
  stopCr2: HASHED_END + 120,
  /** Offset in linear memory of `stackLow`. */
  stackHost: HASHED_END + 128,
  /** 1 from the first instruction on that uses the extended state: only then it is remembered and hashed. */
  extendedUsed: HASHED_END + 136,
  /** Number of the core's `Mode` (`isa/mode.ts`): what its words say, kept at hand. */
  mode: HASHED_END + 144,
  blockEnd: HASHED_END + 152,

  tlb: 0x1000,
  itlb: 0x3000,
} as const;

export const STORE_BUFFER = { address: 0, size: 4, flags: 5, value: 8 } as const;
/** Flag of a store-buffer entry: the first half of a store that crosses a cache line; the next entry may drain before it. */
export const PAIR_FIRST = 1;
/** Flag of a store-buffer entry: the store went through an executable mapping. */
export const SAME_ADDRESS = 2;

/** Data TLB: 256 direct-mapped entries. */
export const TLB = {
  entries: 256,
  bytes: 32,
  /**
   * Linear page when reads / writes need no slow path, else -1. With `holdsCode` in the tag of writes they need none where no decoded
   * instructions lie (`CODE_QUADS_BASE`).
   */
  tagRead: 0,
  tagWrite: 8,
  /** Linear page with permission bits (1 read, 2 write, 4 execute) for the slow path, else -1. */
  tagAny: 16,
  /** A bit above those that an address which is not aligned leaves in what is compared. */
  holdsCode: 8,
  /** Added to the low 32 bits of the linear address gives the offset in linear memory. */
  delta: 24,
  /** Copy of the page's info word. */
  info: 28,
} as const;
/** Instruction TLB: 64 entries {u64 page of RIP or -1, u32 physical page with the mode's number (`inMode`)}. Outside 64-bit mode the base of CS is added before translation. */
export const ITLB = { entries: 64, bytes: 16, tag: 0, physical: 8 } as const;

/** Regions by the physical address of their first instruction (`regionIndex`): {u32 tag, u32 place in the table, u64 RIP}; then how often each place was come to, u32. */
export const REGION_AT = 0x4c000;
export const REGION_ENTRIES = 2048;
export const REGION_BYTES = 16;
/** Functions like to begin at the same offset of many pages: the page counts as well. */
export const regionIndex = (physical: number): number => (physical ^ (physical >>> 12)) & (REGION_ENTRIES - 1);
export const HEAT_AT = REGION_AT + REGION_ENTRIES * REGION_BYTES;
/** How often a place is come to before it is compiled. */
export const HOT = 200;
/** Where accesses are visible: how many instructions a run has done before regions are looked for, u32; and how many that mostly are. Shorter runs are not worth it. */
export const LONG_RUN_AT = 0x300;
export const LONG_RUN = 256;

/** Three pages that are shared, then one page a core, which trades places with it (`MetaWords`). */
export const META_BASE = 0x70000;
export const META_SHARED_BYTES = 0x3000;
export const META_CORE_BYTES = 0x1000;
export const SCRATCH_RECORDS = 0x58000;
export const EVENT_BASE = 0x60000;
export const EVENT_BYTES = 32;
export const MAX_EVENTS = 2000;

export const DECODE_BASE = 0x80000;
export const DECODE_RECORDS = 16384;

export const PAGE_INFO_BASE = 0x100000;
export const MAX_RAM_BYTES = 0x10000000;
/** One bit a quadword of RAM, one byte a cache line: decoded instructions lie there. */
export const CODE_QUADS_BASE = PAGE_INFO_BASE + (MAX_RAM_BYTES / 4096) * 4;
/** Bits of a page's info word; bits 8 to 31 are the page number that the hash uses. */
export const PAGE = { laneMask: 0xf, hasRecords: 0x10, slow: 0x20, pageTable: 0x40, absent: 0x80 } as const;

/** Shadow word of a quadword: cores that read or executed it, patched text, cores that wrote it, declared visible. */
export const SHADOW = { readers: 0x7fff, text: 0x8000, writersShift: 16, declared: 0x80000000 } as const;

/** Why `run` came back. */
export const Stop = {
  /** The instruction budget ran out. */
  budget: 0,
  /** Before a visible access for which there was no budget. */
  visible: 1,
  /** The instruction at RIP has no record: the machine must translate, decode or choose. */
  fetch: 2,
  /** Waits for the store buffer to drain. */
  drain: 3,
  /** The instruction raised an exception (`stopVector`, `stopError`, `stopKind`). */
  exception: 4,
  /** A system instruction or a flag change after which the machine must look at the core; the instruction has retired. */
  system: 5,
  /** Before a system instruction that is visible; nothing of it has happened. */
  systemVisible: 6,
  /** The instruction is known but has no semantics. */
  unimplemented: 7,
  /** Halted, exited or shut down: only an interrupt or nothing can move it. */
  idle: 8,
  /** Waits for a condition on memory (a patcher's wait). */
  wait: 9,
  /** Ran for very long without a visible operation: a loop that nothing can end. */
  lost: 10,
  /** RIP is hot and has no region yet. The engine's own: nobody else sees it. */
  hot: 11,
} as const;

/** Where the number of the mode stands above a physical address of an instruction: records and regions of one mode are found in that mode only. */
const MODE_SHIFT = 28;
/** Tag of an instruction's record: its physical address and the mode in which it is decoded. */
export const inMode = (physical: number, mode: number): number => physical | (mode << MODE_SHIFT);
/** The physical address in such a tag. */
export const physicalOf = (tag: number): number => tag & ((1 << MODE_SHIFT) - 1);

export interface MemoryMap {
  readonly ramBytes: number;
  readonly shadow: number;
  readonly journal: number;
  readonly journalBytes: number;
  readonly ram: number;
  readonly totalPages: number;
}

/** Places the parts whose size depends on the machine. `ramBytes` is rounded up to whole pages, at most 256 MiB. */
export function memoryMap(ramBytes: number, journalBytes: number, explore: boolean): MemoryMap {
  const ram = Math.ceil(ramBytes / 4096) * 4096;
  if (ram > MAX_RAM_BYTES) throw new RangeError(`at most ${MAX_RAM_BYTES} bytes of RAM`);
  const shadow = CODE_QUADS_BASE + MAX_RAM_BYTES / 64;
  const journal = shadow + (explore ? ram / 2 : 0);
  const ramAt = Math.ceil((journal + journalBytes) / 65536) * 65536;
  return { ramBytes: ram, shadow, journal, journalBytes, ram: ramAt, totalPages: Math.ceil((ramAt + ram) / 65536) + 1 };
}
