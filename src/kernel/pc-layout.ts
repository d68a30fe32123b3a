import { TextpokeError } from '../error.ts';
import type { Image } from '../image/image.ts';

/** Where things lie in the physical memory of a PC that boots; bytes. */
export const PC = {
  /** The BIOS data area. */
  data: 0x400,
  /** What a multiboot loader tells its kernel lies from here up to the extended BIOS data area. */
  info: 0x9e000,
  extendedData: 0x9fc00,
  /** Memory ends here; the text screen and the ROM are above. */
  lowEnd: 0xa0000,
  screen: 0xb8000,
  rom: 0xf0000,
  high: 0x100000,
} as const;

const PAGE_BYTES = 0x1000;
const LEAST_BYTES = 0x200000;
const USABLE = 1;
const RESERVED = 2;

/** A piece of the memory map that INT 15h AX=E820h and multiboot tell. */
export interface MemoryRange {
  readonly start: number;
  readonly bytes: number;
  /** 1 is usable, 2 reserved. */
  readonly type: number;
}

/** The memory map of a PC with so much RAM. */
export const memoryMap = (ramBytes: number): readonly MemoryRange[] => [
  { start: 0, bytes: PC.extendedData, type: USABLE },
  { start: PC.extendedData, bytes: PC.lowEnd - PC.extendedData, type: RESERVED },
  { start: PC.rom, bytes: PC.high - PC.rom, type: RESERVED },
  { start: PC.high, bytes: ramBytes - PC.high, type: USABLE },
];

/** KiB of memory from 1 MiB on. */
export const extendedKb = (ramBytes: number): number => (ramBytes - PC.high) >>> 10;

/** Bytes of RAM of a PC, whole pages. Throws `E_USAGE` where that is too little, `E_IMAGE` where the image does not fit. */
export function planPc(image: Image, ramBytes: number): number {
  const ram = Math.floor(ramBytes / PAGE_BYTES) * PAGE_BYTES;
  if (ram < LEAST_BYTES) {
    throw new TextpokeError('E_USAGE', 'a PC has at least 2 MiB of RAM', { where: '--max-memory', hint: 'for example --max-memory 16M' });
  }
  for (const { physical, memorySize } of image.segments) {
    const [start, end] = [Number(physical), Number(physical) + memorySize];
    const where = `segment at physical 0x${start.toString(16)} to 0x${end.toString(16)}`;
    if (end > ram) {
      throw new TextpokeError(
        'E_IMAGE',
        `a segment needs physical memory up to 0x${end.toString(16)}, and RAM ends at 0x${ram.toString(16)}`,
        {
          where,
          hint: 'give more RAM with --max-memory (up to 256M), or load the kernel lower (1 MiB is usual)',
        },
      );
    }
    if (start < PC.high && end > PC.info) {
      throw new TextpokeError('E_IMAGE', 'a segment lies where a PC has its screen and its ROM', {
        where,
        hint: `load the kernel at 1 MiB or above, or below 0x${PC.info.toString(16)}`,
      });
    }
  }
  return ram;
}
