import { describe, expect, test } from 'vitest';
import { learn } from '../../src/explore/explore.ts';
import type { Knowledge } from '../../src/explore/knowledge.ts';
import { searchStates } from '../../src/explore/stateful.ts';
import { searchReduced, searchTable } from '../../src/explore/table/search.ts';
import { NewWords, TransitionTable } from '../../src/explore/table/table.ts';
import type { World } from '../../src/explore/world.ts';
import { CATALOGUE } from '../../src/scenario/catalogue.ts';
import { smokeCell } from '../../src/scenario/matrix.ts';
import { expectedOf, imageOf, type Scenario } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

interface Found {
  /** Undefined where the search was too long to compare. */
  readonly result: { readonly checks: readonly string[]; readonly ends: readonly string[] } | undefined;
  readonly states: number;
  readonly transitions: number;
}

/** Longer searches are left to the commands: this is about many small ones. */
const MOST_STEPS = 40_000;

interface How {
  readonly symmetry: boolean;
  readonly reduce: boolean;
  /** One transition an instruction, on the machine itself and without a table. */
  readonly everyInstruction?: true;
}

/** What a search of all that happens finds, and in which states of the cores runs end. */
function find(make: () => World, knowledge: Knowledge, how: How): Found {
  let forced: ReadonlySet<number> = new Set();
  for (;;) {
    const world = make();
    const ends = new Set<string>();
    world.machine.everyInstruction = how.everyInstruction === true;
    // Registers and memory of each core, whichever it is: how far its fetch lags is no matter at the end.
    world.checkers.push({
      name: 'ends',
      atEnd: (w) =>
        void ends.add(
          w.machine.cores
            .map((c) => Array.from({ length: 16 }, (_, n) => c.gpr(n)).join(' '))
            .sort()
            .join(' | '),
        ),
    });
    world.begin(knowledge);
    const settings = { symmetry: how.symmetry, wholeGraph: true, budget: { maxSteps: MOST_STEPS } };
    try {
      const outcome =
        how.everyInstruction === true
          ? searchStates(world, { ...settings, budget: {} })
          : how.reduce
            ? searchReduced(new TransitionTable(world, forced), settings)
            : searchTable(new TransitionTable(world, forced), settings);
      if (outcome.undecided === 'reduced') return find(make, knowledge, { ...how, reduce: false });
      const { states, transitions } = outcome.counts;
      const checks = [...new Set(outcome.violations.map((v) => v.check))].sort();
      const whole = outcome.stopped === undefined && !outcome.learned && outcome.undecided === undefined;
      return { result: whole ? { checks, ends: [...ends].sort() } : undefined, states, transitions };
    } catch (error) {
      if (!(error instanceof NewWords)) throw error;
      forced = error.cells;
    } finally {
      world.release();
    }
  }
}

function settled(make: () => World): Knowledge {
  const knowledge = learn(make);
  for (;;) {
    const before = knowledge.size;
    const world = make();
    world.begin(knowledge);
    searchStates(world, { wholeGraph: true, budget: { maxSteps: MOST_STEPS } });
    knowledge.learn(world.machine, world.sharable);
    world.release();
    if (knowledge.size === before) return knowledge;
  }
}

/** Of each scenario a variant that holds and one that breaks something. */
const CELLS = CATALOGUE.flatMap((scenario) => {
  const cell = smokeCell(scenario);
  const of = (verdict: string) => scenario.variants.find((v) => expectedOf(v.expected, cell.fetch) === verdict);
  return [of('ok'), of('violation')].flatMap((v) =>
    v === undefined ? [] : [{ scenario, variant: v.name, title: `${scenario.name} ${v.name}` }],
  );
});

const maker = (scenario: Scenario, variant: string, victims: number) => (): World =>
  scenario.build(imageOf(scenario, builtFixture), variant, { ...smokeCell(scenario), victims });

describe('leaving runs out that are equal to others leaves out no violation and no end', () => {
  let compared = 0;
  test.each(CELLS)('$title', ({ scenario, variant }) => {
    const make = maker(scenario, variant, smokeCell(scenario).victims);
    const knowledge = settled(make);
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
      const knowledge = settled(make);
      const plain = find(make, knowledge, { symmetry: false, reduce: false });
      const all = find(make, knowledge, { symmetry: true, reduce: true });
      expect(plain.result).toBeDefined();
      expect(all.result).toEqual(plain.result);
      expect(all.transitions).toBeLessThan(plain.transitions);
    },
  );
});

/** Small enough for a place before each instruction. */
const SMALLEST = ['ftrace/call-emulation', 'ftrace/ghost-int3', 'text-poke/torn-nop'];

describe('a place before each instruction finds nothing that places before what others can see do not', () => {
  const small = CELLS.filter(({ scenario }) => SMALLEST.includes(scenario.name));
  test('the scenarios are there', () => expect(new Set(small.map((c) => c.scenario.name)).size).toBe(SMALLEST.length));
  test.each(small)('$title', ({ scenario, variant }) => {
    const make = maker(scenario, variant, 1);
    const knowledge = settled(make);
    const reduced = find(make, knowledge, { symmetry: true, reduce: true });
    const fine = find(make, knowledge, { symmetry: false, reduce: false, everyInstruction: true });
    expect(fine.result).toBeDefined();
    expect(reduced.result!.ends).toEqual(fine.result!.ends);
    // A longer step goes on a little behind what it breaks and tells what that leads to; the shorter one ends there.
    expect(reduced.result!.checks).toEqual(expect.arrayContaining([...fine.result!.checks]));
    expect(fine.result!.checks.length > 0).toBe(reduced.result!.checks.length > 0);
    expect(fine.states).toBeGreaterThan(reduced.states * 2);
  });
});
