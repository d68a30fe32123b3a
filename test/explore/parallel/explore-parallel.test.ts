import { describe, expect, test } from 'vitest';
import { type ExploreOptions, explore, learn } from '../../../src/explore/explore.ts';
import { Knowledge } from '../../../src/explore/knowledge.ts';
import { exploreInParallel, type Team } from '../../../src/explore/parallel/explore-parallel.ts';
import type { Order } from '../../../src/explore/parallel/share.ts';
import { SharedVisited } from '../../../src/explore/parallel/shared-visited.ts';
import { searchStates } from '../../../src/explore/stateful.ts';
import { type NamedStep, StepNames } from '../../../src/explore/table/named-steps.ts';
import { searchTable } from '../../../src/explore/table/search.ts';
import { TransitionTable } from '../../../src/explore/table/table.ts';
import type { World } from '../../../src/explore/world.ts';
import { scenarioOf } from '../../../src/scenario/catalogue.ts';
import { type Cell, imageOf } from '../../../src/scenario/scenario.ts';
import { builtFixture } from '../../../tools/built-fixture.ts';
import { lab } from '../../fixtures/lab.ts';
import { guestImage, guestWorld } from '../../machine/guest.ts';
import { teamInOneThread } from './one-thread.ts';
import { told } from './told.ts';

const maker = (name: string, variant: string, cell: Partial<Cell> = {}) => {
  const scenario = scenarioOf(name);
  return (): World => scenario.build(lab, variant, { victims: 1, fetch: 'intel-sdm', memory: 'tso', ...cell });
};

/** Cores that run `source` from the labels c0, c1, ... */
function program(source: string, cores: number, variables: Readonly<Record<string, number>>): () => World {
  const image = guestImage(source, variables);
  return () => {
    const world = guestWorld(image, cores, { memory: 'tso', fetch: 'coherent' });
    for (let core = 0; core < cores; core++) world.add({ core, entry: `c${core}` });
    return world;
  };
}

const waiter = (name: string, own: string, other: string): string =>
  `${name}:\nmovq $0, ${own}(%rip)\n1:\ncmpq $0, ${other}(%rip)\nje 1b\nmovq $1, ${own}(%rip)\njmp cpu_idle\n`;
/** Each waits for the other before it speaks. */
const livelock = program(waiter('c0', 'x', 'y') + waiter('c1', 'y', 'x'), 2, { x: 0, y: 0 });

/** A team, and what was known of the cores when it was last asked. */
function listening(team: Team): Team & { readonly orders: Order[] } {
  const orders: Order[] = [];
  return {
    size: team.size,
    orders,
    work(order, stop) {
      orders.push(order);
      return team.work(order, stop);
    },
  };
}

/** What a race of two claims would do: now and then one who comes late is told that it is the first. */
class TwiceNew extends SharedVisited {
  #late = 0;

