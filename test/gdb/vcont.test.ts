import { expect, test } from 'vitest';
import { parseThreadId, threadIdOf } from '../../src/gdb/thread-id.ts';
import { parseResumption } from '../../src/gdb/vcont.ts';

test.each([
  [';c', { goal: { kind: 'continue' }, alone: undefined }],
  [';c:p1.-1', { goal: { kind: 'continue' }, alone: undefined }],
  [';c:p1.2', { goal: { kind: 'continue' }, alone: 1 }],
  [';s:p1.2;c:p1.-1', { goal: { kind: 'instruction', core: 1 }, alone: undefined }],
  [';s:p1.2;c', { goal: { kind: 'instruction', core: 1 }, alone: undefined }],
  [';s:p1.2', { goal: { kind: 'instruction', core: 1 }, alone: 1 }],
  [';S05:p1.3;C05:p1.-1', { goal: { kind: 'instruction', core: 2 }, alone: undefined }],
  [';s', { goal: { kind: 'instruction', core: 0 }, alone: undefined }],
  [';r10,20:p1.1;c:p1.-1', { goal: { kind: 'range', core: 0, from: 0x10n, to: 0x20n }, alone: undefined }],
  [';r10,20:p1.1', { goal: { kind: 'range', core: 0, from: 0x10n, to: 0x20n }, alone: 0 }],
  [';t:p1.2;c:p1.1', { goal: { kind: 'continue' }, alone: 0 }],
  [';t', undefined],
  ['', undefined],
  [';', undefined],
  [';x:p1.1', undefined],
  [';c:p1.9', undefined],
  [';r10:p1.1', undefined],
])('vCont%s', (text, resumption) => {
  expect(parseResumption(text, 3, 0)).toEqual(resumption);
});

test('threads are cores, counted from 1', () => {
  expect(threadIdOf(0)).toBe('p1.1');
  expect(threadIdOf(14)).toBe('p1.f');
  for (const [text, id] of [
    ['p1.1', 0],
    ['p1.3', 2],
    ['p1.4', undefined],
    ['p1.-1', 'all'],
    ['p-1', 'all'],
    ['p1', 'all'],
    ['p1.0', 'any'],
    ['-1', 'all'],
    ['0', 'any'],
    ['2', 1],
    ['p2.1', undefined],
    ['', undefined],
    ['x', undefined],
  ] as const)
    expect(parseThreadId(text, 3), text).toBe(id);
});
