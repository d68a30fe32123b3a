import { expect, test } from 'vitest';
import { Coverage } from '../../tools/differential/coverage.ts';
import { loopOn } from '../../tools/differential/loops.ts';
import { differOn } from '../../tools/differential/visits.ts';

test('the region compiler, the interpreter and the reference agree on random loops', () => {
  let regions = 0;
  // 5011: a store that was not aligned, beside code on its page.
  for (const seed of [...Array.from({ length: 7 }, (_, n) => n + 1), 5011]) {
    const outcome = loopOn(seed);
    expect(outcome.difference, `seed ${seed}`).toBeUndefined();
    regions += outcome.regions;
  }
  expect(regions).toBeGreaterThan(40);
});

test('they agree on random sequences, which regions hold', () => {
  const coverage = new Coverage();
  for (let seed = 1; seed <= 2; seed++) expect(differOn(seed, coverage).difference, `seed ${seed}`).toBeUndefined();
  expect(coverage.sequences).toBeGreaterThan(400);
  expect(coverage.inRegions).toBeGreaterThan(coverage.sequences / 2);
  expect(coverage.compiled.size).toBeGreaterThan(300);
});
