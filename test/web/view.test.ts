import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RunView } from '../../src/web/emulator/protocol.ts';
import { TAGS } from '../../src/web/emulator/protocol.ts';
import { commandOf, type Key } from '../../src/web/view/keys.ts';
import { LanePyramid, lanePyramids, NOTHING } from '../../src/web/view/lod.ts';
import { marksOf, matches, nextMatch, parseAt, stepFrom, switchFrom } from '../../src/web/view/moves.ts';
import { type Ink, paintLanes } from '../../src/web/view/paint.ts';
import { sourceLines, sourceLoader } from '../../src/web/view/source.ts';
import { whyParts } from '../../src/web/view/why.ts';
import {
  clampWindow,
  followWindow,
  MAX_PER_STEP,
  panWindow,
  stepAt,
  visibleRows,
  wholeWindow,
  zoomWindow,
} from '../../src/web/view/window.ts';

/** A run by the core of each step. */
function runOf(cores: readonly number[], more: Partial<RunView> = {}): RunView {
  const count = cores.length;
  return {
    token: 'tp1_x',
    scenario: 'a/b',
    alias: undefined,
    title: '',
    variant: '',
    variantTitle: '',
    cell: { victims: 1, fetch: 'intel-sdm', memory: 'tso' },
    cellWords: '',
    cores: Math.max(0, ...cores) + 1,
    roles: [],
    count,
    core: Uint8Array.from(cores),
    tag: new Uint8Array(count),
    told: new Uint8Array(count),
    offered: new Uint16Array(count),
    answer: new Uint16Array(count),
    symbol: new Uint32Array(count),
    text: new Uint32Array(count),
    texts: [''],
    end: [],
    broken: undefined,
    open: false,
    arrows: [],
    handlers: [],
    hash: '',
    ...more,
  };
}

describe('zoomed out, nothing that matters is lost', () => {
  test('the most telling tag of any range', () => {
    const tag = fc.oneof(fc.constant(NOTHING), fc.nat(TAGS.length - 1));
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1, maxLength: 200 }), fc.nat(220), fc.nat(220), (tags, a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const inside = tags.slice(from, to).filter((t) => t !== NOTHING);
        expect(new LanePyramid(Uint8Array.from(tags)).most(from, to)).toBe(inside.length === 0 ? NOTHING : Math.max(...inside));
      }),
    );
  });

  test('one violation in a million steps is painted, in a few pixels', () => {
    const count = 1_000_000;
    const tag = new Uint8Array(count).fill(TAGS.indexOf('load'));
    tag[765_432] = TAGS.indexOf('violation');
    const run = runOf([0], { count, core: new Uint8Array(count), tag });
    const fills: string[] = [];
    const width = 800;
    const painted = paintLanes(
      inkThat((colour) => fills.push(colour)),
      {
        run,
        lanes: lanePyramids(1, run.core, run.tag),
        window: wholeWindow(count, width),
        at: 0,
        inside: 0,
        solo: undefined,
        width,
        laneHeight: 40,
        colours: { tags: TAGS, line: 'line', text: 'text', muted: 'muted', accent: 'accent', accentWeak: '', sunk: '', panel: '' },
        fontSize: 12,
        fontFamily: 'monospace',
      },
    );
    expect(fills).toContain('violation');
    expect(painted).toBeLessThanOrEqual(width);
  });
});

/** A canvas that tells the colour of what is filled. */
function inkThat(filled: (colour: string) => void): Ink {
  const known: Record<string, unknown> = { fillStyle: '' };
  return new Proxy(known, {
    get: (target, name: string) => {
      if (name === 'fillRect' || name === 'fill') return () => filled(String(target.fillStyle));
      return name in target ? target[name] : () => ({ width: 0 });
    },
    set: (target, name: string, value) => {
      target[name] = value;
      return true;
    },
  }) as unknown as Ink;
}

describe('what the lanes show', () => {
  const windows = fc.record({
    start: fc.double({ min: -50, max: 5000, noNaN: true }),
    perStep: fc.double({ min: 0.001, max: 900, noNaN: true }),
  });

  test('never leaves the run, however it is moved', () => {
    fc.assert(
      fc.property(
        windows,
        fc.integer({ min: 1, max: 4000 }),
        fc.integer({ min: 50, max: 4000 }),
        fc.nat(4000),
        (window, count, width, at) => {
          const place = Math.min(at, count);
          const moved = [
            clampWindow(window, count, width),
            zoomWindow(clampWindow(window, count, width), 1.5, place, count, width),
            panWindow(clampWindow(window, count, width), -0.7, count, width),
            followWindow(clampWindow(window, count, width), place, count, width),
          ];
          for (const { start, perStep } of moved) {
            expect(start).toBeGreaterThanOrEqual(0);
            expect(start).toBeLessThanOrEqual(Math.max(0, count - width / perStep) + 1e-6);
            expect(perStep).toBeLessThanOrEqual(MAX_PER_STEP);
          }
        },
      ),
    );
  });

  test('follows the position with a margin, and zooms about it', () => {
    const window = { start: 0, perStep: 10 };
    expect(followWindow(window, 20, 1000, 500)).toBe(window);
    const followed = followWindow(window, 600, 1000, 500);
    expect((600 - followed.start) * followed.perStep).toBeLessThan(500);
    const zoomed = zoomWindow(followed, 2, 600, 1000, 500);
    expect((600 - zoomed.start) * zoomed.perStep).toBeCloseTo((600 - followed.start) * followed.perStep, 6);
    expect(stepAt(zoomed, (600.5 - zoomed.start) * zoomed.perStep, 1000)).toBe(600);
  });

  test('rows: those in sight and a few more', () => {
    expect(visibleRows(0, 250, 25, 1000)).toEqual({ first: 0, last: 18 });
    expect(visibleRows(25_000, 250, 25, 1010)).toEqual({ first: 992, last: 1010 });
  });
});

