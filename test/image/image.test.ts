import { describe, expect, it } from 'vitest';
import { TextpokeError } from '../../src/error.ts';
import { Fnv64 } from '../../src/image/fnv.ts';
import { imageFromElf, imageFromFlat } from '../../src/image/image.ts';
import { smallElf, withField } from './small-elf.ts';

const code = Uint8Array.from({ length: 0x100 }, (_, i) => i);
const symbols = [
  { name: 'text_poke', address: 0x1000n, size: 0x40, kind: 'function' },
  { name: 'text_poke_bp', address: 0x1050n, size: 0x20, kind: 'function' },
  { name: 'tail', address: 0x1080n, size: 0, kind: 'label' },
] as const;
const image = imageFromFlat(code, { base: 0x1000n, symbols });

describe('Image', () => {
  it('finds symbols by name and suggests the nearest', () => {
    expect(image.symbol('tail').address).toBe(0x1080n);
    expect(() => image.symbol('text_pokes')).toThrow(TextpokeError);
    try {
      image.symbol('text_pokes');
    } catch (error) {
      expect(error).toMatchObject({ code: 'E_IMAGE', hint: 'did you mean text_poke or text_poke_bp?' });
    }
  });

  it('describes addresses', () => {
    expect(image.describe(0x103cn)).toBe('text_poke+0x3c');
    expect(image.describe(0x1050n)).toBe('text_poke_bp');
    expect(image.describe(0x1045n)).toBe('0x1045');
    expect(image.describe(0x10f0n)).toBe('tail+0x70');
    expect(image.describe(0x2000n)).toBe('0x2000');
  });

  it('loads flat bytes at a base with an entry, and refuses an entry outside', () => {
    expect(image).toMatchObject({ entry: 0x1000n, segments: [{ address: 0x1000n, physical: 0x1000n, memorySize: 0x100 }] });
    expect(imageFromFlat(code, { base: 0xffffffff81000000n, physical: 0x100000n, entry: 0xffffffff81000010n }).entry).toBe(
      0xffffffff81000010n,
    );
    const bad = (bytes: Uint8Array, options: Parameters<typeof imageFromFlat>[1]) => () => imageFromFlat(bytes, options);
    expect(bad(code, { base: 0x1000n, entry: 0x1100n })).toThrow(/entry 0x1100 is outside the image, 0x1000 to 0x1100/);
    expect(bad(new Uint8Array(0), { base: 0n })).toThrow(/empty/);
    expect(bad(code, { base: 0x7fffffffffffn })).toThrow(/canonical/);
    expect(bad(code, { base: 0xffffffff81000000n })).toThrow(/physical/);
  });

  it('takes segments and symbols from an ELF', () => {
    const elf = imageFromElf(smallElf());
    expect(elf.describe(elf.entry + 1n)).toBe('start+0x1');
    expect(elf.segments).toHaveLength(1);
  });

  it('hashes what a machine sees: contents, addresses, permissions and entry, but no names', () => {
    const base = smallElf();
    const hash = imageFromElf(base).contentHash();
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(imageFromElf(smallElf({ symbols: [] })).contentHash()).toBe(hash);
    for (const [offset, value] of [
      [120, 0x91n],
      [24, 0x01n],
      [88, 0x10n],
      [68, 7n],
    ] as const) {
      expect(imageFromElf(withField(base, offset, 1, value)).contentHash()).not.toBe(hash);
    }
  });

  it('computes FNV-1a 64 as published', () => {
    // Test vectors of the FNV reference distribution.
    const of = (text: string) => new Fnv64().bytes(new TextEncoder().encode(text)).hex();
    expect([of(''), of('a'), of('foobar')]).toEqual(['cbf29ce484222325', 'af63dc4c8601ec8c', '85944171f73967e8']);
  });
});
