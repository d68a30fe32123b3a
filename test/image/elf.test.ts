import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextpokeError } from '../../src/error.ts';
import { readElf } from '../../src/image/elf.ts';
import { imageFromElf } from '../../src/image/image.ts';
import { buildWithGcc, haveTools } from './gnu.ts';
import { refusal } from './refusal.ts';
import { type SmallElf, smallElf, withField } from './small-elf.ts';

const good = smallElf();
const failure = (bytes: Uint8Array): TextpokeError => refusal(() => readElf(bytes, 'probe'));

describe('readElf', () => {
  it('reads entry, segments, sections and symbols', () => {
    const elf = readElf(good);
    expect(elf.entry).toBe(0x401000n);
    expect(elf.segments).toMatchObject([
      { type: 1, address: 0x401000n, physical: 0x401000n, memorySize: 2, readable: true, writable: false, executable: true },
    ]);
    expect([...(elf.segments[0]?.bytes ?? [])]).toEqual([0x90, 0xc3]);
    expect(elf.sections.map((s) => s.name)).toEqual(['', '.text', '.symtab', '.strtab', '.shstrtab']);
    expect(elf.symbols).toEqual([{ name: 'start', address: 0x401000n, size: 2n, kind: 'function', binding: 'global', section: 1 }]);
  });

  const fields: [string, number, 1 | 2 | 4 | 8, bigint, RegExp, RegExp][] = [
    ['magic', 0, 1, 0n, /not an ELF/, /\+0x0$/],
    ['class', 4, 1, 3n, /class 3 is not ELF64 and not ELF32/, /\+0x4$/],
    ['byte order', 5, 1, 2n, /little-endian/, /\+0x5$/],
    ['object file', 16, 2, 1n, /relocatable object/, /\+0x10$/],
    ['shared object', 16, 2, 3n, /PIE/, /\+0x10$/],
    ['machine', 18, 2, 183n, /machine 183/, /\+0x12$/],
    ['entry', 24, 8, 0x500000n, /entry 0x500000 is outside every loaded segment/, /e_entry/],
    ['program headers outside', 32, 8, 0xffffn, /program headers end at/, /\+0xffff$/],
    ['section headers outside', 40, 8, 0x8000n, /section headers end at/, /\+0x8000$/],
    ['offset beyond any file', 32, 8, 0xffffffffffffffffn, /no file can hold/, /\+0x20$/],
    ['header size', 52, 2, 52n, /e_ehsize/, /\+0x34$/],
    ['program header size', 54, 2, 32n, /e_phentsize/, /\+0x36$/],
    ['no program headers', 56, 2, 0n, /no program headers/, /\+0x38$/],
    ['section header size', 58, 2, 40n, /e_shentsize/, /\+0x3a$/],
    ['name section', 62, 2, 9n, /e_shstrndx/, /\+0x3e$/],
    ['segment offset', 72, 8, 0x100000n, /program header 0 takes .* outside the file/, /\+0x40$/],
    ['segment not canonical', 80, 8, 0x800000000000n, /not canonical/, /program header 0/],
    ['segment physical', 88, 8, 0xffffffff81000000n, /52-bit physical/, /program header 0/],
    ['memory smaller than contents', 104, 8, 1n, /do not fit/, /program header 0/],
    ['memory of an exabyte', 104, 8, 1n << 50n, /1 GiB/, /program header 0/],
    ['nothing loaded', 64, 4, 4n, /no segment is loaded/, /program headers/],
    ['dynamic', 64, 4, 3n, /dynamically/, /program header 0/],
    ['entry not executable', 68, 4, 6n, /not executable/, /program header 0/],
  ];
  it.each(fields)('refuses a bad field: %s', (_name, offset, size, value, message, where) => {
    const error = failure(withField(good, offset, size, value));
    expect(error.code).toBe('E_ELF');
    expect(error.message).toMatch(message);
    expect(error.where).toMatch(where);
    expect(error.hint).toBeTruthy();
  });

  const overlapping: [string, SmallElf, RegExp][] = [
    [
      'virtual',
      {
        loads: [
          { address: 0x401000n, bytes: [1, 2, 3, 4] },
          { address: 0x401003n, physical: 0x900000n, bytes: [5] },
        ],
      },
      /virtual address 0x401003/,
    ],
    [
      'physical',
      {
        loads: [
          { address: 0x401000n, bytes: [1, 2] },
          { address: 0x500000n, physical: 0x401001n, bytes: [5] },
        ],
      },
      /physical address 0x401001/,
    ],
  ];
  it.each(overlapping)('refuses overlapping %s memory', (_name, options, message) => {
    expect(failure(smallElf(options)).message).toMatch(message);
  });

  /** The contents as a section of relocations of one kind. */
  const relocated = (kinds: readonly number[]): Uint8Array => {
    const bytes = kinds.flatMap((kind) => [...Array(8).fill(0), kind, ...Array(15).fill(0)]);
    const file = smallElf({ loads: [{ address: 0x401000n, bytes }] });
    const section = Number(new DataView(file.buffer).getBigUint64(40, true)) + 64;
    return withField(withField(file, section + 4, 4, 4n), section + 8, 8, 2n);
  };

  it('leaves IRELATIVE relocations to the program and refuses all others', () => {
    expect(readElf(relocated([37, 37])).entry).toBe(0x401000n);
    expect(failure(relocated([37, 8])).message).toMatch(/relocations/);
    expect(failure(relocated([1])).where).toMatch(/section \.text/);
  });

  it('refuses every truncation', () => {
    for (let length = 0; length < good.length; length++) expect(failure(good.subarray(0, length)).code).toBe('E_ELF');
  });

  it('property: damage never escapes as anything but an E_ELF', () => {
    const files = [
      smallElf({
        loads: [
          { address: 0x401000n, bytes: [0x90] },
          { address: 0x402000n, bytes: [1, 2, 3], memorySize: 64n, flags: 6 },
        ],
      }),
    ];
    if (haveTools('gcc', 'addr2line'))
      files.push(buildWithGcc('int x = 3; void _start(void) { for (;;) x++; }', ['-g', '-O1'], () => []).elf);
    let accepted = 0;
    let refused = 0;
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 0, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
        fc.boolean(),
        flips,
        (file, keep, early, changes) => {
          const bytes = file.slice(0, Math.round(file.length * keep));
          // Half of the flips hit the headers, where a byte matters most.
          for (const [at, mask] of changes) {
            const place = at % Math.max(early ? Math.min(bytes.length, 232) : bytes.length, 1);
            if (place < bytes.length) bytes[place] = (bytes[place] ?? 0) ^ mask;
          }
          try {
            const image = imageFromElf(bytes);
            expect(image.segmentAt(image.entry)).toBeDefined();
            accepted++;
          } catch (error) {
            expect(error).toBeInstanceOf(TextpokeError);
            expect(error).toMatchObject({ code: 'E_ELF' });
            refused++;
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(0);
    expect(refused).toBeGreaterThan(0);
  });
});
