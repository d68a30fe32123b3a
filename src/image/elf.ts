import { TextpokeError } from '../error.ts';
import { ByteReader } from './byte-reader.ts';
import { checkLoadable } from './elf-check.ts';
import { readSymbols } from './elf-symbols.ts';

/**
 * A reader of little-endian ELF64 x86-64 and ELF32 i386 executables (System V ABI, "Object Files"; AMD64 and Intel386 supplements). It reads what a static
 * executable has: program headers, section headers, symbols, the entry. It applies no relocation, and refuses files that need one.
 */

/** One program header. */
export interface ElfSegment {
  readonly index: number;
  /** `p_type`: 1 is PT_LOAD. */
  readonly type: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly offset: number;
  readonly address: bigint;
  readonly physical: bigint;
  /** Contents in the file; `memorySize - bytes.length` zero bytes follow them in memory. */
  readonly bytes: Uint8Array;
  readonly memorySize: number;
}

/** One section header. */
export interface ElfSection {
  readonly index: number;
  readonly name: string;
  /** `sh_type`: 1 PROGBITS, 2 SYMTAB, 3 STRTAB, 4 RELA, 8 NOBITS, 9 REL. */
  readonly type: number;
  readonly flags: bigint;
  readonly address: bigint;
  readonly offset: number;
  readonly size: number;
  /** Empty for NOBITS. */
  readonly bytes: Uint8Array;
  readonly link: number;
  readonly entrySize: number;
}

/** One entry of the symbol table; sections and files are left out. */
export interface ElfSymbol {
  readonly name: string;
  readonly address: bigint;
  readonly size: bigint;
  readonly kind: 'function' | 'object' | 'label';
  readonly binding: 'local' | 'global' | 'weak';
  /** Index of the section it is defined in; 0xfff1 is an absolute value. */
  readonly section: number;
}

export interface Elf {
  /** Of its class: 32 is a program of an i386. */
  readonly bits: 32 | 64;
  readonly entry: bigint;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
  /** Defined, named symbols in the order of the file. */
  readonly symbols: readonly ElfSymbol[];
}

export const PT_LOAD = 1;
const SHT_NOBITS = 8;
/** Bytes of the headers by class. */
const SIZES = { 32: { header: 52, segment: 32, section: 40 }, 64: { header: 64, segment: 56, section: 64 } } as const;
const REBUILD = 'the file is cut short or damaged: build or copy it again';
const TYPES: Readonly<Record<number, string>> = {
  0: 'no type',
  1: 'a relocatable object',
  3: 'a shared object or a PIE',
  4: 'a core dump',
};

/**
 * Reads `bytes` as an executable. Whatever is wrong with the file is a `TextpokeError` `E_ELF` that says what, where and what next.
 * `where` names the file in messages. `entryIs`: what the entry may be, a virtual address in code, or the physical address of code too (as boot loaders take it).
 */
export function readElf(bytes: Uint8Array, where = 'ELF', entryIs: 'virtual' | 'any' = 'virtual'): Elf {
  const header = readHeader(bytes, where);
  const { bits } = header;
  const segments = range(header.segmentCount).map((i) =>
    readSegment(bytes, where, header.segmentOffset + i * SIZES[bits].segment, i, bits),
  );
  const sections = readSections(bytes, where, header);
  const elf: Elf = { bits, entry: header.entry, segments, sections, symbols: readSymbols(sections, where, bits) };
  checkLoadable(elf, where, entryIs);
  return elf;
}

/** Reads a field that is as wide as the addresses of the class. */
const word = (reader: ByteReader, bits: 32 | 64, what: string): bigint => (bits === 64 ? reader.u64(what) : BigInt(reader.u32(what)));
/** The same of one that is an offset or a size in the file. */
const size = (reader: ByteReader, bits: 32 | 64, what: string): number => (bits === 64 ? reader.size64(what) : reader.u32(what));

interface Header {
  readonly bits: 32 | 64;
  readonly entry: bigint;
  readonly segmentOffset: number;
  readonly segmentCount: number;
  readonly sectionOffset: number;
  readonly sectionCount: number;
  readonly nameSection: number;
}

