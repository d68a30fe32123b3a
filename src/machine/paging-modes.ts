import type { StateWord } from '../isa/core-state.ts';
import type { Core } from './core.ts';

/** The paging modes as data (SDM Vol. 3, "Paging Modes and Control Bits", "32-Bit Paging", "PAE Paging", "4-Level Paging"), and how their tables are followed. */

/** Bits of a paging-structure entry. They mean the same in every mode; entries of 32-bit paging have no bit 63. */
export const PTE = { present: 1n, write: 2n, user: 4n, accessed: 0x20n, dirty: 0x40n, large: 0x80n, noExecute: 1n << 63n } as const;

export const CR0_PE = 1n;
export const CR0_PG = 1n << 31n;
const CR4_PSE = 1n << 4n;
const CR4_PAE = 1n << 5n;
export const EFER_LME = 1n << 8n;
export const EFER_LMA = 1n << 10n;
export const EFER_NXE = 1n << 11n;

/** Physical-address width that CPUID reports; address bits above it are reserved in paging structures. */
export const PHYSICAL_BITS = 40;

const ADDRESS_MASK = 0x000ffffffffff000n;
/** Bits `high` to `low`. */
const bits = (high: number, low: number): bigint => (1n << BigInt(high + 1)) - (1n << BigInt(low));

/** One level of the tables. An entry with bit 7 (PS) set maps a page where one can be there, else it refers to a table, at the last level to the page. */
interface Level {
  /** Lowest bit of the linear address that selects the entry: it stands for 2^shift bytes. */
  readonly shift: bigint;
  /** Bits that must be zero in an entry that refers to a table; absent at the last level. */
  readonly table?: bigint;
  /** Bits that must be zero in an entry that maps a page; absent where none does. */
  readonly page?: bigint;
  /** Bits 39 to 32 of the page's address are bits 20 to 13 of the entry (PSE-36). */
  readonly pse36?: boolean;
}

export interface PagingMode {
  readonly entryBytes: 4 | 8;
  /** Entries of a table, less one. */
  readonly indexMask: bigint;
  /** Bit 63 of an entry is there: XD with EFER.NXE, else reserved. */
  readonly hasNoExecute: boolean;
  readonly levels: readonly Level[];
}

const LONG_RESERVED = bits(51, PHYSICAL_BITS);
/** Bit 12 of a large page's entry is its PAT bit. */
const FOUR_LEVEL: PagingMode = {
  entryBytes: 8,
  indexMask: 0x1ffn,
  hasNoExecute: true,
  levels: [
    { shift: 39n, table: LONG_RESERVED | PTE.large },
    { shift: 30n, table: LONG_RESERVED, page: LONG_RESERVED | bits(29, 13) },
    { shift: 21n, table: LONG_RESERVED, page: LONG_RESERVED | bits(20, 13) },
    { shift: 12n, page: LONG_RESERVED },
  ],
};

const PAE_RESERVED = bits(62, PHYSICAL_BITS);
/** Behind the four entries that the core holds. */
export const PAE: PagingMode = {
  entryBytes: 8,
  indexMask: 0x1ffn,
  hasNoExecute: true,
  levels: [
    { shift: 21n, table: PAE_RESERVED, page: PAE_RESERVED | bits(20, 13) },
    { shift: 12n, page: PAE_RESERVED },
  ],
};

const SMALL_32: PagingMode = {
  entryBytes: 4,
  indexMask: 0x3ffn,
  hasNoExecute: false,
  levels: [
    { shift: 22n, table: 0n },
    { shift: 12n, page: 0n },
  ],
};
const LARGE_32: PagingMode = {
  ...SMALL_32,
  levels: [
    { shift: 22n, table: 0n, page: bits(21, Math.min(40, PHYSICAL_BITS) - 19), pse36: true },
    { shift: 12n, page: 0n },
  ],
};

/** The words that say how the core translates. */
export interface PagingWords {
  readonly cr0: bigint;
  readonly cr4: bigint;
  readonly efer: bigint;
}

