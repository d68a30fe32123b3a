import { describe, expect, test } from 'vitest';
import { formatProgress, groupDigits, progressLine } from '../../src/cli/progress.ts';
import { stopCallback } from '../../src/cli/stop.ts';
import { recordingIo } from './recording-io.ts';

describe('the progress line', () => {
  test('is rewritten in place, at most ten times a second, and removed', () => {
    let time = 0;
    const recording = recordingIo({ tty: true, now: () => time });
    const line = progressLine(recording.io, { quiet: false });
    line.show('first');
    time = 99;
    line.show('too soon');
    time = 100;
    line.show({ states: 1234, depth: 5 });
    line.clear();
    line.clear();
    expect(recording.stderr()).toBe('\r\x1b[Kfirst\r\x1b[K1 234 states  12 340/s  depth 5  0.1s\r\x1b[K');
    expect(recording.stdout()).toBe('');
  });

  test.each([
    ['no terminal', { tty: false }, false],
    ['--quiet', { tty: true }, true],
    ['a dumb terminal', { tty: true, env: { TERM: 'dumb' } }, false],
  ])('is silent with %s', (_why, world, quiet) => {
    const recording = recordingIo(world);
    const line = progressLine(recording.io, { quiet });
    line.show('x');
    line.clear();
    expect(recording.stderr()).toBe('');
  });

  test('never wraps, and knows no rate at the start', () => {
    expect(formatProgress({ states: 10, depth: 1, note: 'n'.repeat(200) }, 3)).toHaveLength(79);
    expect(formatProgress({ states: 10, depth: 1 }, 0)).toBe('10 states  -  depth 1  0.0s');
    expect([0, 999, 1000, 1234567].map(groupDigits)).toEqual(['0', '999', '1 000', '1 234 567']);
  });
});

describe('the stop callback', () => {
  test('gives a reason once the time is spent or the user asked, and keeps it', () => {
    let time = 1000;
    let asked = false;
    const { io } = recordingIo({ now: () => time, interrupted: () => asked });
    const stop = stopCallback(io, { maxSeconds: 2 });
    expect(stop()).toBeUndefined();
    time = 2999;
    expect(stop()).toBeUndefined();
    time = 3000;
    expect(stop()).toBe('time');
    asked = true;
    expect(stop()).toBe('time');
    expect(stopCallback(io, { maxSeconds: undefined })()).toBe('interrupt');
    asked = false;
    expect(stopCallback(io, { maxSeconds: undefined })()).toBeUndefined();
  });
});
