import { describe, expect, test } from 'vitest';
import { raceDiagram } from '../../src/debug/diagram.ts';
import { TextHistory } from '../../src/debug/text-history.ts';
import { recordTrace } from '../../src/debug/trace.ts';
import { explainWhy, type VerdictUnder } from '../../src/debug/why.ts';
import { wrap } from '../../src/debug/wrap.ts';
import { TextpokeError } from '../../src/error.ts';
import type { Counterexample } from '../../src/explore/result.ts';
import { searchStates } from '../../src/explore/stateful.ts';
import type { World } from '../../src/explore/world.ts';
import { type RaceSetup, raceA, walk, worldsOf } from './race-a.ts';

/** Worlds of a setup and what a whole search finds in one. */
function searched(setup: RaceSetup): { make: () => World; found: Counterexample } {
  const make = worldsOf(setup);
  const { counterexample } = searchStates(make());
  if (counterexample === undefined) throw new Error('the search found nothing');
  return { make, found: counterexample };
}

const whyOf = (setup: RaceSetup, under?: VerdictUnder): ReturnType<typeof explainWhy> => {
  const { make, found } = searched(setup);
  return explainWhy(make, found.answers, found.violation, under);
};

describe('why', () => {
  test('names the stores inside the late handler, and the SYNC that is not there', () => {
    const why = whyOf({});
    expect(why.orders[0]).toMatch(
      /^CPU1 fetched cc \(@\d+\), CPU0 did site\[0\] = e8 \(@\d+\) and modifying_ftrace_code = 0 \(@\d+\) with no SYNC in between, then CPU1 read it/,
    );
    expect(why.essential.length).toBe(2);
  });

  test('a trap gate: the SYNC is there, and was answered inside the window', () => {
    expect(whyOf({ trapGate: true, switches: {} }).orders[0]).toMatch(/though it had answered the SYNC in between \(@\d+\)$/);
  });

  test('published too late: the write that the handler missed is still to come', () => {
    expect(whyOf({ switches: { publishLate: true } }).orders).toEqual([
      expect.stringMatching(/^CPU1's read of modifying_ftrace_code \(@\d+\) came before CPU0 set it to 1$/),
    ]);
  });

  test('a fetch that may be stale: the missing serializing event', () => {
    expect(whyOf({ fetch: 'intel-sdm', switches: { sync1: false } }).orders[0]).toMatch(
      /^no serializing event on CPU1 between CPU0's site\[1\.\.4\] = [0-9a-f ]+ \(@\d+\) and its fetch of site \(@\d+\)$/,
    );
  });

  test('says of features what the other verdicts decide, and no more', () => {
    const needs = (setup: RaceSetup, under?: VerdictUnder): string | undefined => whyOf(setup, under).needs;
    const stale: RaceSetup = { fetch: 'intel-sdm', switches: { sync1: false } };
    const real: VerdictUnder = (memory, fetch) => {
      const { counterexample } = searchStates(worldsOf({ ...stale, memory, fetch })());
      return counterexample === undefined ? { verdict: 'ok' } : { verdict: 'violation', check: counterexample.violation.check };
    };
    expect(needs(stale, real)).toBe('holds with coherent fetch, also breaks under SC: needs stale fetch, no store buffer');
    expect(needs({ memory: 'sc' })).toBe('breaks under SC and coherent fetch: no store buffer, no stale fetch');
    expect(needs({})).toBeUndefined();
    expect(needs({}, () => ({ verdict: 'inconclusive' }))).toBeUndefined();
    expect(needs({}, () => ({ verdict: 'violation', check: 'I13' }))).toBeUndefined();
    expect(needs({}, () => ({ verdict: 'violation', check: 'I1' }))).toBe(
      'also breaks under SC and coherent fetch: no store buffer, no stale fetch',
    );
    expect(needs({}, (memory) => ({ verdict: memory === 'sc' ? 'ok' : 'violation', check: 'I1' }))).toBe(
      'holds under SC, also breaks with coherent fetch: needs a store buffer, no stale fetch',
    );
  });

  test('at most four lines of 75 columns', () => {
    const lines = whyOf({}, () => ({ verdict: 'violation', check: 'I1' })).text.split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.length).toBeLessThanOrEqual(4);
    expect(lines.filter((l) => l.length > 75)).toEqual([]);
  });
});

