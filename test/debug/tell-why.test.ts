// Golden files of everything that is known about race (a): see golden.test.ts for how to write them anew.
import { expect, test } from 'vitest';
import { tellWhy } from '../../src/debug/tell-why.ts';
import { explainWhy } from '../../src/debug/why.ts';
import { expectGolden } from './golden.ts';
import { type RaceSetup, raceA, walk, worldsOf } from './race-a.ts';

test.each<readonly [string, RaceSetup]>([
  ['race-a-tso', {}],
  ['race-a-stale', { fetch: 'intel-sdm' }],
])('%s: orders, when it was too late, the nearest run that passes, and the share of paths that break', (name, setup) => {
  const make = worldsOf(setup);
  const { answers, trace } = walk(make(), raceA);
  const why = explainWhy(make, answers, trace.violations[0]!);
  expect(why.by).toBe('graph');
  expect(why.passing?.violations).toEqual([]);
  const text = why.text + tellWhy(why, true);
  expectGolden(`${name}.why`, text);
  expect(text.split('\n').filter((l) => l.length > 75 || !/^[ -~]*$/.test(l) || l !== l.trimEnd())).toEqual([]);
  expect(tellWhy(why, false)).toBe(text.slice(why.text.length, text.indexOf('paths   ')));
});

test('beyond the budget the replays answer, and say so', () => {
  const make = worldsOf({});
  const { answers, trace } = walk(make(), raceA);
  const why = explainWhy(make, answers, trace.violations[0]!, undefined, { edges: 10 });
  expect([why.by, why.explanation, why.inevitable]).toEqual(['replay', undefined, undefined]);
  expect(why.orders[0]).toMatch(/ \(by replay\)$/);
  expect(tellWhy(why, true)).toBe('orders  found by replays: the graph of all runs is too large\n');
});
