import { TextpokeError } from '../error.ts';
import { type Elf, PT_LOAD, readElf } from './elf.ts';
import { type Boot, Image, imageOfElf } from './image.ts';
import { type LoadAddresses, type MultibootHeader, readMultiboot } from './multiboot.ts';

/** Images that a machine starts outside 64-bit mode: disks, multiboot kernels, programs of 32 bits. */

export const SECTOR_BYTES = 512;
/** Where the BIOS puts the first sector of a disk. */
const BOOT_SECTOR_AT = 0x7c00;
const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];

/** Whether bytes begin with a boot sector: 55 AA at the end of the first 512 bytes. */
const hasBootSector = (bytes: Uint8Array): boolean => bytes[510] === 0x55 && bytes[511] === 0xaa;

/** The image of a raw disk. Throws `E_IMAGE` where its first sector cannot be booted. */
export function imageFromDisk(disk: Uint8Array, where = 'disk'): Image {
  if (!hasBootSector(disk)) {
    throw new TextpokeError('E_IMAGE', 'bytes 510 and 511 are not 55 aa: the first sector cannot be booted', {
      where,
      hint: 'end the boot sector with .org 510; .word 0xaa55',
    });
  }
  const at = BigInt(BOOT_SECTOR_AT);
  const segment = { address: at, physical: at, bytes: disk.subarray(0, SECTOR_BYTES), memorySize: SECTOR_BYTES };
  const boot: Boot = { kind: 'disk', disk };
  return new Image({ segments: [{ ...segment, readable: true, writable: true, executable: true }], entry: at, boot });
}

/**
 * The image of whatever a loader knows: an ELF64 executable, which enters in 64-bit mode, one of 32 bits, or a multiboot kernel in either format or in
 * none. Undefined where the bytes are none of these. Errors are `E_ELF` and `E_IMAGE`.
 */
function imageFromProgram(bytes: Uint8Array, where: string): Image | undefined {
  const isElf = ELF_MAGIC.every((byte, n) => bytes[n] === byte);
  const header = readMultiboot(bytes, where);
  if (header?.addresses !== undefined)
    return kernelAt(header.addresses, header, bytes, isElf ? readElf(bytes, where, 'any') : undefined, where);
  if (!isElf) {
    if (header === undefined) return undefined;
    throw new TextpokeError('E_IMAGE', 'a multiboot kernel that is no ELF file does not say where it is loaded', {
      where: `${where}+0x${header.offset.toString(16)}`,
      hint: header.version === 1 ? 'set flag 16 and fill in the addresses' : 'add an address tag (2)',
    });
  }
  const elf = readElf(bytes, where, header === undefined ? 'virtual' : 'any');
  if (header === undefined && elf.bits === 64) return imageOfElf(elf, where);
  checkPhysical(elf, where);
  return imageOfElf(elf, where, { entry: physicalEntry(elf, header), how: { kind: 'multiboot', header } });
}

/** The image of a file that says by its contents what it is: `imageFromProgram`, or a disk with a boot sector. */
export function imageFromContents(bytes: Uint8Array, where: string): Image | undefined {
  return imageFromProgram(bytes, where) ?? (hasBootSector(bytes) ? imageFromDisk(bytes, where) : undefined);
}

/** An entry is a virtual address; where the kernel is linked elsewhere than it is loaded it starts at the physical one. */
function physicalEntry(elf: Elf, header: MultibootHeader | undefined): bigint {
  if (header?.entry !== undefined) return BigInt(header.entry);
  const home = elf.segments.find((s) => s.type === PT_LOAD && elf.entry >= s.address && elf.entry < s.address + BigInt(s.memorySize));
  return home === undefined ? elf.entry : elf.entry - home.address + home.physical;
}

function checkPhysical(elf: Elf, where: string): void {
  const high = elf.segments.find((s) => s.type === PT_LOAD && s.memorySize > 0 && s.physical + BigInt(s.memorySize) > 1n << 32n);
  if (high === undefined) return;
  throw new TextpokeError('E_ELF', `physical address 0x${high.physical.toString(16)} is beyond what 32-bit code reaches`, {
    where: `${where}: program header ${high.index}`,
    hint: 'give the segment a load address (AT> in the linker script)',
  });
}

/** A kernel whose header says what is loaded: one piece of the file, and zeros behind it. */
function kernelAt(a: LoadAddresses, header: MultibootHeader, bytes: Uint8Array, elf: Elf | undefined, where: string): Image {
  const from = header.offset - (a.header - a.load);
  const length = a.loadEnd === 0 ? bytes.length - from : a.loadEnd - a.load;
  const fail = (message: string, hint: string) =>
    new TextpokeError('E_IMAGE', message, { where: `${where}+0x${header.offset.toString(16)}`, hint });
  if (from + length > bytes.length) {
    throw fail(
      `the multiboot header wants 0x${length.toString(16)} bytes from 0x${from.toString(16)} on, and the file has 0x${bytes.length.toString(16)}`,
      'load_end_addr is too high, or the file is cut short',
    );
  }
  const entry = header.entry ?? a.entry ?? (elf === undefined ? undefined : Number(BigInt.asUintN(32, elf.entry)));
  if (entry === undefined) throw fail('the multiboot header does not say where the kernel starts', 'add an entry tag (3)');
  const address = BigInt(a.load);
  const contents = { address, physical: address, bytes: bytes.subarray(from, from + length) };
  const memorySize = Math.max(length, a.bssEnd === 0 ? 0 : a.bssEnd - a.load);
  const segment = { ...contents, memorySize, readable: true, writable: true, executable: true };
  const boot: Boot = { kind: 'multiboot', header };
  const named = elf === undefined ? undefined : imageOfElf(elf, where);
  return new Image({
    segments: [segment],
    entry: BigInt(entry),
    boot,
    ...(named !== undefined && { symbols: named.symbols, lines: named.lines, types: () => named.types }),
  });
}
