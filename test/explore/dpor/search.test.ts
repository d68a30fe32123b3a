import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { searchDpor } from '../../../src/explore/dpor/search.ts';
import type { StateVector } from '../../../src/explore/table/system.ts';
import { vectorKey } from '../../../src/explore/vector.ts';
import { reachableStates } from '../reachable.ts';
import { type Instruction, type Toy, ToySystem, tracesOf } from './toy.ts';

const store = (word: number, value = 1): Instruction => ({ do: 'store', word, value });
const load = (word: number): Instruction => ({ do: 'load', word });
const await_ = (word: number, value = 1): Instruction => ({ do: 'await', word, value });
const spin = (word: number, value = 1): Instruction => ({ do: 'spin', word, value });

const explore = (toy: Toy) => searchDpor(new ToySystem(toy), { wholeGraph: true });

/** The search, every execution, and every state must say the same. */
function agree(toy: Toy): { traces: number; blocked: number; ends: string[]; checks: string[] } {
  const system = new ToySystem(toy);
  const found = searchDpor(system, { wholeGraph: true });
  const all = reachableStates(system);
  expect([...found.ends.keys()].sort()).toEqual([...all.ends.keys()].sort());
  const checks = all.violations.map((v) => v.check);
  expect(found.violations.map((v) => v.violation.check)).toEqual(checks);
  expect(found.executions.circles).toBe(0);
  expect(found.executions.complete).toBe(tracesOf(system).size);
  return {
    traces: found.executions.complete,
    blocked: found.executions.blocked,
    ends: [...all.ends.values()].map((s) => system.describe(s)).sort(),
    checks,
  };
}

describe('one execution for each trace', () => {
  test('independent threads make one trace', () => {
    const toy: Toy = { threads: [0, 1, 2, 3].map((w) => [store(w), load(w), store(w, 2)]), words: 4 };
    expect(explore(toy).executions).toEqual({ complete: 1, blocked: 0, circles: 0 });
  });

  test.each([2, 3, 4, 5])('%i writers of one word make n! traces', (n) => {
    const toy: Toy = { threads: Array.from({ length: n }, (_, t) => [store(0, t + 1)]), words: 1 };
    const factorial = Array.from({ length: n }, (_, i) => i + 1).reduce((a, b) => a * b, 1);
    expect(explore(toy).executions).toEqual({ complete: factorial, blocked: 0, circles: 0 });
  });

  test.each([1, 2, 3, 4, 5, 6])('a writer and %i readers make 2^n traces', (n) => {
    const toy: Toy = { threads: [[store(0)], ...Array.from({ length: n }, () => [load(0)])], words: 1 };
    expect(explore(toy).executions.complete).toBe(2 ** n);
  });

  test('store buffering: the fourth end needs store buffers', () => {
    const threads = [
      [store(0), load(1)],
      [store(1), load(0)],
    ];
    expect(agree({ threads, words: 2 })).toMatchObject({ traces: 3, ends: ['0 | 1 : 1 1', '1 | 0 : 1 1', '1 | 1 : 1 1'] });
    expect(agree({ threads, words: 2, tso: true }).ends).toEqual(['0 | 0 : 1 1', '0 | 1 : 1 1', '1 | 0 : 1 1', '1 | 1 : 1 1']);
    const fenced = threads.map((t) => [t[0]!, { do: 'fence' } as const, t[1]!]);
    expect(agree({ threads: fenced, words: 2, tso: true }).ends).toEqual(['0 | 1 : 1 1', '1 | 0 : 1 1', '1 | 1 : 1 1']);
  });

  test('message passing: the flag never comes before the data', () => {
    const toy: Toy = {
      threads: [
        [store(0), store(1)],
        [load(1), load(0)],
      ],
      words: 2,
    };
    expect(agree(toy)).toMatchObject({ traces: 3, ends: ['| 00 : 1 1', '| 01 : 1 1', '| 11 : 1 1'].map((s) => ` ${s}`) });
    agree({ ...toy, tso: true });
  });

  test('outcomes of one move are all explored, and are no reason to explore others', () => {
    expect(agree({ threads: [[{ do: 'choose', among: 3 }, store(0)], [store(1)]], words: 2 })).toMatchObject({ traces: 3, blocked: 0 });
  });

  test('outcomes of one move that write different words: one is asleep where the other one is not', () => {
    for (const words of [
      [0, 1],
      [1, 0],
    ] as const) {
      const threads: Instruction[][] = [[{ do: 'store either', words, value: 1 }], [load(0)], [load(1)]];
      for (const order of [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
      ])
        agree({ threads: order.map((t) => threads[t]!), words: 2 });
    }
  });

  test('a violation that only one order reaches', () => {
    const threads: Instruction[][] = [[store(0), store(0, 0)], [store(1)], [{ do: 'forbid', words: [0, 1], values: [1, 0] }]];
    expect(agree({ threads, words: 2 }).checks).toEqual(['assertion']);
    const never: Instruction[][] = [[store(1), store(0)], [{ do: 'forbid', words: [0, 1], values: [1, 0] }]];
    expect(agree({ threads: never, words: 2 }).checks).toEqual([]);
  });
});

