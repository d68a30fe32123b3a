import { describe, expect, test } from 'vitest';
import type { Knowledge } from '../../src/explore/knowledge.ts';
import type { World } from '../../src/explore/world.ts';
import { CATALOGUE } from '../../src/scenario/catalogue.ts';
import { smokeCell } from '../../src/scenario/matrix.ts';
import { imageOf, type Scenario } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';
import { BOTH_WAYS, findAll, settled } from '../../tools/whole-graph.ts';

/** Longer searches are left to the commands: this is about many small ones. */
const MOST_STEPS = 30_000;

const find = (make: () => World, knowledge: Knowledge, how: { readonly symmetry: boolean; readonly reduce: boolean }) =>
  findAll(make, knowledge, { ...how, maxSteps: MOST_STEPS });

/** Two thirds of them, of which each scenario has one at least. */
const CELLS = BOTH_WAYS.filter((_, n) => n % 3 < 2).map(({ scenario, variant }) => ({
  scenario,
  variant: variant.name,
  title: `${scenario.name} ${variant.name}`,
}));

const maker = (scenario: Scenario, variant: string, victims: number) => (): World =>
  scenario.build(imageOf(scenario, builtFixture), variant, { ...smokeCell(scenario), victims });

describe('leaving runs out that are equal to others leaves out no violation and no end', () => {
  let compared = 0;
  test.each(CELLS)('$title', ({ scenario, variant }) => {
    const make = maker(scenario, variant, smokeCell(scenario).victims);
    const knowledge = settled(make, MOST_STEPS);
    const plain = find(make, knowledge, { symmetry: false, reduce: false });
    if (plain.result === undefined) return;
    const reduced = find(make, knowledge, { symmetry: false, reduce: true });
    compared++;
    expect(reduced.result).toEqual(plain.result);
    expect(reduced.states).toBeLessThanOrEqual(plain.states);
  });
  test('and most of them are small enough to be compared', () => {
    expect(compared).toBeGreaterThan((CELLS.length * 3) / 4);
  });
});

describe('with two victims, that may trade places', () => {
  const two = CATALOGUE.filter((s) => s.scope === 'two-victims' && s.image === undefined);
  test.each(two.map((scenario) => ({ scenario, variant: scenario.variants[0]!.name })))(
    '$scenario.name $variant',
    ({ scenario, variant }) => {
      const make = maker(scenario, variant, 2);
      const knowledge = settled(make, MOST_STEPS);
      const plain = find(make, knowledge, { symmetry: false, reduce: false });
      const all = find(make, knowledge, { symmetry: true, reduce: true });
      expect(plain.result).toBeDefined();
      expect(all.result).toEqual(plain.result);
      expect(all.transitions).toBeLessThan(plain.transitions);
    },
  );
});
