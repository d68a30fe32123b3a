import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { coverage } from '../../src/cli/isa-coverage.ts';
import { isaPage, PAGE } from '../../tools/isa-page.ts';

describe('docs/isa.md', () => {
  test('is what tools/isa-page.ts makes', () => {
    expect(readFileSync(PAGE, 'utf8')).toBe(isaPage());
  });

  test('tells what regions leave to the interpreter, and what a mnemonic takes', () => {
    const of = (mnemonic: string, features: string) =>
      coverage().find((entry) => entry.mnemonic === mnemonic && entry.features === features);
    expect(of('cpuid', 'CPUID')).toMatchObject({ run: 1, regions: 0, baseline: true });
    const add = of('add', 'base')!;
    expect(add.encodings).toBeGreaterThan(15);
    expect([add.run, add.regions]).toEqual([add.encodings, add.encodings]);
    expect(of('vfmadd231pd', 'FMA')).toMatchObject({ encodings: 2, run: 2, regions: 2, baseline: true });
    expect(of('aesenc', 'AES')).toMatchObject({ baseline: false });
    expect(coverage().filter(({ features }) => /AVX512|AMX|VMX|SVM/.test(features))).toEqual([]);
  });
});
