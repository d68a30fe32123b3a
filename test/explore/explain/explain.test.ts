import { describe, expect, test } from 'vitest';
import { type Explanation, explainMoves, type Move } from '../../../src/explore/explain/explain.ts';
import type { Violation } from '../../../src/explore/violation.ts';
import { type Instruction, type Toy, ToySystem } from '../dpor/toy.ts';
import { SystemWalk } from './system-walk.ts';

const store = (word: number, value = 1): Instruction => ({ do: 'store', word, value });
const load = (word: number): Instruction => ({ do: 'load', word });
const spin = (word: number): Instruction => ({ do: 'spin', word, value: 1 });
const forbid = (word: number, value: number): Instruction => ({ do: 'forbid', words: [word], values: [value] });

interface ToyMove extends Move {
  readonly places: readonly number[];
}

/** The run in which these threads move one behind the other: a number steps, `d0` drains. */
function runOf(toy: Toy, movers: readonly (number | string)[]): { moves: ToyMove[]; violation: Violation | undefined } {
  const system = new ToySystem(toy);
  let state = system.start();
  let violation: Violation | undefined;
  const moves = movers.map((mover): ToyMove => {
    const [core, kind] = typeof mover === 'number' ? [mover, 'step'] : [Number(mover.slice(1)), 'drain'];
    const transition = system.next(state).find((t) => t.core === core && t.kind === kind);
    if (transition === undefined) throw new Error(`${mover} cannot move`);
    [violation] = transition.violations;
    state = system.after(state, transition);
    const places = [...transition.reads].filter((p) => p >= 2 * toy.threads.length);
    return { core, kind, detail: transition.detail, places };
  });
  return { moves, violation };
}

function explained(toy: Toy, movers: readonly (number | string)[], budget = 10_000): Explanation | undefined {
  const { moves, violation } = runOf(toy, movers);
  const system = new ToySystem(toy);
  const walk = new SystemWalk(system, (state, { core }) => BigInt(system.pc(state, core)));
  return explainMoves(walk, moves, violation ?? { check: 'assertion', message: '', core: 0, rip: 0n }, {
    budget,
    accessed: (move) => (move as ToyMove).places,
  });
}

const told = (toy: Toy, movers: readonly (number | string)[]) => {
  const all = explained(toy, movers)!;
  const { essential, early, orders, inevitable, passing } = all;
  return {
    essential: essential.map((o) => [o.first, o.second]),
    early: early.map((o) => [o.first, o.second]),
    orders,
    inevitable,
    passing: passing === undefined ? undefined : [passing.shared, passing.moves.map((m) => m.core)],
    curve: all.curve()?.map(({ all, violating }) => `${violating}/${all}`),
  };
};

describe('what the graph of all runs says of one that violates', () => {
  test('a store before the look that it must not come before: one of two runs', () => {
    expect(told({ threads: [[store(0)], [forbid(0, 1)]], words: 1 }, [0, 1])).toEqual({
      essential: [[0, 1]],
      early: [],
      orders: 1,
      inevitable: 0,
      passing: [0, [1, 0]],
      curve: ['1/2', '1/1', '1/1'],
    });
  });

  test('an order that the same violation does without is not essential', () => {
    const toy: Toy = {
      threads: [
        [store(1), store(0)],
        [load(1), forbid(0, 1)],
      ],
      words: 2,
    };
    expect(told(toy, [0, 0, 1, 1])).toEqual({
      essential: [[1, 3]],
      early: [],
      orders: 2,
      inevitable: 1,
      passing: [1, [0, 1, 1, 0]],
      curve: ['3/6', '2/3', '1/1', '1/1', '1/1'],
    });
  });

  test('two stores that both must have come: two orders, and one suffices to turn it', () => {
    const both: Instruction = { do: 'forbid', words: [0, 1], values: [1, 1] };
    expect(told({ threads: [[store(0)], [both], [store(1)]], words: 2 }, [0, 2, 1])).toEqual({
      essential: [
        [1, 2],
        [0, 2],
      ],
      early: [],
      orders: 2,
      inevitable: 1,
      passing: [1, [0, 1, 2]],
      curve: ['2/6', '1/2', '1/1', '1/1'],
    });
  });

  test('what always goes wrong takes no order', () => {
    expect(told({ threads: [[store(0)], [spin(0), forbid(1, 0)]], words: 2 }, [0, 1, 1])).toEqual({
      essential: [],
      early: [],
      orders: 1,
      inevitable: 0,
      passing: undefined,
      curve: ['1/1', '1/1', '1/1', '1/1'],
    });
  });

  test('a look in vain is no access, and waiting counts as one state', () => {
    const toy: Toy = { threads: [[store(0)], [spin(0), forbid(1, 1)], [store(1)]], words: 2 };
    const once = told(toy, [0, 1, 2, 1]);
    expect(once).toEqual({
      essential: [[2, 3]],
      early: [],
      orders: 2,
      inevitable: 2,
      passing: [2, [0, 1, 1, 2]],
      curve: ['3/4', '2/3', '1/2', '1/1', '1/1'],
    });
    expect(told(toy, [1, 0, 1, 2, 1])).toMatchObject({
      essential: [[3, 4]],
      inevitable: 3,
      curve: ['3/4', '3/4', '2/3', '1/2', '1/1', '1/1'],
    });
  });

  test('an access that came before a store that the run did not get to', () => {
    expect(told({ threads: [[forbid(0, 0)], [store(0)]], words: 1 }, [0])).toEqual({
      essential: [],
      early: [[0, 0]],
      orders: 0,
      inevitable: 0,
      passing: [0, [1, 0]],
      curve: ['1/2', '1/1'],
    });
  });

  test('accesses are told apart by how many like them came before', () => {
    // Both loads may come before the store or behind it, so that the order of store and look does not follow from theirs.
    const toy: Toy = { threads: [[store(0)], [load(0), load(0), forbid(0, 1)]], words: 1 };
    expect(told(toy, [1, 0, 1, 1])).toMatchObject({ essential: [[1, 3]], orders: 3 });
    expect(
      told(
        {
          threads: [
            [store(0), store(0, 2)],
            [load(0), forbid(0, 1)],
          ],
          words: 1,
        },
        [0, 1, 1],
      ),
    ).toMatchObject({ essential: [[0, 2]], orders: 2 });
  });

  test('a store in its buffer: the drain is what comes too late', () => {
    const toy: Toy = {
      threads: [
        [store(0), { do: 'forbid', words: [1], values: [0] }],
        [store(1), load(0)],
      ],
      words: 2,
      tso: true,
    };
    const { essential, early, passing } = told(toy, [1, 0, 0]);
    expect([essential, early]).toEqual([[], [[2, expect.any(Number)]]]);
    expect(passing?.[0]).toBe(2);
  });

  test('a graph of more edges than the budget is not judged', () => {
    const toy: Toy = { threads: [[store(0)], [forbid(0, 1)]], words: 1 };
    expect(explained(toy, [0, 1], 3)).toBeUndefined();
    expect(explained(toy, [0, 1], 4)).toBeDefined();
  });

  test('moves that are no run of the system are not judged', () => {
    const toy: Toy = { threads: [[store(0)], [forbid(0, 1)]], words: 1 };
    const system = new ToySystem(toy);
    const walk = new SystemWalk(system, () => 0n);
    const violation: Violation = { check: 'assertion', message: '', core: 1, rip: 0n };
    const nobody = [{ core: 5, kind: 'step', detail: '', places: [] }];
    expect(explainMoves(walk, nobody, violation, { budget: 100, accessed: () => [] })).toBeUndefined();
  });
});