function readHeader(bytes: Uint8Array, where: string): Header {
  const fail = (message: string, offset: number, hint: string) =>
    new TextpokeError('E_ELF', message, { where: `${where}+0x${offset.toString(16)}`, hint });
  if (bytes.length < 4 || bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) {
    throw fail('not an ELF file: it does not begin with 7f 45 4c 46', 0, 'a flat binary needs a base address and an entry');
  }
  const reader = new ByteReader(bytes, where, 4);
  const expect = (value: number, wanted: number, message: string, hint: string, size: number) => {
    if (value !== wanted) throw fail(message, reader.position - size, hint);
  };
  const static64 = 'build it for x86: gcc -m64 or -m32, with -static -no-pie -nostdlib';
  const fileClass = reader.u8('the class');
  const bits = fileClass === 1 ? 32 : 64;
  if (bits === 64) expect(fileClass, 2, `class ${fileClass} is not ELF64 and not ELF32`, static64, 1);
  const { header: headerSize, segment: segmentSize, section: sectionSize } = SIZES[bits];
  expect(reader.u8('the byte order'), 1, 'the byte order is not little-endian', static64, 1);
  expect(reader.u8('the version'), 1, 'the version is not 1', REBUILD, 1);
  reader.position = 16;
  const type = reader.u16('e_type');
  expect(type, 2, `e_type ${type} (${TYPES[type] ?? 'unknown'}) is not an executable`, 'link it at fixed addresses: -static -no-pie', 2);
  const machine = reader.u16('e_machine');
  if (bits === 64) expect(machine, 62, `machine ${machine} is not x86-64 (62)`, static64, 2);
  else expect(machine, 3, `machine ${machine} is not i386 (3)${machine === 62 ? ': it is of the x32 ABI' : ''}`, static64, 2);
  expect(reader.u32('e_version'), 1, 'e_version is not 1', REBUILD, 4);
  const entry = word(reader, bits, 'e_entry');
  const segmentOffset = size(reader, bits, 'e_phoff');
  const sectionOffset = size(reader, bits, 'e_shoff');
  reader.u32('e_flags');
  const headerBytes = reader.u16('e_ehsize');
  expect(headerBytes, headerSize, `e_ehsize is ${headerBytes}, not ${headerSize}`, REBUILD, 2);
  const segmentBytes = reader.u16('e_phentsize');
  const segmentCount = reader.u16('e_phnum');
  if (segmentCount === 0)
    throw fail('there are no program headers, so nothing to load', reader.position - 2, 'link it: an object file does not run');
  if (segmentBytes !== segmentSize) throw fail(`e_phentsize is ${segmentBytes}, not ${segmentSize}`, reader.position - 4, REBUILD);
  const sectionBytes = reader.u16('e_shentsize');
  const sectionCount = reader.u16('e_shnum');
  if (sectionCount !== 0 && sectionBytes !== sectionSize) {
    throw fail(`e_shentsize is ${sectionBytes}, not ${sectionSize}`, reader.position - 4, REBUILD);
  }
  const nameSection = reader.u16('e_shstrndx');
  for (const [what, at, length] of [
    ['program headers', segmentOffset, segmentCount * segmentSize],
    ['section headers', sectionOffset, sectionCount * sectionSize],
  ] as const) {
    if (at + length > bytes.length)
      throw fail(
        `the ${what} end at 0x${(at + length).toString(16)}, outside the file of 0x${bytes.length.toString(16)} bytes`,
        at,
        REBUILD,
      );
  }
  return { bits, entry, segmentOffset, segmentCount, sectionOffset, sectionCount, nameSection };
}

function readSegment(bytes: Uint8Array, where: string, at: number, index: number, bits: 32 | 64): ElfSegment {
  const reader = new ByteReader(bytes, where, at);
  const name = `program header ${index}`;
  const type = reader.u32(name);
  // ELF32 has the flags behind the sizes, where they are aligned as well.
  let flags = bits === 64 ? reader.u32(name) : 0;
  const offset = size(reader, bits, `${name}: p_offset`);
  const address = word(reader, bits, name);
  const physical = word(reader, bits, name);
  const fileSize = size(reader, bits, `${name}: p_filesz`);
  const memorySize = size(reader, bits, `${name}: p_memsz`);
  if (bits === 32) flags = reader.u32(name);
  // The contents of headers that are not loaded do not matter here: only PT_LOAD is held to the file.
  const inside = offset + fileSize <= bytes.length;
  if (type === PT_LOAD && !inside) {
    throw reader.error(
      `${name} takes 0x${fileSize.toString(16)} bytes at 0x${offset.toString(16)}, outside the file of 0x${bytes.length.toString(16)} bytes`,
      REBUILD,
      at,
    );
  }
  return {
    index,
    type,
    offset,
    address,
    physical,
    memorySize,
    readable: (flags & 4) !== 0,
    writable: (flags & 2) !== 0,
    executable: (flags & 1) !== 0,
    bytes: inside ? bytes.subarray(offset, offset + fileSize) : bytes.subarray(0, 0),
  };
}

function readSections(bytes: Uint8Array, where: string, header: Header): ElfSection[] {
  const { bits } = header;
  const raw = range(header.sectionCount).map((index) => {
    const at = header.sectionOffset + index * SIZES[bits].section;
    const reader = new ByteReader(bytes, where, at);
    const label = `section header ${index}`;
    const nameOffset = reader.u32(label);
    const type = reader.u32(label);
    const flags = word(reader, bits, label);
    const address = word(reader, bits, label);
    const offset = size(reader, bits, `${label}: sh_offset`);
    const length = size(reader, bits, `${label}: sh_size`);
    const link = reader.u32(label);
    reader.position += 4 + bits / 8;
    const entrySize = size(reader, bits, `${label}: sh_entsize`);
    const stored = index === 0 || type === SHT_NOBITS ? 0 : length;
    if (stored > 0 && offset + stored > bytes.length) {
      throw reader.error(
        `section ${index} takes 0x${length.toString(16)} bytes at 0x${offset.toString(16)}, outside the file of 0x${bytes.length.toString(16)} bytes`,
        REBUILD,
        at,
      );
    }
    return {
      index,
      nameOffset,
      type,
      flags,
      address,
      offset,
      size: length,
      link,
      entrySize,
      bytes: stored ? bytes.subarray(offset, offset + stored) : bytes.subarray(0, 0),
    };
  });
  if (raw.length === 0) return [];
  const names = raw[header.nameSection];
  if (!names) {
    throw new TextpokeError('E_ELF', `e_shstrndx is ${header.nameSection}, but there are ${raw.length} sections`, {
      where: `${where}+0x${(SIZES[bits].header - 2).toString(16)}`,
      hint: REBUILD,
    });
  }
  return raw.map(({ nameOffset, ...section }) => {
    const reader = new ByteReader(names.bytes, `${where}: section names`, nameOffset);
    return { ...section, name: names.index === 0 ? '' : reader.cstring(`the name of section ${section.index}`) };
  });
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
