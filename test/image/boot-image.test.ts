import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextpokeError } from '../../src/error.ts';
import { imageFromContents, imageFromDisk } from '../../src/image/boot-image.ts';
import { readElf } from '../../src/image/elf.ts';
import { type Image, imageFromElf } from '../../src/image/image.ts';
import { readMultiboot } from '../../src/image/multiboot.ts';
import { refusal } from './refusal.ts';
import { smallElf, withField } from './small-elf.ts';

const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`../../fixtures/boot/${name}`, import.meta.url)));
const modes = fixture('modes.elf');
const kernel = fixture('multiboot1.elf');

describe('an ELF32 file', () => {
  it('is read as an ELF64 one is', () => {
    const elf = readElf(modes);
    expect([elf.bits, elf.entry]).toEqual([32, 0x7c00n]);
    const sector = elf.segments.find((s) => s.executable);
    expect(sector).toMatchObject({ address: 0x7c00n, physical: 0x7c00n, memorySize: 512, readable: true, writable: false });
    expect([...(sector?.bytes.subarray(510) ?? [])]).toEqual([0x55, 0xaa]);
    expect(elf.symbols.find((s) => s.name === '_start')).toMatchObject({ address: 0x7c00n, binding: 'global' });
    expect(elf.sections.map((s) => s.name)).toContain('.debug_line');
  });

  it('knows its lines and its types', () => {
    const image = imageFromContents(kernel, 'kernel.elf') as Image;
    const { address } = image.symbol('load_idt');
    expect(image.lineAt(address)).toMatchObject({ file: 'fixtures/boot/k32.c', line: 30 });
    expect(image.describe(address + 1n)).toBe('load_idt+0x1');
  });

  it('is nothing for a lab, which runs in 64-bit mode', () => {
    expect(refusal(() => imageFromElf(modes, 'modes.elf'))).toMatchObject({ code: 'E_ELF', message: 'class 1 is not ELF64' });
  });

  const fields: [string, number, 1 | 2 | 4, bigint, RegExp, RegExp][] = [
    ['byte order', 5, 1, 2n, /little-endian/, /\+0x5$/],
    ['object file', 16, 2, 1n, /relocatable object/, /\+0x10$/],
    ['x32', 18, 2, 62n, /not i386 \(3\): it is of the x32 ABI/, /\+0x12$/],
    ['entry', 24, 4, 0x500000n, /entry 0x500000 is outside every loaded segment/, /e_entry/],
    ['program headers outside', 28, 4, 0xffffn, /program headers end at/, /\+0xffff$/],
    ['section headers outside', 32, 4, 0x8000n, /section headers end at/, /\+0x8000$/],
    ['header size', 40, 2, 64n, /e_ehsize is 64, not 52/, /\+0x28$/],
    ['program header size', 42, 2, 56n, /e_phentsize is 56, not 32/, /\+0x2a$/],
    ['no program headers', 44, 2, 0n, /no program headers/, /\+0x2c$/],
    ['section header size', 46, 2, 64n, /e_shentsize is 64, not 40/, /\+0x2e$/],
    ['name section', 50, 2, 99n, /e_shstrndx/, /\+0x32$/],
    ['segment offset', 56, 4, 0x100000n, /program header 0 takes .* outside the file/, /\+0x34$/],
    ['memory smaller than contents', 72, 4, 1n, /do not fit/, /program header 0/],
    ['entry not executable', 76, 4, 6n, /not executable/, /program header 0/],
  ];
  it.each(fields)('with a bad field is refused: %s', (_name, offset, size, value, message, where) => {
    const error = refusal(() => readElf(withField(kernel, offset, size, value), 'probe'));
    expect(error.code).toBe('E_ELF');
    expect(error.message).toMatch(message);
    expect(error.where).toMatch(where);
    expect(error.hint).toBeTruthy();
  });
});

/** A file of 64 KiB with 32-bit words from `offset` on. */
function withWords(offset: number, words: readonly number[], size = 0x10000): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  words.forEach((word, n) => view.setUint32(offset + 4 * n, word >>> 0, true));
  return bytes;
}

const one = (flags: number, ...rest: number[]): number[] => [0x1badb002, flags, -(0x1badb002 + flags), ...rest];
const two = (...tags: number[]): number[] => {
  const length = 16 + 4 * tags.length + 8;
  return [0xe85250d6, 0, length, -(0xe85250d6 + length), ...tags, 0, 8];
};

