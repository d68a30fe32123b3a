import { expect, test } from 'vitest';
import { openCell, openToken } from '../../../src/debug/timeline/session.ts';
import { CATALOGUE } from '../../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../../src/scenario/matrix.ts';
import { expectedOf } from '../../../src/scenario/scenario.ts';
import { builtFixture } from '../../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);
const scenario = CATALOGUE.find((s) => s.name === 'text-poke/three-phase')!;
const cell = smokeCell(scenario);
const broken = scenario.variants.find((v) => expectedOf(v.expected, cell.fetch) !== 'ok')!;
const sound = scenario.variants.find((v) => expectedOf(v.expected, cell.fetch) === 'ok')!;

test('a broken variant opens with its shortest counterexample, and its token opens the same run', () => {
  const { session, token } = openCell(runner, scenario, broken, cell);
  expect(token).toMatch(/^tp1_/);
  expect(session.token()).toBe(token);
  session.timeline.goto(session.timeline.end);
  expect(session.timeline.violations.map((v) => v.check)).toEqual(session.recorded.violations.map((v) => v.check));
  expect(session.timeline.play(undefined)).toBe('end');
  const again = openToken(runner, token!);
  again.timeline.goto(again.timeline.end);
  expect(again.timeline.machine.hash()).toBe(session.timeline.machine.hash());
  expect(session.timeline.machine.hash()).toBe(session.recorded.trace.hash);
});

test('a run that was changed by hand has a token of its own, and the first one can be had back', () => {
  const { session, token } = openCell(runner, scenario, broken, cell);
  const { timeline } = session;
  timeline.goto({ at: 2, inside: 0 });
  const other = timeline.options.findIndex((_, n) => n !== timeline.answers[2]);
  timeline.take(other);
  const changed = session.token()!;
  expect(changed).not.toBe(token);
  expect(session.trace().hash).toBe(timeline.machine.hash());
  const opened = openToken(runner, changed);
  opened.timeline.goto(opened.timeline.end);
  expect(opened.timeline.machine.hash()).toBe(timeline.machine.hash());
  session.restore();
  expect(session.token()).toBe(token);
});

test('a sound variant opens with the run of first answers, up to its end', () => {
  const { session, token } = openCell(runner, scenario, sound, cell);
  expect(token).toBeUndefined();
  expect(session.recorded.violations).toEqual([]);
  session.timeline.goto(session.timeline.end);
  expect(session.timeline.options).toEqual([]);
  expect(session.timeline.world.finished).toBe(true);
});
