import { describe, expect, test } from 'vitest';
import type { World } from '../../src/explore/world.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { imageOf, type Scenario, variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';
import { BOTH_WAYS, compareInstructions, compareInterrupts, fineSize, smallestCell } from '../../tools/whole-graph.ts';

/** Larger ones are left to `tools/every-instruction.ts`: so many places of the cores meet. */
const SMALL = 60_000;
const MOST_STEPS = 800_000;

/** By the variant that holds, which runs to its end: the other one is about as large. */
const sizes = new Map<Scenario, number>();
const CELLS = BOTH_WAYS.flatMap(({ scenario, variant }) => {
  const cell = smallestCell(scenario, variant);
  const make = (): World => scenario.build(imageOf(scenario, builtFixture), variant.name, cell);
  if (!sizes.has(scenario)) sizes.set(scenario, fineSize(make) ?? Number.POSITIVE_INFINITY);
  return (sizes.get(scenario) ?? 0) > SMALL ? [] : [{ title: `${scenario.name} ${variant.name}`, scenario, make }];
});

describe('a place before each instruction finds nothing that places before what others can see do not', () => {
  const compared = new Set<string>();
  test.each(CELLS)('$title', ({ scenario, make }) => {
    const { fine, coarse, difference } = compareInstructions(make, MOST_STEPS);
    expect(difference).toBeUndefined();
    if (fine.result === undefined || coarse.result === undefined) return;
    compared.add(scenario.name);
    expect(fine.states).toBeGreaterThan(coarse.states * 2);
  });
  test('in most of the scenarios that are small enough', () => {
    expect(new Set(CELLS.map((c) => c.scenario)).size).toBeGreaterThan(10);
    expect(compared.size).toBeGreaterThan((new Set(CELLS.map((c) => c.scenario)).size * 3) / 4);
  });
});

describe('a place before each instruction where an interrupt could be taken', () => {
  const scenario = scenarioOf('user/membarrier');
  const variant = variantOf(scenario, 'sync-core');
  const make = (): World => scenario.build(imageOf(scenario, builtFixture), variant.name, smallestCell(scenario, variant));
  test('adds nothing where the scenario has them', () => {
    const { fine, coarse, difference } = compareInterrupts(make, MOST_STEPS);
    expect([fine.result, coarse.result]).not.toContain(undefined);
    expect(difference).toBeUndefined();
  });
  test('adds an end where a handler looks at what it interrupts, and the scenario has none', () => {
    const without = (): World => {
      const world = make();
      world.machine.splits.clear();
      return world;
    };
    expect(compareInterrupts(without, MOST_STEPS).difference).toMatch(/^\d ends with more places, \d else$/);
  });
});
