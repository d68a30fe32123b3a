import { expect, test } from 'vitest';
import { EVERYTHING, Halt, type Job, SharedWork } from '../../../src/explore/parallel/shared-work.ts';

const at = (path: readonly number[], state: number, from: number, to: number): Job => ({
  path,
  left: [{ depth: path.length, state, from, to }],
});

function workOf(workers: number, maxSteps?: number): SharedWork {
  return new SharedWork(SharedWork.buffer(workers, maxSteps), workers);
}

test('the start is the first job; then there is what was given, last first', () => {
  const work = workOf(2);
  expect(work.take(false)).toEqual(EVERYTHING);
  const jobs = [at([0, 2, 5], 4, 1, 3), { ...at([7, 6], 9, 2, 3), left: [...at([7], 8, 4, 5).left, ...at([7, 6], 9, 2, 3).left] }];
  for (const job of jobs) expect(work.give(job)).toBe(true);
  expect([work.take(false), work.take(false)]).toEqual(jobs.reverse());
});

test('work is wanted while more wait than there are jobs, and done when all wait', () => {
  const work = workOf(2);
  work.take(false);
  expect(work.isWanted).toBe(false);
  expect(work.take(false)).toBeUndefined();
  expect(work.isWanted).toBe(true);
  work.give(at([0], 1, 0, 1));
  expect(work.isWanted).toBe(false);
  expect(work.take(true)).toEqual(at([0], 1, 0, 1));
  expect(work.take(false)).toBeUndefined();
  expect(work.take(true)).toBeUndefined();
  expect(work.isDone).toBe(false);
  expect(work.take(false)).toBeUndefined();
  expect(work.isDone).toBe(true);
});

test('a job that has no room is not taken', () => {
  const work = workOf(1);
  expect(
    work.give(
      at(
        Array.from({ length: 1 << 21 }, () => 1),
        1,
        0,
        1,
      ),
    ),
  ).toBe(false);
  expect(work.take(false)).toEqual(EVERYTHING);
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