describe('a multiboot header', () => {
  it('of version 1 is found within 8 KiB, at a multiple of 4', () => {
    expect(readMultiboot(withWords(8180, one(3)), 'k')).toEqual({ version: 1, offset: 8180, addresses: undefined, entry: undefined });
    expect(readMultiboot(withWords(8184, one(3)), 'k')).toBeUndefined();
    expect(readMultiboot(withWords(6, one(3)), 'k')).toBeUndefined();
    expect(readMultiboot(withWords(0, [0x1badb002, 3, 5]), 'k')).toBeUndefined();
  });

  it('of version 2 is found within 32 KiB, at a multiple of 8', () => {
    expect(readMultiboot(withWords(32752, two()), 'k')).toMatchObject({ version: 2, offset: 32752 });
    expect(readMultiboot(withWords(32756, two()), 'k')).toBeUndefined();
  });

  it('says what is loaded where the file does not', () => {
    const flat = withWords(0x1000, one(0x10003, 0x101000, 0x100000, 0x102000, 0x108000, 0x101020));
    const image = imageFromContents(flat, 'kernel') as Image;
    expect(image).toMatchObject({ entry: 0x101020n, boot: { kind: 'multiboot' } });
    expect(image.segments).toMatchObject([{ address: 0x100000n, physical: 0x100000n, memorySize: 0x8000 }]);
    expect(image.segments[0]?.bytes.length).toBe(0x2000);
    // Version 2: all of the file from the header on, an entry of its own.
    const tags = [2, 24, 0x200000, 0x200000, 0, 0, 3, 12, 0x200040, 0];
    const second = imageFromContents(withWords(0x800, two(...tags)), 'kernel') as Image;
    expect(second.entry).toBe(0x200040n);
    expect(second.segments[0]).toMatchObject({ address: 0x200000n, memorySize: 0x10000 - 0x800 });
  });

  it('starts an ELF64 file in 32-bit mode, at the physical address of its entry', () => {
    const bytes = new Uint8Array(64);
    new Uint32Array(bytes.buffer).set(one(0).map((word) => word >>> 0));
    const elf = smallElf({ loads: [{ address: 0xffffffff80100000n, physical: 0x100000n, bytes: [...bytes] }], entry: 0xffffffff80100010n });
    // The header must be where it is looked for: contents are behind the headers, at 120.
    expect(imageFromContents(elf, 'k')).toMatchObject({ entry: 0x100010n, boot: { kind: 'multiboot', header: { version: 1 } } });
    expect((imageFromContents(smallElf(), 'k') as Image).boot).toBeUndefined();
  });

  const refused: [string, number[], RegExp][] = [
    ['requirements that are unknown', one(0x13), /requires 0x10/],
    ['a graphics mode', one(4, 0, 0, 0, 0, 0, 0, 1024, 768, 32), /graphics mode/],
    ['addresses that overlap', one(0x10000, 0x100000, 0x101000, 0, 0, 0), /do not fit together/],
    ['a bss that ends before the data', one(0x10000, 0x100000, 0x100000, 0x104000, 0x102000, 0x100000), /do not fit together/],
    ['more than the file has', one(0x10000, 0x100000, 0x100000, 0x900000, 0, 0x100000), /wants 0x800000 bytes/],
    ['no place to be loaded at', one(3), /does not say where it is loaded/],
    ['another architecture', [0xe85250d6, 4, 24, -(0xe85250d6 + 4 + 24), 0, 8], /architecture 4/],
    ['a required tag that is unknown', two(99, 8), /requires tag 99/],
    ['EFI boot services', two(7, 8), /EFI boot services/],
    ['information that is not there', two(1, 12, 15, 0), /boot information of type 15/],
    ['a required framebuffer', two(5, 20, 1024, 768, 32, 0), /graphics mode/],
    ['a tag that is too short', two(1, 4), /too short/],
    ['no entry', two(2, 24, 0x200000, 0x200000, 0, 0), /does not say where the kernel starts/],
  ];
  it.each(refused)('is refused with %s', (_name, words, message) => {
    const error = refusal(() => imageFromContents(withWords(0, words), 'kernel'));
    expect(error.code).toBe('E_IMAGE');
    expect(error.message).toMatch(message);
    expect(error.where).toMatch(/^kernel\+0x/);
    expect(error.hint).toBeTruthy();
  });

  it('may want what is unknown where that is optional', () => {
    const optional = 0x10000;
    const tags = [99 | optional, 8, 1 | optional, 12, 15, 0, 5 | optional, 20, 1024, 768, 32, 0, 4, 12, 3, 0, 6, 8];
    expect(readMultiboot(withWords(0, two(...tags)), 'k')).toMatchObject({ version: 2 });
    // Text is a mode as well, and a framebuffer without a size is whatever there is.
    expect(readMultiboot(withWords(0, one(4, 0, 0, 0, 0, 0, 1, 80, 25, 0)), 'k')).toMatchObject({ version: 1 });
    expect(readMultiboot(withWords(0, two(5, 20, 0, 0, 0, 0)), 'k')).toMatchObject({ version: 2 });
  });
});

describe('a disk', () => {
  it('boots where its first sector is signed', () => {
    const disk = withWords(508, [0xaa550000], 4096);
    expect(imageFromContents(disk, 'disk')).toMatchObject({ entry: 0x7c00n, boot: { kind: 'disk', disk } });
    expect(imageFromContents(new Uint8Array(4096), 'disk')).toBeUndefined();
    expect(refusal(() => imageFromDisk(new Uint8Array(4096), 'disk')).message).toMatch(/not 55 aa/);
  });
});

it('property: damage to what boots never escapes as anything but an error of the file', () => {
  const files = [modes, kernel, fixture('multiboot2.elf'), withWords(0, one(0x10003, 0x100000, 0x100000, 0x102000, 0x108000, 0x100020))];
  let accepted = 0;
  let refused = 0;
  const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 6 });
  fc.assert(
    fc.property(
      fc.constantFrom(...files),
      fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
      fc.boolean(),
      flips,
      (file, keep, early, changes) => {
        const bytes = file.slice(0, Math.round(file.length * keep));
        for (const [at, mask] of changes) {
          // Half of the flips hit the headers: of ELF, and of multiboot, which is at the start of the text.
          const place = (at % Math.max(early ? Math.min(bytes.length, 232) : bytes.length, 1)) + (early && at % 3 === 0 ? 0x1000 : 0);
          if (place < bytes.length) bytes[place] = (bytes[place] ?? 0) ^ mask;
        }
        try {
          imageFromContents(bytes, 'probe');
          accepted++;
        } catch (error) {
          expect(error).toBeInstanceOf(TextpokeError);
          expect(['E_ELF', 'E_IMAGE']).toContain((error as TextpokeError).code);
          refused++;
        }
      },
    ),
    { numRuns: 1500 },
  );
  expect(accepted).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
});
