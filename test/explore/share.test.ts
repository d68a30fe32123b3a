import { describe, expect, test } from 'vitest';
import { Passage } from '../../src/explore/checkers/passage.ts';
import { learn } from '../../src/explore/explore.ts';
import { type PathCount, StateGraph } from '../../src/explore/graph.ts';
import { choose, endOf, options } from '../../src/explore/path.ts';
import { Random } from '../../src/explore/random.ts';
import { countRuns, countShare } from '../../src/explore/share.ts';
import type { World } from '../../src/explore/world.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

interface Sketch {
  readonly states: number;
  readonly edges: readonly (readonly [from: number, to: number])[];
  readonly ends: readonly { readonly state: number; readonly passed: boolean; readonly violates: boolean }[];
}

function graphOf({ edges, ends }: Sketch): StateGraph {
  const graph = new StateGraph();
  for (const [from, to] of edges) graph.add(from, to, 0, 'step');
  for (const { state, passed, violates } of ends) graph.end(state, passed, violates);
  return graph;
}

/** Walks every path, one after the other. */
function walk({ edges, ends }: Sketch, state = 0): PathCount {
  const count = { all: 0n, through: 0n, violating: 0n };
  for (const end of ends.filter((e) => e.state === state)) {
    count.all++;
    if (end.passed) count.through++;
    if (end.passed && end.violates) count.violating++;
  }
  for (const [from, to] of edges) {
    if (from !== state) continue;
    const rest = walk({ states: 0, edges, ends }, to);
    count.all += rest.all;
    count.through += rest.through;
    count.violating += rest.violating;
  }
  return count;
}

/** A graph without cycles in which every state is reached and every path ends. */
function randomSketch(random: Random): Sketch {
  const states = 2 + random.below(9);
  const edges: [number, number][] = [];
  for (let to = 1; to < states; to++) {
    const times = 1 + random.below(3);
    for (let n = 0; n < times; n++) edges.push([random.below(to), to]);
  }
  const ends = Array.from({ length: states }, (_, state) => state)
    .filter((state) => random.below(4) === 0 || !edges.some(([from]) => from === state))
    .map((state) => ({ state, passed: random.below(2) === 0, violates: random.below(2) === 0 }));
  return { states, edges, ends };
}

describe('numbers of paths', () => {
  test('equal those of a walk along each path', () => {
    const random = new Random(4);
    for (let round = 0; round < 300; round++) {
      const sketch = randomSketch(random);
      expect(graphOf(sketch).countPaths(sketch.states)).toEqual(walk(sketch));
    }
  });

  test('a core that waits in a circle of several states counts as one that waits in one', () => {
    const ends = [
      { state: 3, passed: true, violates: true },
      { state: 4, passed: false, violates: false },
    ];
    const circle: Sketch = {
      states: 5,
      edges: [
        [0, 1],
        [1, 2],
        [2, 1],
        [1, 3],
        [2, 3],
        [2, 4],
      ],
      ends,
    };
    const alone: Sketch = {
      states: 5,
      edges: [
        [0, 1],
        [1, 1],
        [1, 3],
        [1, 3],
        [1, 4],
      ],
      ends,
    };
    const expected = { all: 3n, through: 2n, violating: 2n };
    expect(graphOf(circle).countPaths(5)).toEqual(expected);
    // State 2 is nowhere in this one.
    expect(graphOf({ ...alone, ends: [...ends, { state: 2, passed: false, violates: false }] }).countPaths(5)).toEqual(expected);
  });

  test('there is none where two cores move in a circle, or where a circle has no way out', () => {
    const both = new StateGraph();
    both.add(0, 1, 0, 'step');
    both.add(1, 0, 1, 'step');
    both.end(0, true, false);
    expect(both.countPaths(2)).toBeUndefined();
    expect(both.pathsByEnd(2)).toBeUndefined();
    const endless = new StateGraph();
    endless.add(0, 0, 0, 'step');
    expect(endless.countPaths(1)).toBeUndefined();
    const many = new StateGraph();
    for (let n = 0; n < 200; n++) for (let twice = 0; twice < 2; twice++) many.add(n, n + 1, 0, 'step');
    many.end(200, true, false);
    expect(many.countPaths(201)?.all).toBe(2n ** 200n);
  });
});

describe('shares of runs', () => {
  const runner = new CellRunner(builtFixture);

  function passageThrough(variant: string): () => World {
    const make = runner.maker(scenarioOf('L3'), variant, { victims: 0, fetch: 'coherent', memory: 'sc' });
    return () => {
      const world = make();
      world.checkers.push(new Passage('NMI in the WINDOW'));
      return world;
    };
  }

  /** Runs every schedule to its end. */
  function runAll(world: World, through: boolean): PathCount {
    const { machine } = world;
    const passage = world.checkers.find((c) => c instanceof Passage) as Passage;
    const count = { all: 0n, through: 0n, violating: 0n };
    const end = (violates: boolean): void => {
      const passed = !through || passage.passed(world);
      count.all++;
      if (passed) count.through++;
      if (passed && violates) count.violating++;
    };
    const go = (lastCore: number): void => {
      const offered = options(world, lastCore);
      if (offered.length === 0) end(endOf(world).length > 0);
      for (const choice of offered) {
        const mark = machine.mark();
        if (choose(world, choice).length > 0) end(true);
        else go(choice.core);
        machine.rollback(mark);
      }
    };
    go(0);
    return count;
  }

  test.each(['lw1', 'lw4'])('an NMI at every place (L3 %s): as many as there are schedules', (variant) => {
    const make = passageThrough(variant);
    const knowledge = learn(make);
    const world = make();
    world.begin(knowledge);
    const counted = runAll(world, true);
    expect(counted.through).toBeGreaterThan(0n);
    expect(counted.violating).toBe(variant === 'lw1' ? counted.through : 0n);
    expect(countShare(make, knowledge)).toEqual({ kind: 'counted', ...counted });
    expect(countRuns(make, knowledge)).toEqual({ kind: 'counted', ...runAll(world, false) });
    expect(countRuns(make, knowledge, { maxSteps: 5 })).toEqual({ kind: 'uncounted', why: 'step budget of 5 spent' });
  });
});
