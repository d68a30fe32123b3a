import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { countFields, sayCount } from '../../src/cli/count.ts';
import { sayLength } from '../../src/cli/length.ts';
import { root } from '../../tools/bootstrap.mjs';
import { textpoke } from './recording-io.ts';

const path = join(root, 'fixtures/lab/lab.elf');
const files = { [path]: readFileSync(path) };
const small = ['--victims', '1', '--memory', 'sc', '--fetch', 'coherent'];

test('explore --count says how many interleavings there are, as text and as an event', async () => {
  const text = (await textpoke(['explore', 'F1', '--variant', 'final-sync', ...small, '--count'], { files })).stdout();
  expect(text).toMatch(/^count {4}\d[\d ]* interleavings, none of them ends in a violation$/m);
  const table = (await textpoke(['explore', 'F1', ...small, '--count'], { files })).stdout();
  expect(table).toMatch(/^count {4}trap-gate: [\d ]+ interleavings, [\d ]+ of\s+them end in a violation\s/m);
  const racy = ['explore', 'F1', '--variant', 'no-final-sync', ...small, '--count', '--json'];
  const event = JSON.parse((await textpoke(racy, { files })).stdout().trim().split('\n').at(-1) as string);
  expect(BigInt(event.interleavings)).toBeGreaterThan(BigInt(event.violatingInterleavings));
  expect(BigInt(event.violatingInterleavings)).toBeGreaterThan(0n);
  expect(event.length).toMatchObject({ shortest: true });
  const cut = (await textpoke([...racy, '--max-steps', '100'], { files })).stdout();
  expect(JSON.parse(cut.trim().split('\n').at(-1) as string)).toMatchObject({
    interleavings: null,
    notCounted: 'step budget of 100 spent',
  });
  expect((await textpoke(['explore', 'F1', '--variant', 'no-final-sync', ...small], { files })).stdout()).not.toMatch(/^count/m);
});

test('numbers have any size', () => {
  const all = 10n ** 30n;
  expect(countFields({ kind: 'counted', all, through: all, violating: 1n })).toEqual({
    interleavings: `${all}`,
    violatingInterleavings: '1',
  });
  expect(sayCount({ kind: 'counted', all: 9_666n, through: 9_666n, violating: 702n })).toBe(
    '9 666 interleavings, 702 of them end in a violation (7.3 %)',
  );
  expect(sayCount({ kind: 'uncounted', why: 'cycles' })).toBe('not counted: cycles');
});

test('the length of a counterexample says what is proven', () => {
  const length = { switches: 5, staleFetches: 0, events: 21 };
  expect(sayLength({ ...length, shortest: true })).toBe('shortest 5 switches, 21 events');
  expect(sayLength({ ...length, switches: 1, staleFetches: 1, shortest: false })).toBe(
    'length   1 switch, 1 stale fetch, 21 events: shortened, not proven shortest',
  );
});
