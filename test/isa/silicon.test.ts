import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Difference } from '../../tools/silicon/compare.ts';
import { runVectors } from '../../tools/silicon/run.ts';
import { TARGETS } from '../../tools/silicon/targets.ts';
import { VectorDirectory } from '../../tools/silicon/vectors.ts';

const vectors = new VectorDirectory(fileURLToPath(new URL('../../fixtures/silicon', import.meta.url)));

const text = (id: string, differences: readonly Difference[]): string =>
  `${id}: ${differences.map((d) => `${d.what} expected ${d.expected} got ${d.got}`).join('; ')}`;

describe.each(Object.entries(TARGETS))('silicon vectors on the %s engine', (_name, create) => {
  const target = create();

  it.each([...vectors.classes])('%s', (name) => {
    const records = vectors.read(name);
    const result = runVectors(target, records);
    expect(result.failures.map((f) => text(f.vector.id, f.differences))).toEqual([]);
    expect([...result.unimplemented]).toEqual([]);
    expect(result.passed).toBe(records.length);
    expect(records.length).toBeGreaterThan(0);
  });
});
