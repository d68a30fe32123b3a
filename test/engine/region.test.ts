import { expect, test } from 'vitest';
import { differOn } from '../../tools/differential/engines.ts';

test('the region compiler, the interpreter and the reference agree on random programs', () => {
  let regions = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const outcome = differOn(seed);
    expect(outcome.difference, `seed ${seed}`).toBeUndefined();
    regions += outcome.regions;
  }
  expect(regions).toBeGreaterThan(60);
});
