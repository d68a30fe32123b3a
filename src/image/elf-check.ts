import { TextpokeError } from '../error.ts';
import type { Elf, ElfSection, ElfSegment } from './elf.ts';

/** No guest here has more memory than this; a larger segment is a damaged header. In bytes. */
const LARGEST_SEGMENT = 1 << 30;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const SHT_RELA = 4;
const SHT_REL = 9;
const SHF_ALLOC = 2n;
const R_X86_64_IRELATIVE = 37;
const R_386_IRELATIVE = 42;
const REBUILD = 'the file is damaged, or the linker script is wrong: build it again';
const STATIC = 'link it statically at fixed addresses: -static -no-pie -nostdlib';

/**
 * Holds the parsed file to what a static executable is: at least one segment, sizes that fit, no overlap in virtual or
 * physical memory, canonical addresses, nothing for a dynamic loader to do, and an entry inside executable contents, by its virtual
 * address or, with `any`, by its physical one.
 */
export function checkLoadable(elf: Elf, where: string, entryIs: 'virtual' | 'any'): void {
  const fail = (message: string, place: string, hint = REBUILD) =>
    new TextpokeError('E_ELF', message, { where: `${where}: ${place}`, hint });
  const loads = elf.segments.filter((s) => s.type === PT_LOAD && s.memorySize > 0);
  for (const segment of elf.segments) {
    if (segment.type === PT_INTERP || segment.type === PT_DYNAMIC) {
      throw fail('it is linked dynamically, and there is no dynamic loader here', `program header ${segment.index}`, STATIC);
    }
  }
  for (const section of elf.sections) {
    if (
      (section.type === SHT_RELA || section.type === SHT_REL) &&
      (section.flags & SHF_ALLOC) !== 0n &&
      !isAppliedInside(section, elf.bits)
    ) {
      throw fail('it has relocations to apply when it is loaded', `section ${section.name}`, STATIC);
    }
  }
  if (loads.length === 0) throw fail('no segment is loaded', 'program headers', 'link it: an object file does not run');
  for (const segment of loads) {
    const place = `program header ${segment.index}`;
    if (segment.bytes.length > segment.memorySize) {
      throw fail(
        `0x${segment.bytes.length.toString(16)} bytes of contents do not fit its 0x${segment.memorySize.toString(16)} bytes of memory`,
        place,
      );
    }
    if (segment.memorySize > LARGEST_SEGMENT) {
      throw fail(`0x${segment.memorySize.toString(16)} bytes of memory are more than the 1 GiB that a segment may have`, place);
    }
    const last = segment.address + BigInt(segment.memorySize) - 1n;
    if (!isCanonical(segment.address) || !isCanonical(last) || segment.address >> 63n !== last >> 63n) {
      throw fail(`0x${segment.address.toString(16)} to 0x${last.toString(16)} is not canonical`, place);
    }
    if (segment.physical + BigInt(segment.memorySize) > 1n << 52n) {
      throw fail(
        `physical address 0x${segment.physical.toString(16)} is outside the 52-bit physical space`,
        place,
        'give the segment a load address (AT> in the linker script, -Ttext for a small program)',
      );
    }
  }
  checkOverlap(loads, (s) => s.address, 'virtual', fail);
  checkOverlap(loads, (s) => s.physical, 'physical', fail);
  const holds = (s: ElfSegment, start: bigint): boolean => elf.entry >= start && elf.entry < start + BigInt(s.memorySize);
  const inside = loads.find((s) => holds(s, s.address)) ?? (entryIs === 'any' ? loads.find((s) => holds(s, s.physical)) : undefined);
  const entry = `entry 0x${elf.entry.toString(16)}`;
  if (!inside)
    throw fail(
      `${entry} is outside every loaded segment`,
      'e_entry',
      'name the entry: ld -e SYMBOL, or ENTRY(SYMBOL) in the linker script',
    );
  if (!inside.executable)
    throw fail(`${entry} is in a segment that is not executable`, `program header ${inside.index}`, 'put it in .text');
}

/**
 * Whether what a section relocates is only what a static program's own start does: R_X86_64_IRELATIVE, R_386_IRELATIVE, addresses of functions
 * that are chosen by CPUID (AMD64 and Intel386 supplements of the System V ABI).
 */
function isAppliedInside({ bytes, type }: ElfSection, bits: 32 | 64): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entry = (bits >> 3) * (type === SHT_RELA ? 3 : 2);
  if (bytes.length % entry !== 0) return false;
  for (let at = 0; at < bytes.length; at += entry) {
    const kind = bits === 64 ? view.getUint32(at + 8, true) : view.getUint8(at + 4);
    if (kind !== (bits === 64 ? R_X86_64_IRELATIVE : R_386_IRELATIVE)) return false;
  }
  return true;
}

function checkOverlap(
  loads: readonly ElfSegment[],
  addressOf: (s: ElfSegment) => bigint,
  kind: string,
  fail: (message: string, place: string) => TextpokeError,
): void {
  const sorted = [...loads].sort((a, b) => (addressOf(a) < addressOf(b) ? -1 : addressOf(a) > addressOf(b) ? 1 : a.index - b.index));
  for (const [i, next] of sorted.entries()) {
    const previous = sorted[i - 1];
    if (previous && addressOf(previous) + BigInt(previous.memorySize) > addressOf(next)) {
      throw fail(
        `it overlaps program header ${previous.index} at ${kind} address 0x${addressOf(next).toString(16)}`,
        `program header ${next.index}`,
      );
    }
  }
}

/** Bits 63 to 47 equal (SDM Vol. 1, "Canonical Addressing"; 4-level paging). */
const isCanonical = (address: bigint): boolean => BigInt.asUintN(64, BigInt.asIntN(48, address)) === address;
