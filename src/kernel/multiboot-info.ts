import { TextpokeError } from '../error.ts';
import { extendedKb, type MemoryRange, memoryMap, PC } from './pc-layout.ts';

/** What a multiboot loader says of itself. */
const LOADER = 'textpoke';
const LOWER_KB = PC.extendedData >>> 10;

/** Values of EAX that say which specification the loader follows. */
export const MULTIBOOT_MAGIC = { 1: 0x2badb002, 2: 0x36d76289 } as const;

/** Bits of the flags of version 1's information: which fields are there. */
const FIELD = { memory: 1, commandLine: 4, map: 0x40, loader: 0x200, framebuffer: 0x1000 } as const;
const INFO_1_BYTES = 116;
/** Of a framebuffer: text, 80 by 25. */
const TEXT = 2;
const SCREEN = { columns: 80, rows: 25, bytesPerRow: 160 } as const;

/** Little-endian bytes that grow. */
class Bytes {
  readonly bytes: number[] = [];

  u8(...values: number[]): void {
    this.bytes.push(...values);
  }
  u32(...values: number[]): void {
    for (const value of values) this.u8(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
  }
  u64(...values: number[]): void {
    for (const value of values) this.u32(value >>> 0, Math.floor(value / 2 ** 32));
  }
  text(value: string): void {
    this.u8(...new TextEncoder().encode(value), 0);
  }
}

/** The boot information of a machine with so much RAM, as it lies in memory from `PC.info` on. Throws `E_USAGE` where the command line is too long. */
export function multibootInfo(version: 1 | 2, ramBytes: number, commandLine: string): Uint8Array {
  const map = memoryMap(ramBytes);
  const bytes = Uint8Array.from(version === 1 ? infoOf1(map, ramBytes, commandLine) : infoOf2(map, ramBytes, commandLine));
  if (bytes.length <= PC.extendedData - PC.info) return bytes;
  throw new TextpokeError(
    'E_USAGE',
    `the command line is too long: there are ${PC.extendedData - PC.info} bytes for all that the kernel is told`,
    {
      where: '--command-line',
      hint: 'shorten it',
    },
  );
}

function infoOf1(map: readonly MemoryRange[], ramBytes: number, commandLine: string): number[] {
  const behind = new Bytes();
  const place = (put: () => void): number => {
    const at = PC.info + INFO_1_BYTES + behind.bytes.length;
    put();
    return at;
  };
  const mapAt = place(() => {
    for (const { start, bytes, type } of map) {
      behind.u32(20);
      behind.u64(start, bytes);
      behind.u32(type);
    }
  });
  const mapBytes = behind.bytes.length;
  const line = place(() => behind.text(commandLine));
  const loader = place(() => behind.text(LOADER));
  const info = new Bytes();
  info.u32(FIELD.memory | FIELD.commandLine | FIELD.map | FIELD.loader | FIELD.framebuffer);
  info.u32(LOWER_KB, extendedKb(ramBytes), 0, line, 0, 0, 0, 0, 0, 0, mapBytes, mapAt, 0, 0, 0, loader);
  // No APM table, no VBE.
  info.u32(0, 0, 0, 0, 0);
  info.u64(PC.screen);
  info.u32(SCREEN.bytesPerRow, SCREEN.columns, SCREEN.rows);
  info.u8(16, TEXT, 0, 0, 0, 0, 0, 0);
  return [...info.bytes, ...behind.bytes];
}

function infoOf2(map: readonly MemoryRange[], ramBytes: number, commandLine: string): number[] {
  const tags = new Bytes();
  const tag = (type: number, fill: (to: Bytes) => void): void => {
    const contents = new Bytes();
    fill(contents);
    tags.u32(type, 8 + contents.bytes.length);
    tags.u8(...contents.bytes);
    while (tags.bytes.length % 8 !== 0) tags.u8(0);
  };
  tag(1, (to) => to.text(commandLine));
  tag(2, (to) => to.text(LOADER));
  tag(4, (to) => to.u32(LOWER_KB, extendedKb(ramBytes)));
  tag(6, (to) => {
    to.u32(24, 0);
    for (const { start, bytes, type } of map) {
      to.u64(start, bytes);
      to.u32(type, 0);
    }
  });
  tag(8, (to) => {
    to.u64(PC.screen);
    to.u32(SCREEN.bytesPerRow, SCREEN.columns, SCREEN.rows);
    to.u8(16, TEXT, 0, 0);
  });
  tag(0, () => {});
  const info = new Bytes();
  info.u32(8 + tags.bytes.length, 0);
  return [...info.bytes, ...tags.bytes];
}
