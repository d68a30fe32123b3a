import { describe, expect, test } from 'vitest';
import { geometricMean, median, type Row, reached } from '../../tools/bench/measure.ts';

describe('what benchmarks make of their numbers', () => {
  test('the median is the middle, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(() => median([])).toThrow(RangeError);
  });

  test('the geometric mean of ratios and of their inverses are inverse', () => {
    expect(geometricMean([2, 8])).toBeCloseTo(4, 12);
    expect(geometricMean([1 / 2, 1 / 8])).toBeCloseTo(1 / 4, 12);
  });

  test('a goal is a bound from below or from above', () => {
    const row = (value: number, goal?: Row['goal']): Row => ({
      group: 'fork',
      name: 'x',
      values: { v: value },
      ...(goal === undefined ? {} : { goal }),
    });
    expect(reached(row(1))).toBeUndefined();
    expect([1, 2, 3].map((v) => reached(row(v, { value: 'v', atLeast: 2 })))).toEqual([false, true, true]);
    expect([1, 2, 3].map((v) => reached(row(v, { value: 'v', atMost: 2 })))).toEqual([true, true, false]);
    expect(reached({ ...row(1, { value: 'v', atMost: 2 }), stopped: 'not finished' })).toBe(false);
  });
});
