import { expect, test } from 'vitest';
import { Halt, SharedWork } from '../../../src/explore/parallel/shared-work.ts';

function workOf(workers: number, maxSteps?: number): SharedWork {
  return new SharedWork(SharedWork.buffer(workers, maxSteps), workers);
}

test('the start is the first job; then there is what was given, last first', () => {
  const work = workOf(2);
  expect(work.take(false)).toEqual({ state: -1, from: 0, to: -1, path: [] });
  const jobs = [
    { state: 4, from: 1, to: 3, path: [0, 2, 5] },
    { state: 0, from: 2, to: 3, path: [] },
  ];
  for (const job of jobs) expect(work.give(job)).toBe(true);
  expect([work.take(false), work.take(false)]).toEqual(jobs.reverse());
});

test('work is wanted while more wait than there are jobs, and done when all wait', () => {
  const work = workOf(2);
  work.take(false);
  expect(work.isWanted).toBe(false);
  expect(work.take(false)).toBeUndefined();
  expect(work.isWanted).toBe(true);
  work.give({ state: 1, from: 0, to: 1, path: [0] });
  expect(work.isWanted).toBe(false);
  expect(work.take(true)).toMatchObject({ state: 1 });
  expect(work.take(false)).toBeUndefined();
  expect(work.take(true)).toBeUndefined();
  expect(work.isDone).toBe(false);
  expect(work.take(false)).toBeUndefined();
  expect(work.isDone).toBe(true);
});

test('a job that has no room is not taken', () => {
  const work = workOf(1);
  expect(work.give({ state: 1, from: 0, to: 1, path: Array.from({ length: 1 << 20 }, () => 1) })).toBe(false);
  expect(work.take(false)).toMatchObject({ state: -1 });
});

test('a budget of steps is shared out to the last step', () => {
  const work = workOf(2, 2500);
  expect([work.reserve(1024), work.reserve(1024), work.reserve(1024), work.reserve(1024)]).toEqual([1024, 1024, 452, 0]);
});

test('the first reason to stop counts, but what was learned makes all else void', () => {
  const work = workOf(2);
  work.stop(Halt.steps);
  work.stop(Halt.asked);
  expect(work.halt).toBe(Halt.steps);
  work.stop(Halt.learned);
  work.stop(Halt.asked);
  expect(work.halt).toBe(Halt.learned);
});
