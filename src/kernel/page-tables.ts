/** Bits of a paging-structure entry (SDM Vol. 3, "4-Level Paging"). */
const PRESENT = 1n;
const WRITE = 2n;
const USER = 4n;
const ACCESSED = 0x20n;
const DIRTY = 0x40n;
const LARGE = 0x80n;
const NO_EXECUTE = 1n << 63n;

export interface PagePermissions {
  readonly writable: boolean;
  readonly executable: boolean;
  /** Reachable at CPL 3. */
  readonly user?: boolean;
}

/**
 * Builds 4-level page tables in physical memory. Accessed and dirty flags are set from the start, as a kernel does for its own
 * mappings, so that walks do not write.
 */
export class PageTables {
  readonly #memory: (physical: number) => DataView;
  #next: number;
  readonly #limit: number;
  /** The last table that was written: pages are mapped one beside the other. */
  #last: { readonly root: number; readonly shift: bigint; readonly above: bigint; readonly entries: DataView } | undefined;

  /** `memory(page)` gives the 4096 bytes at a physical page; tables are taken from `first` up to `limit`. */
  constructor(memory: (physical: number) => DataView, first: number, limit: number) {
    this.#memory = memory;
    this.#next = first;
    this.#limit = limit;
  }

  /** An empty table; gives its physical address. */
  table(): number {
    const at = this.#next;
    if (at >= this.#limit) throw new RangeError('no room for more page tables');
    this.#next += 4096;
    return at;
  }

  /** Maps one 4 KiB page below the PML4 at `root`. */
  map(root: number, linear: bigint, physical: number, permissions: PagePermissions): void {
    this.#map(root, linear, BigInt(physical), permissions, [39n, 30n, 21n], 12n);
  }

  #map(root: number, linear: bigint, target: bigint, permissions: PagePermissions, levels: readonly bigint[], leafShift: bigint): void {
    const above = linear >> (leafShift + 9n);
    if (this.#last?.root !== root || this.#last.shift !== leafShift || this.#last.above !== above) {
      let table = root;
      for (const shift of levels) {
        const slot = Number((linear >> shift) & 511n);
        let entry = this.#memory(table).getBigUint64(slot * 8, true);
        if ((entry & PRESENT) === 0n) {
          entry = BigInt(this.table()) | PRESENT | WRITE | ACCESSED | (permissions.user === true ? USER : 0n);
          this.#memory(table).setBigUint64(slot * 8, entry, true);
        }
        table = Number(entry & 0x000ffffffffff000n);
      }
      this.#last = { root, shift: leafShift, above, entries: this.#memory(table) };
    }
    const leaf =
      target |
      PRESENT |
      ACCESSED |
      (permissions.writable ? WRITE | DIRTY : 0n) |
      (permissions.user === true ? USER : 0n) |
      (permissions.executable ? 0n : NO_EXECUTE);
    this.#last.entries.setBigUint64(Number((linear >> leafShift) & 511n) * 8, leaf, true);
  }

  /** Maps 2 MiB below the PML4 at `root`; both addresses are multiples of it. */
  mapLarge(root: number, linear: bigint, physical: number, permissions: PagePermissions): void {
    this.#map(root, linear, BigInt(physical) | LARGE, permissions, [39n, 30n], 21n);
  }

  /** Makes `root` share what `other` maps in the slot of a linear address (512 GiB of it). */
  share(root: number, other: number, linear: bigint): void {
    const slot = Number((linear >> 39n) & 511n) * 8;
    this.#last = undefined;
    this.#memory(root).setBigUint64(slot, this.#memory(other).getBigUint64(slot, true), true);
  }
}