/** The paging mode that CR0, CR4 and EFER select; undefined: paging is off and linear addresses are physical. */
export function pagingMode({ cr0, cr4, efer }: PagingWords): PagingMode | undefined {
  if ((cr0 & CR0_PG) === 0n) return undefined;
  if ((efer & EFER_LMA) !== 0n) return FOUR_LEVEL;
  if ((cr4 & CR4_PAE) !== 0n) return PAE;
  return (cr4 & CR4_PSE) !== 0n ? LARGE_32 : SMALL_32;
}

export const isPae = (words: PagingWords): boolean => pagingMode(words) === PAE;

const PDPTES = ['pdpte0', 'pdpte1', 'pdpte2', 'pdpte3'] as const satisfies readonly StateWord[];
const PDPTE_RESERVED = bits(63, PHYSICAL_BITS) | bits(8, 5) | bits(2, 1);

/** Reads the four entries that CR3 points to in PAE paging; undefined where the processor refuses them: a present one has a reserved bit set. */
export function readPdptes(cr3: bigint, read: (physical: number) => bigint): readonly bigint[] | undefined {
  const table = Number(cr3 & 0xffffffe0n);
  const entries = PDPTES.map((_, n) => read(table + 8 * n));
  return entries.some((entry) => (entry & PTE.present) !== 0n && (entry & PDPTE_RESERVED) !== 0n) ? undefined : entries;
}

/** Makes them the core's. */
export function setPdptes(core: Core, entries: readonly bigint[]): void {
  core.useExtended();
  PDPTES.forEach((word, n) => {
    core.set(word, entries[n] as bigint);
  });
}

/** An entry that was used, and where it lies. */
export interface UsedEntry {
  readonly at: number;
  readonly entry: bigint;
}

/** Where the tables lead. */
export type Path =
  | {
      readonly kind: 'page';
      /** Physical address of the byte. */
      readonly physical: number;
      readonly used: readonly UsedEntry[];
    }
  | { readonly kind: 'notPresent' }
  | { readonly kind: 'reserved' }
  /** The entry lies where there is no memory. */
  | { readonly kind: 'absent'; readonly at: number };

/** Follows the tables of a core for a linear address, which has as many bits as the mode gives it. `read` gives the entry at a physical address, undefined where no memory is. */
export function followTables(core: Core, mode: PagingMode, linear: bigint, read: (at: number, bytes: 4 | 8) => bigint | undefined): Path {
  const { entryBytes, indexMask, levels } = mode;
  const never = mode.hasNoExecute && (core.get('efer') & EFER_NXE) === 0n ? PTE.noExecute : 0n;
  const root = mode === PAE ? core.get(PDPTES[Number(linear >> 30n)] as StateWord) : core.get('cr3') | PTE.present;
  if ((root & PTE.present) === 0n) return { kind: 'notPresent' };
  let table = root & ADDRESS_MASK;
  const used: UsedEntry[] = [];
  for (const { shift, table: inTable, page: inPage, pse36 } of levels) {
    const at = Number(table) + Number((linear >> shift) & indexMask) * entryBytes;
    const entry = read(at, entryBytes);
    if (entry === undefined) return { kind: 'absent', at };
    if ((entry & PTE.present) === 0n) return { kind: 'notPresent' };
    const isPage = inTable === undefined || (inPage !== undefined && (entry & PTE.large) !== 0n);
    if ((entry & ((isPage ? inPage! : inTable!) | never)) !== 0n) return { kind: 'reserved' };
    used.push({ at, entry });
    table = entry & ADDRESS_MASK;
    if (!isPage) continue;
    const inside = (1n << shift) - 1n;
    const high = pse36 === true ? (entry & bits(20, 13)) << 19n : 0n;
    return { kind: 'page', physical: Number(high | (table & ~inside) | (linear & inside)), used };
  }
  throw new Error('the last level of the tables maps pages');
}
