import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Decoder, DecoderOptions } from 'iced-x86';
import { describe, expect, it } from 'vitest';
import { imageFromContents } from '../../src/image/boot-image.ts';
import { type Image, imageFromElf } from '../../src/image/image.ts';
import { LineTable } from '../../src/image/lines.ts';
import { buildWithGcc, haveTools } from './gnu.ts';

const SOURCE = `
static volatile int counter;
static inline int twice(int x)
{
  return x * 2;
}
int work(int n)
{
  int sum = 0;
  for (int i = 0; i < n; i++) {
    sum += twice(i);
    if (sum & 1)
      counter++;
  }
  return sum;
}
void _start(void)
{
  counter = work(10);
  for (;;)
    ;
}
`;

/** Addresses of every instruction of the executable segments' \`.text\`. */
function instructionAddresses(elf: Uint8Array): bigint[] {
  const image = imageFromElf(elf);
  const functions = image.symbols.filter((s) => s.kind === 'function' && s.size > 0);
  return functions.flatMap((f) => {
    const segment = image.segmentAt(f.address);
    if (!segment) return [];
    const start = Number(f.address - segment.address);
    const decoder = new Decoder(64, segment.bytes.subarray(start, start + f.size), DecoderOptions.None);
    const addresses: bigint[] = [];
    while (decoder.canDecode) {
      addresses.push(f.address + BigInt(decoder.position));
      decoder.decode().free();
    }
    decoder.free();
    return addresses;
  });
}

const have = haveTools('gcc', 'addr2line');

describe('readDebugLines', () => {
  it.skipIf(!have).each([
    ['5', '-O0'],
    ['5', '-O2'],
    ['4', '-O0'],
    ['4', '-O2'],
    ['3', '-O1'],
  ])('agrees with addr2line on every instruction, DWARF %s %s (skipped without gcc and addr2line)', (version, level) => {
    const { elf, addr2line } = buildWithGcc(SOURCE, [`-gdwarf-${version}`, level], instructionAddresses);
    const image = imageFromElf(elf);
    const ours = instructionAddresses(elf).map((a) => {
      const line = image.lineAt(a);
      return line ? `${line.file}:${line.line}` : '??:0';
    });
    expect(ours.length).toBeGreaterThan(10);
    // Up to version 4 the directory of compilation is not in the line table, so the name stands alone.
    const shorten = (text: string) => text.replace(/ \(discriminator \d+\)$/, '').replace(version === '5' ? /^$/ : /^.*\//, '');
    expect(ours.map(shorten)).toEqual(addr2line.map(shorten));
  });

  const fixtures = new URL('../../fixtures/', import.meta.url);
  const files = existsSync(fixtures) ? readdirSync(fixtures, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.elf')) : [];
  it.skipIf(files.length === 0).each(files)('knows the source of the functions of fixtures/%s', (file) => {
    const path = fileURLToPath(new URL(file, fixtures));
    const image = imageFromContents(new Uint8Array(readFileSync(path)), file) as Image;
    const functions = image.symbols.filter((s) => s.kind === 'function' && image.segmentAt(s.address)?.executable);
    expect(image.lineAt(image.entry)?.file).toMatch(/^fixtures\/.+\.[cS]$/);
    const ours = functions.map((f) => image.lineAt(f.address)?.line ?? 0);
    if (!haveTools('addr2line') || functions.length === 0) return;
    const addresses = functions.map((f) => f.address.toString(16));
    const theirs = execFileSync('addr2line', ['-e', path, ...addresses], { encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(ours).toEqual(theirs.map((l) => Number(/:(\d+)/.exec(l)?.[1] ?? 0)));
  });

  it('prefers the range that starts last, and knows its gaps', () => {
    const at = (start: bigint, end: bigint, line: number) => ({ start, end, line, file: 'a.c', column: 0 });
    const table = new LineTable([at(0x10n, 0x40n, 1), at(0x18n, 0x20n, 2), at(0x50n, 0x58n, 3)]);
    const lines = [0x0fn, 0x10n, 0x18n, 0x20n, 0x3fn, 0x40n, 0x57n, 0x58n].map((a) => table.find(a)?.line);
    expect(lines).toEqual([undefined, 1, 2, 1, 1, undefined, 3, undefined]);
  });
});
