import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Difference } from '../../tools/silicon/compare.ts';
import type { RegionTarget } from '../../tools/silicon/region-target.ts';
import { runVectors } from '../../tools/silicon/run.ts';
import { TARGETS } from '../../tools/silicon/targets.ts';
import { VectorDirectory } from '../../tools/silicon/vectors.ts';

const vectors = new VectorDirectory(fileURLToPath(new URL('../../fixtures/silicon', import.meta.url)));

const text = (id: string, differences: readonly Difference[]): string =>
  `${id}: ${differences.map((d) => `${d.what} expected ${d.expected} got ${d.got}`).join('; ')}`;

/** Compiled one by one: all of them take minutes (`npm run conformance:silicon -- fixtures/silicon --engine region`). */
const { region: createRegions, ...targets } = TARGETS;

/** The interpreter runs all; the reference, which takes longer, each second one; the judge alone computes what the reference does on the machine. */
const PARTS: Readonly<Record<string, number>> = { reference: 2, judge: 4 };

/** System instructions are the machine's: what the vocabulary has alone does not do them. */
const SYSTEM = /^(image|far|flags)/;

describe.each(Object.entries(targets))('silicon vectors on the %s engine', (engine, create) => {
  const target = create();
  const classes = vectors.classes.filter((vectorClass) => engine !== 'judge' || !SYSTEM.test(vectorClass));

  it.each(classes)('%s', (name) => {
    const records = vectors.read(name).filter((_, n) => n % (PARTS[engine] ?? 1) === 0);
    const result = runVectors(target, records);
    expect(result.failures.map((f) => text(f.vector.id, f.differences))).toEqual([]);
    expect([...result.unimplemented]).toEqual([]);
    expect(result.passed).toBe(records.length);
    expect(records.length).toBeGreaterThan(0);
  });
});

it('silicon vectors in regions: every 25th', () => {
  const target = createRegions!() as RegionTarget;
  // No region holds 32- and 16-bit code.
  const classes = vectors.classes.filter((name) => !/-(16|32)$/.test(name));
  const records = classes.flatMap((name) => vectors.read(name)).filter((_, n) => n % 25 === 0);
  const result = runVectors(target, records);
  expect(result.failures.map((f) => text(f.vector.id, f.differences))).toEqual([]);
  expect(result.passed).toBe(records.length);
  expect(target.inRegions).toBeGreaterThan(0.9 * records.length);
});
