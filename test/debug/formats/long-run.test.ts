import { expect, test } from 'vitest';
import { ScheduleTimeline } from '../../../src/debug/timeline/schedule-timeline.ts';
import { recordTrace } from '../../../src/debug/trace.ts';
import { choose, options } from '../../../src/explore/path.ts';
import type { World } from '../../../src/explore/world.ts';
import { scenarioOf } from '../../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../../src/scenario/matrix.ts';
import { builtFixture } from '../../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);

/** A guest patcher that waits for the answer to its IPI: with first answers it waits for ever. */
function waiting(): World {
  const scenario = scenarioOf('F1');
  const cell = smokeCell(scenario);
  const world = runner.maker(scenario, 'guest-final-sync', cell)();
  world.begin(runner.learned(scenario, 'guest-final-sync', cell));
  return world;
}

test('a run that is longer than the undo journal is recorded, and is the same run', () => {
  const answers = Array.from({ length: 6000 }, () => 0);
  const trace = recordTrace(waiting(), answers);
  expect(trace.steps).toHaveLength(6000);
  const timeline = new ScheduleTimeline(waiting(), answers);
  timeline.goto(timeline.end);
  expect(timeline.world.machine.hash()).toBe(trace.hash);
});

test('what a machine forgets stays done, and what comes behind can be undone', () => {
  const world = waiting();
  const { machine } = world;
  const step = (): number => {
    const mark = machine.mark();
    choose(world, options(world, 0)[0] as ReturnType<typeof options>[number]);
    return mark;
  };
  const start = machine.mark();
  step();
  step();
  const behind = machine.hash();
  machine.forget(start);
  const mark = step();
  expect(machine.hash()).not.toBe(behind);
  machine.rollback(mark);
  expect(machine.hash()).toBe(behind);
});