describe('moving in a run', () => {
  const run = runOf([0, 0, 1, 1, 2, 0]);

  test('steps, and those of one core alone', () => {
    expect([stepFrom(run, 0, -1), stepFrom(run, 0, 1), stepFrom(run, 6, 1)]).toEqual([0, 1, 6]);
    expect([stepFrom(run, 0, 1, 1), stepFrom(run, 3, 1, 1), stepFrom(run, 6, -1, 1), stepFrom(run, 2, -1, 1)]).toEqual([2, 6, 3, 0]);
  });

  test('switches', () => {
    const on: number[] = [0];
    while (on.at(-1) !== run.count) on.push(switchFrom(run, on.at(-1) as number, 1));
    expect(on).toEqual([0, 2, 4, 5, 6]);
    const back: number[] = [6];
    while (back.at(-1) !== 0) back.push(switchFrom(run, back.at(-1) as number, -1));
    expect(back).toEqual([6, 5, 4, 2, 0]);
  });

  test('symbols', () => {
    const named = runOf([0, 0, 0], {
      texts: ['Sync', 'other', 'the syncs'],
      symbol: Uint32Array.of(0, 1, 1),
      text: Uint32Array.of(1, 1, 2),
    });
    expect(matches(named, ' SYNC ')).toEqual([0, 2]);
    expect(matches(named, ' ')).toEqual([]);
    expect([nextMatch([0, 2], 0, 1), nextMatch([0, 2], 2, 1), nextMatch([0, 2], 0, -1), nextMatch([], 0, 1)]).toEqual([2, 0, 2, undefined]);
  });

  test('names of places', () => {
    const broken = { check: 'I1', title: '', message: '', core: 0, at: 4 };
    const marks = marksOf({ count: 6, broken }, 2);
    expect(marks.map((m) => `${m.name} ${m.at}`)).toEqual(['@start 0', '@fork 2', '@bug 4', '@end 6']);
    expect(parseAt('bug', marks, 6)).toEqual({ at: 4, inside: 0 });
    expect(parseAt(' @3+12', marks, 6)).toEqual({ at: 3, inside: 12 });
    expect([parseAt('7', marks, 6), parseAt('-1', marks, 6), parseAt('@nowhere', marks, 6)]).toEqual([undefined, undefined, undefined]);
  });

  test('keys; those with a modifier are the browser’s', () => {
    const key = (name: string, more: Partial<Key> = {}): Key => ({
      key: name,
      shiftKey: false,
      ctrlKey: false,
      altKey: false,
      metaKey: false,
      ...more,
    });
    expect(commandOf(key('ArrowLeft'))).toEqual({ do: 'step', by: -1 });
    expect(commandOf(key('ArrowRight', { shiftKey: true }))).toEqual({ do: 'switch', by: 1 });
    expect(commandOf(key('3'))).toEqual({ do: 'solo', core: 2 });
    expect(commandOf(key('0'))).toEqual({ do: 'solo', core: undefined });
    expect(commandOf(key('w'))).toEqual({ do: 'zoom', by: 1 });
    expect(commandOf(key('/'))).toEqual({ do: 'search' });
    expect(commandOf(key('w', { ctrlKey: true }))).toBeUndefined();
    expect(commandOf(key('Tab'))).toBeUndefined();
  });
});

test('a reason in sentences, with places to go to', () => {
  const text = "why   CPU0's x = 0 (@26) came before\n      CPU1's read (@27); holds in variant v\n";
  expect(whyParts(text)).toEqual([["CPU0's x = 0 (", { at: 26 }, ") came before CPU1's read (", { at: 27 }, ')'], ['holds in variant v']]);
  expect(whyParts('')).toEqual([]);
});

test('source around a line; each file is loaded once', async () => {
  expect(sourceLines('a\nb\nc\nd', 2, 1)).toEqual([
    { number: 1, text: 'a' },
    { number: 2, text: 'b' },
    { number: 3, text: 'c' },
  ]);
  let asked = 0;
  const load = sourceLoader({ 'a.c': '/a.c', 'gone.c': '/gone' }, async (address) => {
    asked++;
    if (address === '/gone') throw new Error('HTTP 404');
    return 'text';
  });
  expect(await load('a.c')).toBe('text');
  expect(await load('a.c')).toBe('text');
  expect([asked, await load('other.c'), await load('gone.c')]).toEqual([1, undefined, undefined]);
});
