import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/explore/random.ts';
import { missBound } from '../../../src/explore/sample/bound.ts';
import { Pct } from '../../../src/explore/sample/pct.ts';
import { RunSize } from '../../../src/explore/sample/size.ts';
import { toyOrder } from './toy.ts';

const SCHEDULES = 40_000;

/** How often PCT draws an order of threads of so many events that is `wanted`. */
function share(depth: number, threads: readonly number[], wanted: (order: string) => boolean): number {
  const pct = new Pct(depth);
  const size = new RunSize();
  // An eighth is added to what a run had.
  size.events = threads.reduce((a, b) => a + b);
  let hits = 0;
  for (let n = 0; n < SCHEDULES; n++) if (wanted(toyOrder(pct, threads, Random.of(3, n), size))) hits++;
  return hits / SCHEDULES;
}

/** Five standard deviations of a share around its probability. */
const spread = (p: number): number => 5 * Math.sqrt((p * (1 - p)) / SCHEDULES);

describe('PCT draws an order as often as its guarantee says', () => {
  test('depth 1: one thread before another, 1/2', () => {
    expect(Math.abs(share(1, [3, 3], (order) => order.startsWith('B')) - 1 / 2)).toBeLessThan(spread(1 / 2));
  });

  // A before B, and the change at the one event of ten.
  test('depth 2: the only event of B at one place among nine of A, exactly 1/(n k)', () => {
    expect(Math.abs(share(2, [9, 1], (order) => order === 'AAAABAAAAA') - 1 / 20)).toBeLessThan(spread(1 / 20));
  });

  // A before B, both changes at their events, the second below the first.
  test('depth 3: to B and back, exactly 1/(n k^2)', () => {
    const p = 1 / (2 * 8 ** 2);
    expect(Math.abs(share(3, [4, 4], (order) => order.startsWith('AABBA')) - p)).toBeLessThan(spread(p));
  });

  test('what needs a change is out of reach for less depth', () => {
    expect(share(1, [9, 1], (order) => order === 'AAAABAAAAA')).toBe(0);
    expect(share(2, [4, 4], (order) => order.startsWith('AABBA'))).toBe(0);
  });

  test('depth 2 with a third thread anywhere: at least 1/(n k)', () => {
    const rate = share(2, [4, 4, 4], (order) => order.replaceAll('C', '').startsWith('AAB'));
    expect(rate).toBeGreaterThanOrEqual(1 / 36 - spread(1 / 36));
  });
});

describe('the bound', () => {
  test('(1 - 1/(n k^(d-1)))^N', () => {
    expect(missBound(2, 0, 2, 10).missed).toBe(1);
    expect(missBound(2, 1, 2, 10).missed).toBeCloseTo(0.95, 12);
    expect(missBound(3, 128, 2, 8).missed).toBeCloseTo((127 / 128) ** 128, 12);
    expect(missBound(1, 3, 2, 100).missed).toBeCloseTo(1 / 8, 12);
  });

  test('no sample of the toy misses more often than it says', () => {
    const [samples, each] = [4000, 20];
    const pct = new Pct(2);
    const size = new RunSize();
    size.events = 10;
    let missed = 0;
    for (let sample = 0; sample < samples; sample++) {
      let hit = false;
      for (let n = 0; n < each; n++) hit ||= toyOrder(pct, [9, 1], Random.of(sample, n), size) === 'AAAABAAAAA';
      if (!hit) missed++;
    }
    const { missed: most } = missBound(2, each, 2, 10);
    expect(missed / samples).toBeLessThan(most + 5 * Math.sqrt((most * (1 - most)) / samples));
  });

  test('change points are drawn over what was measured, with an eighth to spare', () => {
    const size = new RunSize();
    size.ended(40);
    size.ended(30);
    expect(size.events).toBe(45);
    size.ended(46);
    expect(size.events).toBe(51);
    // Nothing was measured yet: no change.
    for (let n = 0; n < 200; n++) expect(toyOrder(new Pct(2), [3, 3], Random.of(1, n), new RunSize())).toMatch(/^(AAABBB|BBBAAA)$/);
  });
});
