import { describe, expect, test } from 'vitest';
import { conditionHolds, effectOf, type Site, versionOf } from '../../src/explore/site.ts';

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text.split(' '), (b) => Number.parseInt(b, 16));
const site: Site = { name: 'S', address: 0x1000n, versions: [bytesOf('E8 FB 0F 00 00'), bytesOf('E8 73 46 34 12')], final: 1 };

describe('what executing a text does', () => {
  test.each([
    ['E8 FB 0F 00 00', { kind: 'call', target: 0x2000n }],
    ['E9 FB EF FF FF', { kind: 'jump', target: 0n }],
    ['EB 7E', { kind: 'jump', target: 0x1080n }],
    ['74 FE', { kind: 'branch', condition: 4, target: 0x1000n }],
    ['0F 84 FA 0F 00 00', { kind: 'branch', condition: 4, target: 0x2000n }],
    ['0F 8F FA EF FF FF', { kind: 'branch', condition: 15, target: 0n }],
    ['C3 CC CC CC CC', { kind: 'return' }],
    ['2E 2E 2E 31 C0', { kind: 'zero' }],
    ['66 66 48 31 C0', { kind: 'zero' }],
    ['67 48 0F B9 3A', { kind: 'trap' }],
    ['0F 1F 44 00 00', { kind: 'next' }],
    ['66 90', { kind: 'next' }],
    ['66 66 66 66 90', { kind: 'next' }],
  ])('%s', (text, effect) => {
    expect(effectOf(site, bytesOf(text))).toEqual(effect);
  });

  test('a call that is half old and half new goes nowhere, and is no version', () => {
    expect(effectOf(site, bytesOf('E8 73 46 00 00'))).toEqual({ kind: 'call', target: 0x5678n });
    expect(effectOf(site, bytesOf('E8 FB 0F 34 12'))).toEqual({ kind: 'call', target: 0x12342000n });
    expect(versionOf(site, 0, bytesOf('E8 73 46 00 00'))).toBe(-1);
    expect(versionOf(site, 0, bytesOf('E8 FB 0F 34 12'))).toBe(-1);
    expect(versionOf(site, 0, bytesOf('E8 73 46 34 12'))).toBe(1);
  });
});

describe('conditions of jcc', () => {
  const FLAGS = { cf: 1n, pf: 4n, zf: 0x40n, sf: 0x80n, of: 0x800n } as const;
  /** Which flag decides where only one is set, as the opcode map has it: O, B, Z, BE, S, P, L, LE. */
  test.each([
    [0, ['of']],
    [2, ['cf']],
    [4, ['zf']],
    [6, ['cf', 'zf']],
    [8, ['sf']],
    [10, ['pf']],
    [12, ['sf', 'of']],
    [14, ['zf', 'sf', 'of']],
  ] as const)('%i holds with one of %j alone, %i + 1 without', (condition, deciding) => {
    for (const [name, bit] of Object.entries(FLAGS)) {
      const holds = (deciding as readonly string[]).includes(name);
      expect(conditionHolds(condition, bit), name).toBe(holds);
      expect(conditionHolds(condition + 1, bit), name).toBe(!holds);
    }
    expect(conditionHolds(condition, 0n)).toBe(false);
  });

  test('signed comparisons look at SF and OF together', () => {
    const both = FLAGS.sf | FLAGS.of;
    expect(conditionHolds(12, both)).toBe(false);
    expect(conditionHolds(13, both)).toBe(true);
    expect(conditionHolds(14, both)).toBe(false);
    expect(conditionHolds(14, both | FLAGS.zf)).toBe(true);
  });
});