describe('traces', () => {
  test('answers of another world are refused with the step', () => {
    const make = worldsOf({});
    const run = (): unknown => recordTrace(make(), [0, 0, 7]);
    expect(run).toThrow(TextpokeError);
    expect(run).toThrow(/answer 7 at @2/);
  });

  test('whoever listened before goes on listening, also behind a refusal', () => {
    const world = worldsOf({})();
    let heard = 0;
    const listener = (): void => {
      heard++;
    };
    world.onEvent = listener;
    expect(() => recordTrace(world, [0, 0, 0, 7])).toThrow();
    expect(world.onEvent).toBe(listener);
    expect(heard).toBeGreaterThan(0);
  });

  test('a run that is well so far has no violations', () => {
    const make = worldsOf({});
    const { answers, trace } = walk(make(), raceA);
    expect(trace.violations).toHaveLength(1);
    expect(recordTrace(make(), answers.slice(0, -1)).violations).toEqual([]);
  });
});

describe('diagrams', () => {
  test('keep the end and count what they drop', () => {
    const { trace } = walk(worldsOf({})(), raceA);
    const whole = raceDiagram(trace);
    const short = raceDiagram(trace, { lines: 6 });
    expect(whole).not.toContain('not shown');
    expect(short).toContain('earlier lines not shown)');
    const tail = (text: string): string => text.split('\n').slice(-6).join('\n');
    expect(tail(short)).toBe(tail(whole));
    expect(short).toMatch(/~~> int3 at site claimed/);
  });

  test('a part keeps its first lines and how it ends', () => {
    const { trace } = walk(worldsOf({})(), raceA);
    const part = raceDiagram(trace, { from: 3, lines: 2 });
    expect(part).toMatch(/^ {3}@3 .*\n.*\n *\(\d+ more lines\)\n(?: *@\d+)? *~~> int3 at site claimed/);
    expect(raceDiagram(trace, { from: trace.steps.length })).toBe('\n');
    const whole = { ...trace, steps: trace.steps.slice(0, -1), end: [] };
    expect(raceDiagram(whole, { from: 3, lines: 2, cores: [0, 1] })).toMatch(/\(\d+ more lines, to the end\)\n$/);
  });

  test('a core that the race does not need has no column', () => {
    const diagram = raceDiagram(walk(worldsOf({ victims: 2 })(), raceA).trace);
    expect(diagram.split('\n')[0]).not.toContain('CPU2');
    expect(diagram).toMatch(/\(CPU2: \d+ steps not shown\)/);
  });
});

test('the age of fetched bytes: now, one old version, or a mix', () => {
  const site = { name: 'site', address: 0n, versions: [Uint8Array.of(0xe8, 1, 2, 3, 4)], final: 0 };
  const history = new TextHistory(site, Uint8Array.of(0xe8, 1, 2, 3, 4));
  history.add(5, Uint8Array.of(0xcc, 1, 2, 3, 4));
  history.add(9, Uint8Array.of(0xcc, 9, 8, 7, 6));
  expect(history.age(0, Uint8Array.of(0xcc))).toEqual({ kind: 'now' });
  expect(history.age(0, Uint8Array.of(0xe8, 1, 2, 3, 4))).toEqual({ kind: 'old', until: 5 });
  expect(history.age(0, Uint8Array.of(0xe8, 9, 8, 7, 4))).toEqual({
    kind: 'mixed',
    parts: [
      { bytes: 'e8', since: -1 },
      { bytes: '09 08 07', since: 9 },
      { bytes: '04', since: -1 },
    ],
  });
});

test('wrapping keeps every character and every limit', () => {
  expect(wrap('one two three', 7)).toEqual(['one two', '  three']);
  expect(wrap('abcdefghij', 4, 1)).toEqual(['abcd', ' efg', ' hij']);
  expect(wrap('', 4)).toEqual(['']);
});
