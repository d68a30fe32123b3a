import { expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { lengthOf } from '../../src/explore/price.ts';
import type { Counterexample } from '../../src/explore/result.ts';
import { shrink } from '../../src/explore/shrink.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../src/scenario/matrix.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);

test('drains go right behind their stores where nothing needs them late', () => {
  const scenario = scenarioOf('livepatch/reverse');
  const make = runner.maker(scenario, 'no-wait', smokeCell(scenario));
  const long = explore(make, { shrink: false });
  const begun = () => {
    const world = make();
    world.begin(long.knowledge);
    return world;
  };
  const found = long.counterexample as Counterexample;
  const short = shrink(begun(), found);
  const folded = (answers: readonly number[]): number => answers.length - lengthOf(begun(), answers).events;
  expect(folded(short.answers)).toBeGreaterThan(folded(found.answers));
  expect(lengthOf(begun(), short.answers).switches).toBeLessThanOrEqual(lengthOf(begun(), found.answers).switches);
});
