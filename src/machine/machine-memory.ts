import type { Engine } from '../engine/engine.ts';
import { PAGE, PAGE_INFO_BASE } from '../engine/layout.ts';
import type { Core } from './core.ts';

/** Physical memory as loaders, devices and page walks see it, and to whom each page belongs. */
export abstract class MachineMemory {
  abstract readonly engine: Engine;
  abstract readonly cores: readonly Core[];

  pageInfo(physical: number): number {
    return this.engine.words[(PAGE_INFO_BASE >> 2) + (physical >>> 12)] as number;
  }

  setPageInfo(page: number, info: number): void {
    this.engine.words[(PAGE_INFO_BASE >> 2) + page] = info;
  }

  /**
   * Gives a page to one core: its accesses there are private and never visible. `ordinal` numbers the page among the core's private
   * pages; equal ordinals of symmetric cores hash alike.
   */
  setPrivate(physical: number, core: number, ordinal: number): void {
    this.setPageInfo(physical >>> 12, ((0x800000 + ordinal) << 8) | (core + 1));
  }

  /** Private pages that another core than their owner has reached: from then on nobody's accesses there are private. */
  readonly sharedPages = new Set<number>();
  /** Set by an observer when what is happening violates something: the instruction being fetched is not executed any more. */
  abandoned = false;

  /** Declares that others than its owner reach a private page. */
  sharePage(physical: number): void {
    const page = physical >>> 12;
    const info = this.pageInfo(physical);
    if ((info & PAGE.slow) !== 0) return;
    this.setPageInfo(page, info | PAGE.slow);
    this.sharedPages.add(page * 4096);
    for (const core of this.cores) core.flushTlb();
  }

  /**
   * Whether accesses of `core` to a page may use the TLB's fast path. A core that reaches another's private page makes it a shared one,
   * which is news to the search.
   */
  fastPage(core: Core, info: number, physical = -1): boolean {
    if ((info & PAGE.absent) !== 0) return false;
    if (!this.engine.features.explore) return true;
    const owner = info & PAGE.laneMask;
    if (owner !== 0 && owner !== core.index + 1 && (info & PAGE.slow) === 0 && physical >= 0) {
      this.sharePage(physical);
      this.engine.globals.learned.value++;
    }
    return (info & PAGE.slow) === 0 && owner === core.index + 1;
  }

  /** Memory as it is: no journal, no hash. For loading before the base state, and for looking. */
  peek(physical: number, length: number): Uint8Array {
    if (physical < 0 || physical + length > this.engine.map.ramBytes) throw new RangeError('outside RAM');
    this.engine.touch(physical, length);
    return this.engine.bytes.subarray(this.engine.map.ram + physical, this.engine.map.ram + physical + length);
  }

  readPhysical(address: number, bytes: number): bigint {
    if (address < 0 || address + bytes > this.engine.map.ramBytes) throw new RangeError('outside RAM');
    this.engine.looks?.physical(address, bytes);
    const at = this.engine.map.ram + address;
    if (bytes === 8 && (at & 7) === 0) return this.engine.longs[at >> 3] as bigint;
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.engine.bytes[at + i] as number);
    return value;
  }

  writePhysical(address: number, bytes: number, value: bigint): void {
    this.peek(address, bytes);
    this.engine.looks?.physical(address, bytes);
    this.engine.access.physicalWrite(address, bytes, BigInt.asIntN(64, value));
  }
}
