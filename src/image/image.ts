import { TextpokeError } from '../error.ts';
import { didYouMean } from '../suggest.ts';
import { CallFrames } from './call-frames.ts';
import { DataTypes } from './data-types.ts';
import { readDebugLines } from './debug-line.ts';
import { type Elf, PT_LOAD, readElf } from './elf.ts';
import { Fnv64 } from './fnv.ts';
import { LineTable, type SourceLine } from './lines.ts';
import type { MultibootHeader } from './multiboot.ts';

/** Contiguous memory with one set of permissions. */
export interface ImageSegment {
  /** Virtual address of the first byte. */
  readonly address: bigint;
  /** Physical address of the first byte. */
  readonly physical: bigint;
  readonly bytes: Uint8Array;
  /** In bytes; zeros follow `bytes` up to here. */
  readonly memorySize: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
}

export interface ImageSymbol {
  readonly name: string;
  readonly address: bigint;
  /** In bytes; 0 is unknown. */
  readonly size: number;
  readonly kind: 'function' | 'object' | 'label';
}

export interface ImageParts {
  readonly segments: readonly ImageSegment[];
  readonly entry: bigint;
  readonly symbols?: readonly ImageSymbol[];
  readonly lines?: LineTable;
  /** Reads the types of variables when they are first asked for. */
  readonly types?: () => DataTypes;
  /** Reads the call frame information likewise. */
  readonly frames?: () => CallFrames;
  readonly boot?: Boot;
}

/** How a machine starts an image that is not entered in 64-bit mode by itself. */
export type Boot =
  /** As the BIOS of a PC starts the first sector of a disk. */
  | { readonly kind: 'disk'; readonly disk: Uint8Array }
  /** As a multiboot loader starts a kernel: in 32-bit protected mode. Without a header it is one of neither version. */
  | { readonly kind: 'multiboot'; readonly header: MultibootHeader | undefined };

/** What gets loaded into a machine, wherever it came from: segments, where to start, and the names and source lines of addresses. */
export class Image {
  readonly segments: readonly ImageSegment[];
  readonly entry: bigint;
  readonly symbols: readonly ImageSymbol[];
  readonly lines: LineTable;
  readonly boot: Boot | undefined;
  readonly #byName = new Map<string, ImageSymbol>();
  readonly #byAddress: readonly ImageSymbol[];
  readonly #readTypes: () => DataTypes;
  #types: DataTypes | undefined;
  readonly #readFrames: () => CallFrames;
  #frames: CallFrames | undefined;

  constructor(parts: ImageParts) {
    this.segments = parts.segments;
    this.entry = parts.entry;
    this.symbols = parts.symbols ?? [];
    this.lines = parts.lines ?? LineTable.empty;
    this.boot = parts.boot;
    this.#readTypes = parts.types ?? (() => new DataTypes(new Map()));
    this.#readFrames = parts.frames ?? (() => CallFrames.empty);
    for (const symbol of this.symbols) if (!this.#byName.has(symbol.name)) this.#byName.set(symbol.name, symbol);
    const rank = { label: 0, object: 1, function: 2 } as const;
    this.#byAddress = this.symbols
      .filter((s) => this.segmentAt(s.address) !== undefined)
      .sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : rank[a.kind] - rank[b.kind]));
  }

  /** The segment that holds `address`, or undefined. */
  segmentAt(address: bigint): ImageSegment | undefined {
    return this.segments.find((s) => address >= s.address && address < s.address + BigInt(s.memorySize));
  }

  /** The symbol called `name`; unknown is `E_IMAGE` with the nearest name as the hint. */
  symbol(name: string): ImageSymbol {
    const found = this.#byName.get(name);
    if (found) return found;
    const otherwise = this.#byName.size === 0 ? 'the image has no symbols: use an address' : 'nm FILE lists the symbols';
    const hint = didYouMean(name, this.#byName.keys()) ?? otherwise;
    throw new TextpokeError('E_IMAGE', `there is no symbol '${name}'`, { where: name, hint });
  }

  /** True when there is a symbol called `name`. */
  hasSymbol(name: string): boolean {
    return this.#byName.has(name);
  }

  /** The last symbol at or before `address` in the same segment, with the distance in bytes; a symbol of known size ends there. */
  symbolAt(address: bigint): { symbol: ImageSymbol; offset: number } | undefined {
    const segment = this.segmentAt(address);
    if (!segment) return undefined;
    let low = 0;
    let high = this.#byAddress.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#byAddress[middle]?.address ?? 0n) <= address) low = middle + 1;
      else high = middle;
    }
    for (let i = low - 1; i >= 0; i--) {
      const symbol = this.#byAddress[i];
      if (!symbol || symbol.address < segment.address) return undefined;
      const offset = Number(address - symbol.address);
      if (symbol.size === 0 || offset < symbol.size) return { symbol, offset };
    }
    return undefined;
  }

  /** `text_poke+0x3c`, or `text_poke` at its start; without a symbol the address in hexadecimal. */
  describe(address: bigint): string {
    const found = this.symbolAt(address);
    if (!found) return `0x${address.toString(16)}`;
    return found.offset === 0 ? found.symbol.name : `${found.symbol.name}+0x${found.offset.toString(16)}`;
  }

  /** Source file and line of `address`, where the image has them. */
  lineAt(address: bigint): SourceLine | undefined {
    return this.lines.find(address);
  }

  /** The types of its variables, where the image has them. */
  get types(): DataTypes {
    this.#types ??= this.#readTypes();
    return this.#types;
  }

  /** How to find the callers of functions, where the image says. */
  get frames(): CallFrames {
    this.#frames ??= this.#readFrames();
    return this.#frames;
  }

  /**
   * 16 hexadecimal digits that name what a machine sees of the image: FNV-1a 64 over the entry and, for each segment in order of
   * address, its addresses, size, permissions and contents. Symbols and lines do not enter.
   */
  contentHash(): string {
    const hash = new Fnv64().word(this.entry);
    const ordered = [...this.segments].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    for (const s of ordered) {
      const permissions = (s.readable ? 4 : 0) | (s.writable ? 2 : 0) | (s.executable ? 1 : 0);
      hash
        .word(s.address)
        .word(s.physical)
        .word(BigInt(s.memorySize))
        .word(BigInt(permissions))
        .word(BigInt(s.bytes.length))
        .bytes(s.bytes);
    }
    return hash.hex();
  }
}

