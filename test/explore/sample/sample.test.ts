import { describe, expect, test } from 'vitest';
import { explore } from '../../../src/explore/explore.ts';
import { Random } from '../../../src/explore/random.ts';
import { sampleSchedules } from '../../../src/explore/sample/sample.ts';
import { Scheduler } from '../../../src/explore/sample/schedule.ts';
import { RunSize } from '../../../src/explore/sample/size.ts';
import { STRATEGY_NAMES } from '../../../src/explore/sample/strategy.ts';
import { Windows } from '../../../src/explore/sample/window.ts';
import { scenarioOf } from '../../../src/scenario/catalogue.ts';
import { CellRunner } from '../../../src/scenario/matrix.ts';
import { variantOf } from '../../../src/scenario/scenario.ts';
import { builtFixture } from '../../../tools/built-fixture.ts';
import { begun, program } from './programs.ts';

const times = (n: number, text: string): string => Array(n).fill(text).join('\n');

/** One store of many has to be the last before the load: one place for a change. */
const oneOfMany = (bad: bigint) =>
  program(
    [Array.from({ length: 9 }, (_, n) => `movq $${n + 1}, x(%rip)`).join('\n'), 'movq x(%rip), %r8'],
    ['x'],
    'sc',
    ([, seen]) => seen === bad,
  );

/** Message passing read the wrong way round: the second word is new and the first was old. */
const torn = program(
  [
    `${times(6, 'movq $1, z(%rip)')}\nmovq $1, x(%rip)\nmovq $1, y(%rip)\n${times(6, 'movq $2, z(%rip)')}`,
    `${times(4, 'movq z(%rip), %rax')}\nmovq x(%rip), %rbx\nmovq y(%rip), %rcx\nleaq (%rcx,%rcx), %r8\naddq %rbx, %r8\n${times(4, 'movq z(%rip), %rax')}`,
  ],
  ['x', 'y', 'z'],
  'sc',
  ([, seen]) => seen === 2n,
);

describe('a sample', () => {
  test('finds a bug at least as often as the guarantee says, and nothing where there is none', () => {
    const { sample } = sampleSchedules(begun(oneOfMany(5n)), { strategy: 'pct', depth: 2, seed: 1, schedules: 4000, all: true });
    expect(sample.found).toBeGreaterThan(0);
    expect(sample.cut).toBe(0);
    // 10 events of two agents; change points are drawn over an eighth more.
    expect(sample.longest).toBe(10);
    expect(sample.found / sample.schedules).toBeGreaterThan(1 / (2 * 11) - 5 * Math.sqrt(1 / 22 / 4000));
    expect(sample.violations).toEqual([{ violation: expect.objectContaining({ message: 'a bad end' }), schedules: sample.found }]);

    const none = sampleSchedules(begun(oneOfMany(77n)), { strategy: 'pct', depth: 2, seed: 1, schedules: 100, all: true }).sample;
    expect(none).toMatchObject({ found: 0, first: undefined, drawsFetches: false, gambled: false });
    // The first schedule measured.
    expect(none.bounds).toEqual([{ depth: 2, schedules: 99, agents: 2, events: 11, missed: expect.closeTo((1 - 1 / 22) ** 99, 12) }]);
  });

  test('the portfolio counts its PCT schedules only, each for its depth', () => {
    const { sample } = sampleSchedules(begun(oneOfMany(77n)), { strategy: 'portfolio', seed: 1, schedules: 100 });
    expect(sample.bounds.map((b) => [b.depth, b.schedules])).toEqual([
      [2, 49],
      [3, 20],
    ]);
    for (const strategy of ['pos', 'window'] as const)
      expect(sampleSchedules(begun(oneOfMany(77n)), { strategy, seed: 1, schedules: 20 }).sample.bounds).toEqual([]);
  });

  test('a schedule whose fetches are drawn has no guarantee: every other one counts', () => {
    const runner = new CellRunner(builtFixture);
    const scenario = scenarioOf('F1');
    for (const [fetch, share] of [
      ['intel-sdm', 2],
      ['coherent', 1],
    ] as const) {
      const cell = { victims: 1, fetch, memory: 'tso' } as const;
      const world = runner.maker(scenario, 'final-sync', cell)();
      world.begin(runner.learned(scenario, 'final-sync', { victims: 1 }));
      const { sample } = sampleSchedules(world, { strategy: 'pct', seed: 1, schedules: 400 });
      expect(sample).toMatchObject({ found: 0, depth: 2, drawsFetches: share === 2 });
      expect(sample.bounds[0]?.schedules).toBeLessThanOrEqual(400 / share);
      expect(sample.bounds[0]?.schedules).toBeGreaterThan(300 / share);
    }
  });

  test('where no text is patched nothing is stale, whatever the policy: all count', () => {
    const make = program(['movq $1, x(%rip)', 'movq x(%rip), %r8'], ['x'], 'sc', () => false, 'intel-sdm');
    const { sample } = sampleSchedules(begun(make), { strategy: 'pct', seed: 1, schedules: 50 });
    expect(sample.drawsFetches).toBe(false);
    expect(sample.bounds[0]?.schedules).toBe(49);
  });

  test('ends with its budget', () => {
    const world = begun(oneOfMany(77n));
    const steps = sampleSchedules(world, { strategy: 'pct', seed: 1, schedules: 1000, budget: { maxSteps: 50 } });
    expect(steps.stopped).toBe('step budget of 50 spent');
    expect(steps.sample.schedules).toBe(5);
    const asked = sampleSchedules(world, { strategy: 'pct', seed: 1, schedules: 1000, budget: { stop: () => 'enough' } });
    expect([asked.stopped, asked.sample.schedules]).toEqual(['enough', 0]);
  });
});

