import { expect, test } from 'vitest';
import { optimizedUprobe, type UprobeSite, unoptimizedUprobe, uprobeNop } from '../../src/patch/uprobe.ts';

const site: UprobeSite = { address: 0x400010n, name: 'site', nop: 10 };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('the forms of a ten-byte site', () => {
  expect(hex(uprobeNop(site))).toBe('662e0f1f840000000000');
  expect(hex(optimizedUprobe(site, 0x400100n))).toBe('488d642480e8e6000000');
});

test('taken back, the call stays and is the displacement of the NOP', () => {
  expect(hex(unoptimizedUprobe(site, 0x400100n))).toBe('662e0f1f84e8e6000000');
});

test('a five-byte site is a call', () => {
  expect(hex(optimizedUprobe({ ...site, nop: 5 }, 0x400100n))).toBe('e8eb000000');
});
