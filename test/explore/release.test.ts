import { expect, test } from 'vitest';
import { Engine } from '../../src/engine/engine.ts';
import { DECODE_BASE, EVENT_BASE, LONG_RUN, LONG_RUN_AT } from '../../src/engine/layout.ts';
import { explore, learn } from '../../src/explore/explore.ts';
import { searchStates } from '../../src/explore/stateful.ts';
import type { World } from '../../src/explore/world.ts';
import { NO_TAG } from '../../src/isa/record.ts';
import { CATALOGUE, scenarioOf } from '../../src/scenario/catalogue.ts';
import { smokeCell } from '../../src/scenario/matrix.ts';
import { imageOf, type MemoryModel } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';
import { lab } from '../fixtures/lab.ts';

/** Linear addresses of words that are not zero, the journal left out. */
function notZero(engine: Engine): number[] {
  const { map, words } = engine;
  const out: number[] = [];
  for (let n = 0; n < words.length && out.length < 8; n++) {
    if (n === map.journal >> 2) n = map.ram >> 2;
    if (words[n] !== 0) out.push(n * 4);
  }
  return out;
}

const rows = CATALOGUE.map((scenario, n) => ({ title: scenario.name, scenario, memory: (n % 2 === 0 ? 'tso' : 'sc') as MemoryModel }));

test.each(rows)('memory of a world of $title is as new when the next machine gets it', ({ scenario, memory }) => {
  const image = imageOf(scenario, builtFixture);
  const make = (): World => scenario.build(image, scenario.variants[0]!.name, { ...smokeCell(scenario), memory });
  const world = make();
  world.begin(learn(make));
  searchStates(world, { wholeGraph: true, budget: { maxSteps: 300 } });
  const { machine } = world;
  const { engine } = machine;
  expect(notZero(engine).length).toBeGreaterThan(1);
  engine.looks = { linear: () => {}, physical: () => {}, core: () => {}, meta: () => {}, text: () => {}, pending: () => {} };
  world.release();
  const again = Engine.take({ ramBytes: engine.map.ramBytes, journalBytes: engine.map.journalBytes, features: engine.features }, machine);
  expect(again).toBe(engine);
  expect(again.looks).toBeUndefined();
  const words = notZero(again).map((at) => [at, again.view.getUint32(at, true)]);
  expect(words).toEqual([
    [LONG_RUN_AT, LONG_RUN],
    [DECODE_BASE, NO_TAG],
  ]);
  const globals = Object.entries(again.globals).flatMap(([name, { value }]) => (value === 0 ? [] : [[name, value]]));
  expect(Object.fromEntries(globals)).toEqual({ journalTop: engine.map.journal, eventTop: EVENT_BASE });
});

test('a search counts the same in a machine that others have used', () => {
  const count = (name: string, variant: string) =>
    explore(() => scenarioOf(name).build(lab, variant, { victims: 2, fetch: 'intel-sdm', memory: 'tso' })).counts;
  const first = count('F1', 'final-sync');
  count('F2', 'final-sync');
  expect(count('F1', 'final-sync')).toEqual(first);
  expect(first.states).toBeGreaterThan(1000);
});

test('a world that was released is not to be used', () => {
  const world = scenarioOf('F1').build(lab, 'final-sync', { victims: 1, fetch: 'intel-sdm', memory: 'tso' });
  world.release();
  expect(() => world.machine).toThrow('after it was released');
  expect(() => world.release()).toThrow('after it was released');
});