describe('every strategy', () => {
  const runner = new CellRunner(builtFixture);
  const scenario = scenarioOf('F1');
  const cell = { victims: 2, fetch: 'intel-sdm', memory: 'tso' } as const;

  test.each(STRATEGY_NAMES)('%s finds race (a), the same with the same seed, and nothing in its fix', (strategy) => {
    const options = { search: 'pct', strategy, seed: 5, schedules: 3000 } as const;
    const found = runner.run(scenario, variantOf(scenario, 'no-final-sync'), cell, options);
    expect(found.verdict).toBe('violation');
    expect(found.counterexample?.violation.check).toBe('I1');
    expect(found.sample).toMatchObject({ strategy, seed: 5, found: 1, first: found.sample?.schedules });

    const again = runner.run(scenario, variantOf(scenario, 'no-final-sync'), cell, options);
    expect(again.token).toBe(found.token);
    expect(again.sample).toEqual(found.sample);
    const other = runner.run(scenario, variantOf(scenario, 'no-final-sync'), cell, { ...options, seed: 6 });
    expect(other.counts.transitions).not.toBe(found.counts.transitions);

    const none = runner.run(scenario, variantOf(scenario, 'final-sync'), cell, { ...options, schedules: 100 });
    expect(none).toMatchObject({ verdict: 'ok', coverage: { kind: 'sampled', schedules: 100 }, sample: { found: 0 } });
  });
});

describe('sampling on behind a violation', () => {
  test('counts what it finds, and shows the first', () => {
    const all = explore(torn, { search: 'pct', strategy: 'window', schedules: 200, all: true });
    const first = explore(torn, { search: 'pct', strategy: 'window', schedules: 200 });
    expect(all.verdict).toBe('violation');
    expect(all.coverage).toEqual({ kind: 'sampled', schedules: 200 });
    expect(all.sample?.found).toBeGreaterThan(1);
    expect(all.sample?.first).toBe(first.sample?.schedules);
    expect(all.counterexample).toEqual(first.counterexample);
  });
});

