import { TextpokeError } from '../error.ts';

/** What the header of a multiboot kernel asks its loader for (Multiboot Specification version 0.6.96; version 2.0). */
export interface MultibootHeader {
  readonly version: 1 | 2;
  /** Offset in the file, in bytes. */
  readonly offset: number;
  /** Where the header itself says what is loaded: physical addresses, used in place of what the file's format says. */
  readonly addresses: LoadAddresses | undefined;
  /** Where the kernel starts, when not at the entry of the file or of `addresses`. */
  readonly entry: number | undefined;
}

export interface LoadAddresses {
  /** Of the header. */
  readonly header: number;
  readonly load: number;
  /** 0: up to the end of the file. */
  readonly loadEnd: number;
  /** 0: no bss. */
  readonly bssEnd: number;
  /** Of version 1. */
  readonly entry: number | undefined;
}

const MAGIC_1 = 0x1badb002;
const MAGIC_2 = 0xe85250d6;
/** How far into the file the header may lie, in bytes. */
const WITHIN_1 = 8192;
const WITHIN_2 = 32768;

/** Bits of the flags of version 1. Those below 16 are requirements. */
const FLAG = { aligned: 1, memory: 2, video: 4, addresses: 1 << 16 } as const;
const TEXT_MODE = 1;

/** Tags of a version 2 header. */
const TAG = {
  end: 0,
  request: 1,
  address: 2,
  entry: 3,
  flags: 4,
  framebuffer: 5,
  moduleAlign: 6,
  efiBootServices: 7,
  entryEfi32: 8,
  entryEfi64: 9,
  relocatable: 10,
} as const;
/** Types of boot information that a version 2 kernel is given: command line, loader, BIOS drive, memory sizes, memory map, text screen. */
const GIVEN = new Set([1, 2, 4, 6, 8]);

/** The header of either version; undefined where there is none. A flag or tag that this loader cannot honour is `E_IMAGE`. */
export function readMultiboot(bytes: Uint8Array, where: string): MultibootHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 16 <= Math.min(bytes.length, WITHIN_2); at += 8) {
    const length = view.getUint32(at + 8, true);
    if (view.getUint32(at, true) !== MAGIC_2 || sum(view, at, 4) !== 0) continue;
    return readVersion2(new DataView(bytes.buffer, bytes.byteOffset + at, Math.min(length, bytes.length - at)), at, where);
  }
  for (let at = 0; at + 12 <= Math.min(bytes.length, WITHIN_1); at += 4)
    if (view.getUint32(at, true) === MAGIC_1 && sum(view, at, 3) === 0) return readVersion1(view, at, where);
  return undefined;
}

const sum = (view: DataView, at: number, words: number): number => {
  let total = 0;
  for (let n = 0; n < words; n++) total = (total + view.getUint32(at + 4 * n, true)) >>> 0;
  return total;
};

function refuse(where: string, offset: number, message: string, hint: string): TextpokeError {
  return new TextpokeError('E_IMAGE', message, { where: `${where}+0x${offset.toString(16)}`, hint });
}

function word(view: DataView, at: number, where: string, offset: number): number {
  if (at + 4 <= view.byteLength) return view.getUint32(at, true);
  throw refuse(where, offset, 'the multiboot header ends before its last field', 'the file is cut short: build or copy it again');
}

function readVersion1(view: DataView, offset: number, where: string): MultibootHeader {
  const field = (n: number): number => word(view, offset + 4 * n, where, offset);
  const flags = field(1);
  const unknown = flags & 0xffff & ~(FLAG.aligned | FLAG.memory | FLAG.video);
  if (unknown !== 0) {
    throw refuse(
      where,
      offset + 4,
      `the multiboot header requires 0x${unknown.toString(16)}, flags that mean nothing here`,
      'bits 0 to 2 and 16 of the flags are known',
    );
  }
  if ((flags & FLAG.video) !== 0 && field(8) !== TEXT_MODE) throw graphics(where, offset + 32);
  if ((flags & FLAG.addresses) === 0) return { version: 1, offset, addresses: undefined, entry: undefined };
  const addresses = { header: field(3), load: field(4), loadEnd: field(5), bssEnd: field(6), entry: field(7) };
  return { version: 1, offset, addresses: checked(addresses, offset, where), entry: undefined };
}

const graphics = (where: string, offset: number): TextpokeError =>
  refuse(where, offset, 'the multiboot header asks for a graphics mode, and there is no display', 'ask for text, or make the tag optional');

/** `view` is the header alone. */
function readVersion2(view: DataView, offset: number, where: string): MultibootHeader {
  const field = (at: number): number => word(view, at, where, offset + at);
  const fail = (at: number, message: string, hint: string) => refuse(where, offset + at, message, hint);
  if (field(4) !== 0)
    throw fail(4, `the multiboot 2 header is for architecture ${field(4)}, not for a PC (0)`, 'build the kernel for i386 or x86-64');
  let addresses: LoadAddresses | undefined;
  let entry: number | undefined;
  for (let at = 16; ; ) {
    const type = field(at) & 0xffff;
    const isOptional = ((field(at) >>> 16) & 1) !== 0;
    const size = field(at + 4);
    if (size < 8) throw fail(at, `a tag of ${size} bytes is too short`, 'each tag has 8 bytes or more');
    switch (type) {
      case TAG.end:
        return { version: 2, offset, addresses, entry };
      case TAG.request:
        for (let n = 8; n + 4 <= size; n += 4) {
          if (isOptional || GIVEN.has(field(at + n))) continue;
          throw fail(
            at + n,
            `the kernel requires boot information of type ${field(at + n)}, which this loader has not`,
            `it has types ${[...GIVEN].join(', ')}: make the request optional`,
          );
        }
        break;
      case TAG.address:
        addresses = checked(
          { header: field(at + 8), load: field(at + 12), loadEnd: field(at + 16), bssEnd: field(at + 20), entry: undefined },
          offset,
          where,
        );
        break;
      case TAG.entry:
        entry = field(at + 8);
        break;
      case TAG.framebuffer:
        // A width and a depth of zero are no preference: text will do.
        if (!isOptional && (field(at + 8) !== 0 || field(at + 16) !== 0)) throw graphics(where, offset + at);
        break;
      case TAG.flags:
      case TAG.moduleAlign:
      case TAG.entryEfi32:
      case TAG.entryEfi64:
      case TAG.relocatable:
        break;
      default:
        if (!isOptional)
          throw fail(
            at,
            `the kernel requires tag ${type}${type === TAG.efiBootServices ? ' (EFI boot services)' : ''}, and this is a PC with a BIOS`,
            'make the tag optional',
          );
    }
    at += (size + 7) & ~7;
  }
}

function checked(addresses: LoadAddresses, offset: number, where: string): LoadAddresses {
  const { header, load, loadEnd, bssEnd } = addresses;
  const end = loadEnd === 0 ? load : loadEnd;
  if (load <= header && header - load <= offset && load <= end && (bssEnd === 0 || end <= bssEnd)) return addresses;
  throw refuse(
    where,
    offset,
    `the addresses of the multiboot header do not fit together: header 0x${header.toString(16)}, load 0x${load.toString(16)} to 0x${loadEnd.toString(16)}, bss to 0x${bssEnd.toString(16)}`,
    'load_addr <= header_addr, load_addr <= load_end_addr <= bss_end_addr, and header_addr - load_addr is at most the offset of the header',
  );
}
