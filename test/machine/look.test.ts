import { expect, test } from 'vitest';
import { openCell } from '../../src/debug/timeline/session.ts';
import { CORE } from '../../src/engine/layout.ts';
import { fetchViews } from '../../src/machine/look.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../src/scenario/matrix.ts';
import { variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

test('half an instruction that a core has fetched elsewhere is no part of what it may fetch here', () => {
  const scenario = scenarioOf('F1');
  const cell = { ...smokeCell(scenario), fetch: 'zen3' } as const;
  const { timeline } = openCell(new CellRunner(builtFixture), scenario, variantOf(scenario, 'no-final-sync'), cell).session;
  const { machine, world } = timeline;
  const core = machine.cores[1]!;
  const site = world.sites[0]!.address;
  const before = fetchViews(machine, core, site);
  expect(before[0]?.bytes[0]).toBe(0xe8);
  machine.mark();
  core.rip = site - 0x100n;
  core.setRaw(CORE.partialLength, 2);
  core.setRawLong(CORE.partialBytes, 0x0f0fn);
  expect(fetchViews(machine, core, site)).toEqual(before);
  world.release();
});
