import fc from 'fast-check';
import { expect, test } from 'vitest';
import { didYouMean, editDistance, suggest } from '../src/suggest.ts';

test('distances', () => {
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('ftrcae', 'ftrace')).toBe(1);
});

test('a distance is zero for equals only, symmetric, and at most the longer length', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      const distance = editDistance(a, b);
      expect(distance === 0).toBe(a === b);
      expect(editDistance(b, a)).toBe(distance);
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});

test('suggestions', () => {
  const names = ['ftrace/late-handler', 'ftrace/cross-handler', 'text-poke/three-phase'];
  expect(suggest('late-handlr', names)[0]).toBe('ftrace/late-handler');
  expect(suggest('FTRACE/late-handler', names)[0]).toBe('ftrace/late-handler');
  expect(suggest('text', names)).toEqual(['text-poke/three-phase']);
  expect(suggest('unrelated', names)).toEqual([]);
  expect(didYouMean('zzz', names)).toBeUndefined();
});
