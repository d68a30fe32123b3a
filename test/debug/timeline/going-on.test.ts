import { expect, test } from 'vitest';
import { GoingOn } from '../../../src/debug/timeline/going-on.ts';
import { ScheduleTimeline } from '../../../src/debug/timeline/schedule-timeline.ts';
import { choose, options } from '../../../src/explore/path.ts';
import { CATALOGUE } from '../../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../../src/scenario/matrix.ts';
import { builtFixture } from '../../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);

/** How far a run of first answers goes, up to 2,000 steps. */
function firstAnswers(scenario: (typeof CATALOGUE)[number], variant: string): number {
  const cell = smokeCell(scenario);
  const world = runner.maker(scenario, variant, cell)();
  world.begin(runner.learned(scenario, variant, cell));
  let last = 0;
  let steps = 0;
  for (; steps < 2000; steps++) {
    const [choice] = options(world, last);
    if (choice === undefined) break;
    world.machine.mark();
    last = choice.core;
    if (choose(world, choice).length > 0) break;
  }
  world.release();
  return steps;
}

test('a run goes on by itself to its end, also where the first answer is to wait for ever', () => {
  const waits = CATALOGUE.flatMap((s) => s.variants.map((v) => [s, v.name] as const)).find(([s, v]) => firstAnswers(s, v) === 2000)!;
  expect(waits).toBeDefined();
  const [scenario, variant] = waits;
  const cell = smokeCell(scenario);
  const world = runner.maker(scenario, variant, cell)();
  world.begin(runner.learned(scenario, variant, cell));
  const timeline = new ScheduleTimeline(world, []);
  const goingOn = new GoingOn();
  const hashes = [world.machine.hash()];
  for (let answer = goingOn.next(timeline); answer !== undefined; answer = goingOn.next(timeline)) {
    const before = world.machine.hash();
    expect(before).toBe(hashes.at(-1));
    const violations = timeline.take(answer);
    hashes.push(world.machine.hash());
    if (violations.length > 0) break;
  }
  expect(new Set(hashes).size).toBe(hashes.length);
  expect(hashes.length).toBeLessThan(2000);
  world.release();
});
