import { expect, test } from 'vitest';
import type { Draft, DraftKind } from '../../src/debug/draft.ts';
import { fold } from '../../src/debug/fold.ts';

const folded = (kind: DraftKind, ...texts: readonly string[]): string[] =>
  fold(texts.map((text, at): Draft => ({ at, core: 0, kind, text }))).map((d) => d.text);

test('what a recursion does again and again is one line with how often', () => {
  expect(folded('trap', 'fetch a: cc', 'fetch b: cc', 'fetch b: cc', 'fetch b: cc', 'fetch a: cc')).toEqual([
    'fetch a: cc',
    'fetch b: cc, 3 times',
    'fetch a: cc',
  ]);
});

test('text that is filled with one byte is one line', () => {
  expect(folded('publish', 'page[0..7] = cc ...', 'page[8..15] = cc ...', 'page[16..23] = cc ...')).toEqual(['page[0..23] = cc ...']);
  expect(folded('publish', 'page[0..7] = cc ...', 'page[8..15] = 90 ...')).toHaveLength(2);
});

test('equal stores to an array are one line', () => {
  expect(folded('publish', 'refs[0] = 1', 'refs[1] = 1', 'refs[2] = 2')).toEqual(['refs[0..1] = 1', 'refs[2] = 2']);
});