/** The image of an ELF64 executable. Errors are `E_ELF`; `where` names the file in them. */
export function imageFromElf(bytes: Uint8Array, where = 'ELF'): Image {
  const elf = readElf(bytes, where);
  if (elf.bits === 64) return imageOfElf(elf, where);
  throw new TextpokeError('E_ELF', 'class 1 is not ELF64', {
    where: `${where}+0x4`,
    hint: 'a program of 32 bits runs alone (textpoke run); here it takes one of gcc -m64',
  });
}

/** The image of an executable that has been read; `entry` unless that of the file. */
export function imageOfElf(elf: Elf, where: string, boot?: { readonly entry: bigint; readonly how: Boot }): Image {
  const segments = elf.segments
    .filter((s) => s.type === PT_LOAD && s.memorySize > 0)
    .map(({ address, physical, bytes: contents, memorySize, readable, writable, executable }) => ({
      address,
      physical,
      bytes: contents,
      memorySize,
      readable,
      writable,
      executable,
    }));
  const symbols = elf.symbols.map((s) => ({ name: s.name, address: s.address, size: Number(BigInt.asUintN(53, s.size)), kind: s.kind }));
  return new Image({
    segments,
    entry: boot?.entry ?? elf.entry,
    symbols,
    lines: readDebugLines(elf.sections, where),
    types: () => DataTypes.read(elf.sections, where),
    // The registers of call frame information have other numbers in programs of 32 bits.
    frames: () => (elf.bits === 64 ? CallFrames.read(elf.sections, where) : CallFrames.empty),
    ...(boot !== undefined && { boot: boot.how }),
  });
}

export interface FlatOptions {
  /** Virtual address of the first byte. */
  readonly base: bigint;
  /** Default: `base`. */
  readonly entry?: bigint;
  /** Default: `base`. */
  readonly physical?: bigint;
  readonly symbols?: readonly ImageSymbol[];
  readonly lines?: LineTable;
}

/** The image of raw bytes: one segment, readable, writable and executable. Errors are `E_IMAGE`. */
export function imageFromFlat(bytes: Uint8Array, options: FlatOptions): Image {
  const { base, entry = base, physical = base } = options;
  const end = base + BigInt(bytes.length);
  const span = `0x${base.toString(16)} to 0x${end.toString(16)}`;
  if (bytes.length === 0)
    throw new TextpokeError('E_IMAGE', 'the file is empty', { where: 'flat image', hint: 'give a file with machine code' });
  if (base < 0n || BigInt.asUintN(64, BigInt.asIntN(48, base)) !== base || BigInt.asUintN(64, BigInt.asIntN(48, end - 1n)) !== end - 1n) {
    throw new TextpokeError('E_IMAGE', `${span} is not canonical`, { where: 'flat image', hint: 'choose a base below 0x800000000000' });
  }
  if (physical < 0n || physical + BigInt(bytes.length) > 1n << 52n) {
    throw new TextpokeError('E_IMAGE', `physical address 0x${physical.toString(16)} is outside the 52-bit physical space`, {
      where: 'flat image',
      hint: 'give a physical address apart from the base',
    });
  }
  if (entry < base || entry >= end) {
    throw new TextpokeError('E_IMAGE', `entry 0x${entry.toString(16)} is outside the image, ${span}`, {
      where: 'flat image',
      hint: 'the entry defaults to the base',
    });
  }
  const segment = { address: base, physical, bytes, memorySize: bytes.length, readable: true, writable: true, executable: true };
  return new Image({ segments: [segment], entry, symbols: options.symbols ?? [], lines: options.lines ?? LineTable.empty });
}
