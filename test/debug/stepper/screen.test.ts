import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PANELS } from '../../../src/debug/stepper/panels.ts';
import { plainLines, type ScreenState, screenLines, screenOf } from '../../../src/debug/stepper/screen.ts';
import { type View, viewOf } from '../../../src/debug/stepper/view.ts';
import { broken, stepperOf } from './f1.ts';

const stepper = broken();
const START: ScreenState = { panel: 'choices', scroll: 0, message: '', prompt: undefined };

function viewAt(at: string): View {
  stepper.gotoText(at);
  return viewOf(stepper, 'intel-sdm tso');
}

/** Compares with a golden file; TEXTPOKE_ACCEPT=1 writes it. */
function expectGolden(name: string, text: string): void {
  const path = new URL(`./golden/${name}.txt`, import.meta.url);
  if (process.env.TEXTPOKE_ACCEPT === '1') writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
}

const PLACES = [
  ['start', '@0'],
  ['stored', '@13'],
  ['handler', '@24'],
  ['inside', '@18+2'],
  ['end', 'end'],
] as const;

test.each(PLACES)('screens of three sizes at %s', (name, at) => {
  const view = viewAt(at);
  const panel = name === 'inside' ? 'code' : 'choices';
  const screens = (
    [
      [60, 20],
      [80, 24],
      [140, 40],
    ] as const
  ).map(([width, height]) => {
    const lines = screenLines(view, { ...START, panel }, width, height, false);
    expect(lines).toHaveLength(height);
    for (const l of lines) expect(l.length).toBeLessThanOrEqual(width);
    return `${width} x ${height}\n${lines.map((l) => `|${l.padEnd(width)}|`).join('\n')}\n`;
  });
  expectGolden(name, screens.join('\n'));
});

test('in colour it is the same text', () => {
  const escapes = new RegExp(`${'\x1b'}\\[[0-9;]*m`, 'g');
  for (const [, at] of PLACES)
    for (const panel of PANELS) {
      const view = viewAt(at);
      const plain = screenLines(view, { ...START, panel }, 80, 24, false);
      const colour = screenLines(view, { ...START, panel }, 80, 24, true);
      expect(colour.map((l) => l.replace(escapes, '').trimEnd())).toEqual(plain);
      expect(colour.join('')).toMatch(escapes);
    }
});

/** What every state of bytes looks like without colour. */
test('changed, stale and pending bytes differ in shape', () => {
  const bytes = (at: string): string => plainLines(viewAt(at), 80, false, 'bytes').join('\n');
  expect(bytes('@3')).toContain('CPU0    (cc)');
  expect(bytes('@4')).toContain('memory  [cc]');
  expect(bytes('@4')).toContain('CPU1    ~e8~');
  expect(bytes('@4')).toContain('int3 or ~call ftrace_stub~');
});

test('whatever the size, each panel can be reached, and scrolled to each of its lines', () => {
  const view = viewAt('@24');
  for (const [width, height] of [
    [40, 10],
    [80, 24],
    [200, 60],
  ] as const)
    for (const panel of PANELS) {
      const state = { ...START, panel };
      const whole = plainLines(view, width < 120 ? width : Math.floor((width - 3) / 2), false, panel).filter(
        (l) => !/^ *\d+ more /.test(l),
      );
      const seen = new Set<string>();
      for (let scroll = -200; scroll <= 200; scroll++)
        for (const l of screenLines(view, { ...state, scroll }, width, height, false)) seen.add(l.trim());
      const all = [...seen].join('\n');
      for (const l of whole.slice(1)) expect(all, `${panel} at ${width} x ${height}`).toContain(l.trim().slice(0, width - 3));
    }
});

test('scrolling stops at the ends of a panel', () => {
  const view = viewAt('@24');
  const far = screenOf(view, { ...START, panel: 'code', scroll: 1000 }, 80, 24, false);
  expect(far.scroll).toBeLessThan(100);
  expect(screenLines(view, { ...START, panel: 'code', scroll: far.scroll }, 80, 24, false)).toEqual(far.lines);
});

test('what has no room is named', () => {
  const lines = screenLines(viewAt('@24'), START, 80, 24, false);
  expect(lines.join('\n')).toContain('tab: code, run, registers');
  expect(screenLines(viewAt('@24'), START, 80, 120, false).join('\n')).not.toContain('tab: ');
});

test('a long message is cut with a word about how to see it, a prompt stands in its place', () => {
  const message = Array.from({ length: 9 }, (_, n) => `line ${n}`).join('\n');
  expect(screenLines(viewAt('@0'), { ...START, message }, 80, 24, false).join('\n')).toContain('... 6 more lines: m');
  expect(screenLines(viewAt('@0'), { ...START, prompt: 'go to: 1' }, 80, 24, false).at(-1)).toBe('go to: 1_');
});

test('looking changes nothing: the run, its place and its state', () => {
  const { timeline, session } = stepper;
  const token = session.token();
  for (let at = 0; at <= timeline.end.at; at++) {
    timeline.goto({ at, inside: 0 });
    const hash = timeline.machine.hash();
    viewOf(stepper, '');
    expect(timeline.position).toEqual({ at, inside: 0 });
    expect(timeline.machine.hash()).toBe(hash);
  }
  expect(session.token()).toBe(token);
});

test('many sites, many stores: lines stay inside the screen', () => {
  const batch = stepperOf('ftrace/bulk', 'no-final-sync');
  for (const at of ['@0', '@5', 'end']) {
    batch.gotoText(at);
    const view = viewOf(batch, 'intel-sdm tso');
    for (const width of [60, 80, 140]) for (const l of plainLines(view, width, false)) expect(l.length).toBeLessThanOrEqual(width);
  }
  batch.release();
});
