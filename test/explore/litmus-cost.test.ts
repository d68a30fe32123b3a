import { expect, test } from 'vitest';
import { costReport } from '../../src/explore/litmus/cost.ts';

test('the sum, the slowest, and herd7 without its start-up', () => {
  const report = costReport([
    { name: 'a', seconds: 0.002, herd: 0.01 },
    { name: 'b', seconds: 0.03, herd: 0.11 },
    { name: 'c', seconds: 0.004, herd: 0 },
    { name: 'd', seconds: 0.064, herd: 0.06 },
    { name: 'e', seconds: 0.1 },
    { name: 'f', seconds: 0.001 },
  ]);
  // 0 + 0.1 + 0 + 0.05 s for four; d took more than 0.05 s and a tick.
  expect(report.split('\n')).toEqual([
    'CPU time  0.20 s for 6 tests: mean 33.5 ms, median 30.0 ms',
    'slowest   e 100.0 ms',
    '          d 64.0 ms (herd7 60.0 ms)',
    '          b 30.0 ms (herd7 110.0 ms)',
    '          c 4.0 ms (herd7 0.0 ms)',
    '          a 2.0 ms (herd7 10.0 ms)',
    'herd7     0.15 s for 4 of them, without 10.0 ms of start-up each: ours is 0.67 of it',
    '          1 of them took longer here',
    '',
  ]);
});

test('nothing of herd7 where it is not known', () => {
  expect(costReport([{ name: 'a', seconds: 0.5 }])).not.toContain('herd7');
  expect(costReport([])).toContain('0 tests');
});