describe('agents that others disable', () => {
  test('a lock, taken in every order', () => {
    const critical = (value: number): Instruction[] => [{ do: 'lock', word: 0 }, load(1), store(1, value), store(0, 0)];
    const { traces, ends } = agree({ threads: [critical(1), critical(2), critical(3)], words: 2 });
    expect(traces).toBe(6);
    expect(ends).toHaveLength(6);
  });

  test('a lock that is never given back', () => {
    const take = (word: number): Instruction[] => [{ do: 'lock', word }];
    expect(agree({ threads: [take(0), take(0), take(0)], words: 1 }).traces).toBe(3);
  });

  test('two locks in opposite order: the deadlock is an end', () => {
    const both = (a: number, b: number): Instruction[] => [a, b].map((word) => ({ do: 'lock', word }));
    expect(agree({ threads: [both(0, 1), both(1, 0)], words: 2 }).ends).toHaveLength(3);
  });

  test('what two others each prevent, and neither alone lets go', () => {
    const toy: Toy = {
      threads: [[{ do: 'lock', word: 0 }], [{ do: 'lock', word: 1 }], [store(2), { do: 'lock both', words: [0, 1] }, store(3)]],
      words: 4,
    };
    expect(agree(toy).ends).toHaveLength(2);
    for (const order of [
      [2, 1, 0],
      [1, 0, 2],
      [1, 2, 0],
    ])
      agree({ ...toy, threads: order.map((t) => toy.threads[t]!) });
  });

  test('an interrupt is taken before it is masked, and behind, and in between', () => {
    const toy: Toy = { threads: [[{ do: 'mask' }, store(0), { do: 'unmask' }], [{ do: 'interrupt', thread: 0 }]], words: 1 };
    expect(agree(toy).ends).toHaveLength(2);
    expect(agree({ ...toy, threads: [[{ do: 'mask' }, store(0)], toy.threads[1]!] }).ends).toHaveLength(2);
  });

  test('waiting for a word that goes on changing', () => {
    agree({
      threads: [
        [store(0), store(0, 2), store(0, 3)],
        [await_(0, 1), load(0)],
        [await_(0, 2), store(1)],
      ],
      words: 2,
    });
  });
});

describe('waiting', () => {
  test('a step that changes nothing is not explored', () => {
    const found = explore({
      threads: [
        [spin(0), load(1)],
        [store(1), store(0)],
      ],
      words: 2,
    });
    expect(found.executions).toEqual({ complete: 1, blocked: 0, circles: 0 });
    expect(found.livelock).toBeUndefined();
    const never = explore({ threads: [[spin(0)], [store(0, 2)]], words: 1 });
    expect(never.livelock).toEqual({ cores: [0], answers: [1] });
  });

  test.each<[string, Toy]>([
    ['two words in turn', { threads: [[{ do: 'spin on either', words: [0, 1] }, load(2)], [store(2), store(1)], [store(2, 2)]], words: 3 }],
    [
      'two who look at two words in turn',
      {
        threads: [
          [{ do: 'spin on either', words: [0, 1] }, store(2)],
          [{ do: 'spin on either', words: [1, 2] }, store(0), load(3)],
          [store(3), store(1)],
        ],
        words: 4,
      },
    ],
    [
      'stores in each round',
      { threads: [[{ do: 'spin with store', word: 0, stored: 1 }], [load(1), store(0), load(1)]], words: 2, tso: true },
    ],
    [
      'two who store in each round',
      {
        threads: [
          [{ do: 'spin with store', word: 0, stored: 1 }],
          [{ do: 'spin with store', word: 0, stored: 2 }, load(1)],
          [load(2), store(0)],
        ],
        words: 3,
        tso: true,
      },
    ],
  ])('%s: circles are cut and nothing is lost', (_, toy) => {
    const system = new ToySystem(toy);
    const found = searchDpor(system, { wholeGraph: true });
    expect(found.executions.circles).toBeGreaterThan(0);
    expect([...found.ends.keys()].sort()).toEqual([...reachableStates(system).ends.keys()].sort());
    expect(found.bounds).toEqual([]);
  });

  test('a bound that cuts off executions is named', () => {
    const found = searchDpor(new ToySystem({ threads: [[store(0), store(1), store(2)]], words: 3 }), { maxEvents: 2 });
    expect(found.bounds).toEqual(['events of an execution <= 2']);
    expect(found.executions.complete).toBe(0);
  });
});

