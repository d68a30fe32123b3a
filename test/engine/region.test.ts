import { expect, test } from 'vitest';
import { differOn } from '../../tools/differential/engines.ts';

test('the region compiler, the interpreter and the reference agree on random programs', () => {
  let regions = 0;
  // 5011: a store that was not aligned, beside code on its page.
  for (const seed of [...Array.from({ length: 60 }, (_, n) => n + 1), 5011]) {
    const outcome = differOn(seed);
    expect(outcome.difference, `seed ${seed}`).toBeUndefined();
    regions += outcome.regions;
  }
  expect(regions).toBeGreaterThan(60);
});