describe('window hints', () => {
  test('are learned from runs: pairs of accesses to what the other core accesses', () => {
    const world = begun(torn);
    const word = (name: string): number => world.lab.physical(world.lab.symbol(name)) >>> 3;
    const windows = new Windows();
    const scheduler = new Scheduler(world, new RunSize());
    const base = world.machine.mark();
    expect(windows.windows).toEqual([]);
    windows.begin(Random.of(1, 0));
    scheduler.run(windows, Random.of(1, 0), true);
    windows.end();
    world.machine.rollback(base);
    const known = windows.windows.map((w) => [w.first.core, w.first.word, w.second.word, w.second.rivals]);
    expect(known).toContainEqual([1, word('x'), word('y'), 1]);
    expect(known).toContainEqual([0, word('x'), word('y'), 1]);
    // Nobody else touches what is no variable.
    expect(new Set(known.flatMap(([, first, second]) => [first, second]))).toEqual(new Set([word('x'), word('y'), word('z')]));
    expect(windows.windows.every((w) => w.tried === 0)).toBe(true);
  });

  test('put the other core between two accesses more often than random priorities do', () => {
    const rate = (strategy: 'window' | 'pct', depth?: number): number =>
      sampleSchedules(begun(torn), { strategy, ...(depth === undefined ? {} : { depth }), seed: 1, schedules: 400, all: true }).sample
        .found;
    expect(rate('window')).toBeGreaterThan(2 * rate('pct', 2));
    expect(rate('window')).toBeGreaterThan(2 * rate('pct', 3));
  });
});

describe('spin loops', () => {
  const spin = (writer: string, count = ''): ReturnType<typeof program> =>
    program([`1: ${count}\ncmpq $0, flag(%rip)\nje 1b`, writer], ['flag', 'x'], 'tso', () => false);

  test.each(STRATEGY_NAMES)('%s: one that waits takes few events, whoever has priority', (strategy) => {
    const world = begun(spin(`${times(5, 'movq $1, x(%rip)\nmfence')}\nmovq $1, flag(%rip)`));
    const { sample } = sampleSchedules(world, { strategy, seed: 1, schedules: 200 });
    expect(sample).toMatchObject({ found: 0, cut: 0 });
    expect(sample.longest).toBeLessThan(40);
  });

  test('one that counts never comes back to a state, and still lets the others go on', () => {
    const world = begun(spin(`${times(5, 'movq $1, x(%rip)\nmfence')}\nmovq $1, flag(%rip)`, 'incq %rbx'));
    const { sample } = sampleSchedules(world, { strategy: 'pct', depth: 1, seed: 1, schedules: 20 });
    expect(sample).toMatchObject({ found: 0, cut: 0 });
    expect(sample.longest).toBeGreaterThan(1000);
    expect(sample.longest).toBeLessThan(1020);
  });

  test('one that waits for what another core writes into its private memory hears of it at once', () => {
    const refs = `movabsq $0x${begun(torn).lab.percpuOf(0, 'REFS').toString(16)}, %rsi`;
    const waiter = `${refs}\n1: cmpl $0, (%rsi)\nje 1b\nmovq x(%rip), %r8`;
    const writer = `${refs}\nmovl $1, (%rsi)\n${times(3, 'movq $7, x(%rip)')}`;
    const before = program([waiter, writer], ['x'], 'sc', ([seen]) => seen === 0n);
    const { sample } = sampleSchedules(begun(before), { strategy: 'pct', depth: 1, seed: 1, schedules: 100, all: true });
    // Whenever the waiter has priority, that is: half of the time.
    expect(sample.found).toBeGreaterThan(30);
    expect(sample.found).toBeLessThan(70);
  });

  test.each(STRATEGY_NAMES)('%s: one that nobody ends is cut off and counted', (strategy) => {
    const world = begun(spin('movq $0, flag(%rip)\nmfence\nmovq $1, x(%rip)'));
    const { sample, counts } = sampleSchedules(world, { strategy, seed: 1, schedules: 50 });
    expect(sample).toMatchObject({ found: 0, cut: 50 });
    expect(counts.depth).toBeLessThan(100);
  });
});