/** The state that answers lead to, and the violation of the last of them. */
function replay(system: ToySystem, answers: readonly number[]): { state: StateVector; violated: string | undefined } {
  let state = system.start();
  let lastCore = 0;
  let violated: string | undefined;
  for (const answer of answers) {
    const next = system.next(state);
    const taken = [...next.filter((t) => t.core === lastCore), ...next.filter((t) => t.core !== lastCore)][answer]!;
    violated = taken.violations[0]?.message;
    lastCore = taken.core;
    if (violated === undefined) state = system.after(state, taken);
  }
  return { state, violated };
}

test('answers lead to violations and ends, the core that moved last first', () => {
  const threads: Instruction[][] = [[store(0), load(1), store(0, 0)], [load(1), { do: 'forbid', words: [0], values: [1] }], [store(1)]];
  const system = new ToySystem({ threads, words: 2, tso: true });
  const found = searchDpor(system, { wholeGraph: true });
  expect(found.violations).toHaveLength(1);
  for (const { violation, answers } of found.violations) expect(replay(system, answers).violated).toBe(violation.message);
  expect(found.ends.size).toBe(4);
  for (const [end, answers] of found.ends) expect(vectorKey(replay(system, answers).state)).toBe(end);
});

const word = fc.integer({ min: 0, max: 2 });
const value = fc.integer({ min: 0, max: 2 });
const instruction: fc.Arbitrary<Instruction> = fc.oneof(
  fc.record({ do: fc.constant('store' as const), word, value }),
  fc.record({ do: fc.constant('load' as const), word }),
  fc.record({ do: fc.constant('add' as const), word }),
  fc.record({ do: fc.constant('lock' as const), word }),
  fc.record({ do: fc.constant('lock both' as const), words: fc.tuple(word, word) }),
  fc.record({ do: fc.constant('await' as const), word, value }),
  fc.record({ do: fc.constant('spin' as const), word, value }),
  fc.record({ do: fc.constant('choose' as const), among: fc.constant(2) }),
  fc.record({ do: fc.constant('store either' as const), words: fc.tuple(word, word), value }),
  fc.record({ do: fc.constant('look' as const), words: fc.tuple(word, word, word) }),
  fc.record({ do: fc.constant('forbid' as const), words: fc.tuple(word, word), values: fc.tuple(value, value) }),
  fc.constantFrom<Instruction>(
    { do: 'fence' },
    { do: 'mask' },
    { do: 'unmask' },
    { do: 'interrupt', thread: 0 },
    { do: 'interrupt', thread: 1 },
  ),
);
const toys = (threads: number, instructions: number): fc.Arbitrary<Toy> =>
  fc.record({
    threads: fc.array(fc.array(instruction, { maxLength: instructions }), { minLength: 2, maxLength: threads }),
    words: fc.constant(3),
    tso: fc.boolean(),
  });

describe('random programs', () => {
  test('have as many executions as traces, the same ends and the same violations', () => {
    fc.assert(
      fc.property(toys(3, 3), (toy) => {
        fc.pre(reachableStates(new ToySystem(toy)).counts.states < 100);
        agree(toy);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  test('that go in circles end the same', () => {
    const circling = fc.oneof(
      fc.record({ do: fc.constant('spin on either' as const), words: fc.tuple(word, word) }),
      fc.record({ do: fc.constant('spin with store' as const), word, stored: word }),
    );
    const circlers = fc
      .tuple(toys(2, 2), fc.array(instruction, { maxLength: 1 }), circling, fc.array(instruction, { maxLength: 1 }))
      .map(([toy, before, circle, behind]): Toy => ({ ...toy, threads: [...toy.threads, [...before, circle, ...behind]] }));
    fc.assert(
      fc.property(circlers, (toy) => {
        const system = new ToySystem(toy);
        const found = searchDpor(system, { wholeGraph: true, budget: { maxSteps: 20_000 } });
        const all = reachableStates(system);
        expect(found.stopped).toBeUndefined();
        expect([...found.ends.keys()].sort()).toEqual([...all.ends.keys()].sort());
        expect(found.violations.map((v) => v.violation.check)).toEqual(all.violations.map((v) => v.check));
      }),
      { numRuns: 200, seed: 7 },
    );
  });

  test('with reads that are kept back are found out', () => {
    let missed = 0;
    for (const toy of fc.sample(toys(3, 3), { numRuns: 100, seed: 7 })) {
      const hidden = (slot: number): boolean => slot >= 2 * toy.threads.length;
      const system = new ToySystem({ ...toy, hidden });
      let ends: readonly string[];
      try {
        ends = [...searchDpor(system, { wholeGraph: true }).ends.keys()];
      } catch {
        missed++;
        continue;
      }
      if (ends.length !== reachableStates(system).ends.size) missed++;
    }
    expect(missed).toBeGreaterThan(0);
  });
});
