import { TextpokeError } from '../error.ts';
import type { Image, ImageSegment } from '../image/image.ts';

const PAGE_BYTES = 0x1000;
const LARGE_PAGE_BYTES = 0x200000;

/** Bytes of a core's stack. The page below it is not mapped, so that running over it is a #PF and not silent damage. */
const BARE_STACK_BYTES = 0x10000;
/** A guard page, the stack, and one page on which exceptions are delivered. */
const CORE_BYTES = PAGE_BYTES + BARE_STACK_BYTES + PAGE_BYTES;
/** GDT, IDT, the page that gates lead to, the task-state segments. */
const SHARED_PAGES = 4;

/** A page of 4 KiB and what may be done with it. */
export interface BarePage {
  readonly physical: number;
  readonly writable: boolean;
  readonly executable: boolean;
}

/** Where the machine's own structures lie: at the end of RAM, linear equal to physical. All in bytes. */
export interface BareLayout {
  readonly ramBytes: number;
  /** First byte of the machine's own area; the image must end before it. */
  readonly area: number;
  readonly gdt: number;
  readonly idt: number;
  /** Where the gates of the first IDT lead. */
  readonly gateTarget: number;
  readonly tss: number;
  /** Where page tables may be built, up to the end of RAM. */
  readonly tables: number;
  /** Pages of the image by linear page number. */
  readonly image: ReadonlyMap<bigint, BarePage>;
  /** First address above the stack of a core. */
  stackTop(core: number): number;
  /** First address above the page on which its exceptions are delivered. */
  faultStackTop(core: number): number;
  /** The page below its stack, which is not mapped. */
  guard(core: number): number;
}

/**
 * Plans memory for an image. Errors are `E_IMAGE` (a segment that does not fit, or lies where stacks and tables are) and `E_USAGE` (so little RAM
 * that not even those fit).
 */
export function planBare(image: Image, cores: number, ramBytes: number): BareLayout {
  const ram = Math.floor(ramBytes / PAGE_BYTES) * PAGE_BYTES;
  const fixed = SHARED_PAGES * PAGE_BYTES + cores * CORE_BYTES;
  const areaFor = (pages: ReadonlyMap<bigint, BarePage>): number => {
    const bytes = fixed + tablesNeeded(pages, fixed) * PAGE_BYTES;
    if (ram >= bytes + PAGE_BYTES) return ram - bytes;
    throw new TextpokeError(
      'E_USAGE',
      `${size(ramBytes)} of RAM cannot hold the stacks and page tables of ${cores} cores, ${size(bytes)}`,
      {
        where: '--max-memory',
        hint: `give at least ${Math.ceil((bytes + PAGE_BYTES) / 1048576) + 1}M`,
      },
    );
  };
  areaFor(new Map());
  for (const segment of image.segments) checkInRam(segment, ram);
  const pages = imagePages(image);
  const area = areaFor(pages);
  for (const segment of image.segments) checkApart(segment, area, ram);
  const coreAt = (core: number): number => area + SHARED_PAGES * PAGE_BYTES + core * CORE_BYTES;
  return {
    ramBytes: ram,
    area,
    gdt: area,
    idt: area + PAGE_BYTES,
    gateTarget: area + 2 * PAGE_BYTES,
    tss: area + 3 * PAGE_BYTES,
    tables: area + fixed,
    image: pages,
    guard: coreAt,
    stackTop: (core) => coreAt(core) + PAGE_BYTES + BARE_STACK_BYTES,
    faultStackTop: (core) => coreAt(core) + CORE_BYTES,
  };
}

/** What the segments want of each page. Two segments on one page share it with the permissions of both. */
function imagePages(image: Image): Map<bigint, BarePage> {
  const pages = new Map<bigint, BarePage>();
  for (const segment of image.segments) {
    if (((segment.address ^ segment.physical) & 0xfffn) !== 0n) {
      throw new TextpokeError('E_IMAGE', `a segment is at ${hex(segment.address)} but its physical address is ${hex(segment.physical)}`, {
        where: span(segment),
        hint: 'both must have the same offset in their page of 4096 bytes',
      });
    }
    const last = (segment.address + BigInt(segment.memorySize) - 1n) >> 12n;
    for (let page = segment.address >> 12n; page <= last; page++) {
      const physical = Number((segment.physical >> 12n) + page - (segment.address >> 12n)) * PAGE_BYTES;
      const other = pages.get(page);
      if (other !== undefined && other.physical !== physical) {
        throw new TextpokeError('E_IMAGE', `two segments want the page at ${hex(page << 12n)} in different physical memory`, {
          where: span(segment),
          hint: 'align segments to 4096 bytes in the linker script',
        });
      }
      pages.set(page, {
        physical,
        writable: segment.writable || other?.writable === true,
        executable: segment.executable || other?.executable === true,
      });
    }
  }
  return pages;
}

/** At most so many tables: those over the image's pages, and over the parts of low memory that are mapped in small pages. */
function tablesNeeded(pages: ReadonlyMap<bigint, BarePage>, areaBytes: number): number {
  const over = new Set<string>();
  for (const page of pages.keys()) for (const bits of [9n, 18n, 27n]) over.add(`${bits} ${page >> bits}`);
  // The root, two levels over low memory, and small pages where page 0 is and where this area is, whose tables make it longer.
  const small = Math.ceil((areaBytes + (over.size + 8) * PAGE_BYTES) / LARGE_PAGE_BYTES) + 2;
  return over.size + 3 + small;
}

const ROOM = 'give more RAM with --max-memory (up to 256M), or link the program lower (4 MiB is usual)';

function checkInRam(segment: ImageSegment, ram: number): void {
  const end = segment.physical + BigInt(segment.memorySize);
  if (end <= BigInt(ram)) return;
  throw new TextpokeError('E_IMAGE', `a segment needs physical memory up to ${hex(end)}, and RAM ends at ${hex(BigInt(ram))}`, {
    where: span(segment),
    hint: ROOM,
  });
}

function checkApart(segment: ImageSegment, area: number, ram: number): void {
  const size = BigInt(segment.memorySize);
  const overlaps = (start: bigint): boolean => start < BigInt(ram) && start + size > BigInt(area);
  if (!overlaps(segment.physical) && !overlaps(segment.address)) return;
  throw new TextpokeError('E_IMAGE', `a segment overlaps the stacks and tables of the cores, which begin at ${hex(BigInt(area))}`, {
    where: span(segment),
    hint: ROOM,
  });
}

const span = (s: ImageSegment): string => `segment ${hex(s.address)} to ${hex(s.address + BigInt(s.memorySize))}`;
const hex = (n: bigint): string => `0x${n.toString(16)}`;
const size = (bytes: number): string => (bytes >= 1048576 ? `${Math.round(bytes / 1048576)} MiB` : `${Math.ceil(bytes / 1024)} KiB`);