  override add(words: Int32Array, at: number): number {
    const number = super.add(words, at);
    if (number >= 0 || ++this.#late % 7 !== 0) return number;
    return super.add(Int32Array.of(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]! ^ this.#late), 0);
  }
}

const WORLDS: readonly (readonly [string, () => World, ExploreOptions])[] = [
  ['a violation', maker('F1', 'no-final-sync'), {}],
  ['none', maker('F1', 'final-sync'), {}],
  ['two victims that trade places', maker('F1', 'final-sync', { victims: 2 }), {}],
  ['a violation among victims that trade places', maker('F1', 'no-final-sync', { victims: 2 }), {}],
  ['victims that may not trade places', maker('F1', 'final-sync', { victims: 2, fetch: 'coherent' }), { symmetry: false }],
  ['a violation that is preferred', maker('F2', 'unprotected'), { prefer: { check: 'I1', cause: 'another-modification' } }],
  ['a livelock', livelock, {}],
];

describe.each(WORLDS)('%s: one, two and three workers say the same, in whatever order they come', (_title, make, settings) => {
  test('verdict, states, counterexample, notes', async () => {
    const alone = await exploreInParallel(make, teamInOneThread(make, 1, 1), settings);
    for (const [size, seed] of [
      [2, 1],
      [2, 2],
      [3, 3],
    ] as const) {
      const many = await exploreInParallel(make, teamInOneThread(make, size, seed), settings);
      expect(told(many)).toBe(told(alone));
      expect(many.cost?.jobs).toBe(size);
    }
    const plain = explore(make, settings);
    expect(alone.verdict).toBe(plain.verdict);
    expect(alone.counterexample).toEqual(plain.counterexample);
    const world = make();
    world.begin(alone.knowledge);
    const symmetry = settings.symmetry !== false && !alone.notes.some((n) => n.startsWith('symmetry off: interchangeable'));
    const { states } = searchStates(world, { wholeGraph: true, symmetry }).counts;
    expect(alone.counts.states).toBeLessThanOrEqual(states);
    const all = await exploreInParallel(make, teamInOneThread(make, 2, 1), { ...settings, reduce: false });
    expect(all.counts.states).toBe(states);
    expect(all.verdict).toBe(alone.verdict);
  });
});

describe('where somebody goes first, that is decided by all that cores do in any run', () => {
  test.each<[string, () => World, boolean]>([
    ['victims that trade places', maker('F1', 'final-sync', { victims: 2 }), true],
    ['victims that do not', maker('F1', 'final-sync', { victims: 2, fetch: 'coherent' }), false],
    ['two sites', maker('F2', 'final-sync', { victims: 2 }), true],
    ['a violation', maker('F1', 'no-final-sync', { victims: 2 }), true],
  ])('%s', async (_title, make, symmetry) => {
    const world = make();
    const teams = [1, 2, 3].map((size) => listening(teamInOneThread(make, size, size)));
    const found = [];
    for (const team of teams) found.push(await exploreInParallel(make, team, { symmetry, shrink: false }));
    const steps = teams.map(({ orders }) => keysOf(orders.at(-1)!.steps!));
    world.begin(found[0]!.knowledge);
    const table = new TransitionTable(world);
    const whole = searchTable(table, { symmetry, wholeGraph: true });
    const names = new StepNames(table, symmetry ? world.symmetric : 0);
    const all = keysOf(table.history.flatMap((history, core) => history.map((step) => names.name(core, step))));
    for (const some of steps) expect(some).toEqual(all);
    expect(found[0]!.counts.states).toBeLessThan(whole.counts.states);
  });
});

const keysOf = (steps: readonly NamedStep[]): string[] => [...new Set(steps.map((step) => JSON.stringify(step)))].sort();

test('what the first searches did not find out about sharing is found out together', async () => {
  const make = maker('F1', 'no-final-sync');
  const settings = { learned: new Knowledge() };
  const alone = await exploreInParallel(make, teamInOneThread(make, 1, 1), settings);
  expect(alone.knowledge.size).toBe(learn(make).size);
  for (const size of [2, 3]) expect(told(await exploreInParallel(make, teamInOneThread(make, size, size), settings))).toBe(told(alone));
});

// A core that stops before any of its instructions was taken for one that had gone on, depending on what had been decoded before.
test('states do not depend on what a machine decoded before, where an interrupt may come anywhere', async () => {
  const scenario = scenarioOf('tracepoint/after-unregister');
  const make = (): World => scenario.build(imageOf(scenario, builtFixture), 't0-module', { victims: 1, fetch: 'intel-sdm', memory: 'tso' });
  const learned = learn(make);
  const statesOf = async (size: number): Promise<number> =>
    (await exploreInParallel(make, teamInOneThread(make, size, 1), { learned, shrink: false })).counts.states;
  expect(await statesOf(2)).toBe(await statesOf(1));
});

describe('defects of the sharing that a test must see', () => {
  const make = maker('F1', 'final-sync');

  test('a claim that is not atomic, so that two workers are each the first at a state', async () => {
    const right = await exploreInParallel(make, teamInOneThread(make, 2, 1));
    const wrong = await exploreInParallel(
      make,
      teamInOneThread(make, 2, 1, (buffer) => new TwiceNew(buffer)),
    );
    expect(right.counts.states).toBe(explore(make).counts.states);
    expect(wrong.counts.states).toBeGreaterThan(right.counts.states);
  });

  test('edges of one worker that are left out of the graph', async () => {
    const team = teamInOneThread(livelock, 2, 1);
    const right = await exploreInParallel(livelock, team);
    expect(right.counterexample?.violation.cause).toBe('livelock');
    const forgetful = {
      size: 2,
      work: async (...args: Parameters<typeof team.work>) =>
        (await team.work(...args)).map((share) => ({ ...share, edges: new Int32Array(0) })),
    };
    expect((await exploreInParallel(livelock, forgetful)).verdict).not.toBe(right.verdict);
  });
});
