import { describe, expect, test } from 'vitest';
import { death } from '../../src/explore/checkers/death.ts';
import { type ExploreOptions, explore } from '../../src/explore/explore.ts';
import { choose, endOf, options } from '../../src/explore/path.ts';
import type { Counterexample } from '../../src/explore/result.ts';
import { shrink } from '../../src/explore/shrink.ts';
import { searchStates } from '../../src/explore/stateful.ts';
import type { Violation } from '../../src/explore/violation.ts';
import type { World } from '../../src/explore/world.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import type { Cell } from '../../src/scenario/scenario.ts';
import { lab } from '../fixtures/lab.ts';
import { guestImage, guestWorld, wholeGraph } from '../machine/guest.ts';

const CELL: Cell = { victims: 1, fetch: 'intel-sdm', memory: 'tso' };
const maker =
  (name: string, variant: string, cell: Cell = CELL) =>
  (): World =>
    scenarioOf(name).build(lab, variant, cell);

/** What answers end in, replayed from a world of its own. */
function replay(world: World, answers: readonly number[]): Violation | undefined {
  let lastCore = 0;
  for (const [n, answer] of answers.entries()) {
    const choice = options(world, lastCore)[answer];
    if (choice === undefined) return undefined;
    lastCore = choice.core;
    world.machine.mark();
    const [violation] = choose(world, choice);
    if (violation !== undefined) return n === answers.length - 1 ? violation : undefined;
  }
  return options(world, lastCore).length === 0 ? endOf(world)[0] : undefined;
}

describe('sampling', () => {
  test.each([
    ['F1', 'no-final-sync', 2000],
    ['F2', 'unprotected', 2000],
  ])('PCT finds %s %s and says that it sampled when it does not', (name, variant, schedules) => {
    const make = maker(name, variant);
    const found = explore(make, { search: 'pct', seed: 7, schedules, depth: 3 });
    expect(found.verdict).toBe('violation');
    expect(found.coverage.kind).toBe('first-violation');
    expect(found.counterexample?.violation.check).toBe('I1');
    const again = explore(make, { search: 'pct', seed: 7, schedules, depth: 3 });
    expect(again.counterexample).toEqual(found.counterexample);
    expect(explore(maker(name, 'final-sync'), { search: 'pct', seed: 7, schedules: 50, depth: 3 })).toMatchObject({
      verdict: 'ok',
      coverage: { kind: 'sampled', schedules: 50 },
    });
  });
});

describe('counterexamples', () => {
  test.each([
    ['F1', 'no-final-sync'],
    ['F2', 'trust-target'],
    ['F4', 'no-gap-rsp0'],
    ['F8', 'die'],
    ['text-poke/three-phase', 'call-to-call.no-sync1'],
    ['B07', 'irqs-on'],
    ['B20', 'unlocked'],
  ])('%s %s: the shrunk one replays to the same violation and is not longer', (name, variant) => {
    const make = maker(name, variant, scenarioOf(name).scope === 'one-core' ? { ...CELL, victims: 0 } : CELL);
    const long = explore(make, { shrink: false });
    const found = long.counterexample as Counterexample;
    const begun = (): World => {
      const world = make();
      world.begin(long.knowledge);
      return world;
    };
    expect(replay(begun(), found.answers)).toEqual(found.violation);
    const short = shrink(begun(), found);
    expect(short.violation.check).toBe(found.violation.check);
    expect(short.answers.length).toBeLessThanOrEqual(found.answers.length);
    expect(replay(begun(), short.answers)).toEqual(short.violation);
    // What shrinking leaves it cannot shorten again.
    expect(shrink(begun(), short).answers.length).toBe(short.answers.length);
  });
});

describe('what goes on for ever or not at all', () => {
  const check = (source: string, entries: readonly string[], vars: Readonly<Record<string, number>> = { x: 0, y: 0 }) => {
    const image = guestImage(source, vars);
    return wholeGraph(() => {
      const world = guestWorld(image, entries.length, { memory: 'tso', fetch: 'coherent' });
      world.checkers.push(death);
      entries.forEach((entry, core) => world.add({ core, entry }));
      return world;
    }).outcome;
  };
  const SPIN = (variable: string): string => `1:\npause\ncmpq $0, ${variable}(%rip)\nje 1b\njmp cpu_idle\n`;

  test('a spin that nobody ends is a livelock', () => {
    const { violations, stopped } = check(`P0:\n${SPIN('x')}`, ['P0']);
    expect(stopped).toBeUndefined();
    expect(violations).toMatchObject([{ check: 'I13' }]);
  });

  test('a spin that somebody ends under a fair schedule is none', () => {
    const { violations, stopped } = check(`P0:\n${SPIN('x')}P1:\nmovq $1, x(%rip)\njmp cpu_idle\n`, ['P0', 'P1']);
    expect(stopped).toBeUndefined();
    expect(violations).toEqual([]);
  });

  test('two cores that each wait for the other before they speak are a livelock', () => {
    const waiter = (name: string, own: string, other: string): string =>
      `${name}:\nmovq $0, ${own}(%rip)\n1:\ncmpq $0, ${other}(%rip)\nje 1b\nmovq $1, ${own}(%rip)\njmp cpu_idle\n`;
    const { violations } = check(waiter('P0', 'x', 'y') + waiter('P1', 'y', 'x'), ['P0', 'P1']);
    expect(violations).toMatchObject([{ check: 'I13' }]);
    expect(violations[0]?.message).toContain('CPU0, CPU1');
  });

  test('a core that spins does not keep its stores to itself for ever', () => {
    const both = (name: string, own: string, other: string): string => `${name}:\nmovq $1, ${own}(%rip)\n${SPIN(other)}`;
    expect(check(both('P0', 'x', 'y') + both('P1', 'y', 'x'), ['P0', 'P1']).violations).toEqual([]);
  });

  test('two cores that SYNC each other with interrupts off never get an answer; with interrupts on they do', () => {
    // Each sends the IPI to the other and spins until the other's handler has counted down its word.
    const core = (name: string, own: string, interrupts: string): string =>
      `${name}:\n${interrupts}\nmovl $0x830, %ecx\nmovl $0xc40f8, %eax\nxorl %edx, %edx\nwrmsr\n2:\npause\ncmpl $0, ${own}(%rip)\nje 2b\nsti\njmp cpu_idle\n`;
    const run = (interrupts: string) => {
      const image = guestImage(
        `${core('P0', 'x', interrupts)}${core('P1', 'y', interrupts)}handler:\npushq %rax\npushq %rcx\npushq %rdx\nmovl %gs:0, %eax\ntestl %eax, %eax\njz 3f\nmovl $1, x(%rip)\njmp 4f\n3:\nmovl $1, y(%rip)\n4:\nmovl $0x80b, %ecx\nxorl %eax, %eax\nxorl %edx, %edx\nwrmsr\npopq %rdx\npopq %rcx\npopq %rax\niretq\n`,
        { x: 0, y: 0 },
      );
      return wholeGraph(() => {
        const world = guestWorld(image, 2, { memory: 'tso', fetch: 'coherent' });
        world.checkers.push(death);
        world.lab.setGate(world.lab.abi('SYNC_CORE_VECTOR'), 'handler', { type: 'interrupt' });
        for (const n of [0, 1]) world.add({ core: n, entry: `P${n}` });
        return world;
      }).outcome;
    };
    expect(run('cli').violations).toMatchObject([{ check: 'I13' }]);
    expect(run('nop').violations).toEqual([]);
  });

  test('a core that halts with interrupts off and work left is a deadlock of its waiter', () => {
    // P0 waits for P1, which has gone to sleep for good: nothing but P0's spin can ever happen.
    const { violations } = check(`P0:\n${SPIN('x')}P1:\ncli\nhlt\nmovq $1, x(%rip)\njmp cpu_idle\n`, ['P0', 'P1']);
    expect(violations).toMatchObject([{ check: 'I13' }]);
  });

  test('a patcher that waits for what nobody does is a deadlock', () => {
    const outcome = wholeGraph(() => {
      const world = guestWorld(lab, 1, { memory: 'tso', fetch: 'coherent' });
      const address = world.lab.symbol('sync_pending');
      world.add({
        core: 0,
        entry: 'patcher_stub',
        *patcher() {
          yield { do: 'wait', address, bytes: 4, value: 1n, what: 'sync_pending' };
        },
      });
      return world;
    }).outcome;
    expect(outcome.violations).toMatchObject([{ check: 'I13' }]);
    expect(outcome.violations[0]?.message).toContain('patcher_stub');
  });

  test('a guest that loops without any visible operation is reported, not waited for', () => {
    const { violations } = check('P0:\n1:\nincq %rax\njmp 1b\nP1:\nmovq $1, x(%rip)\njmp cpu_idle\n', ['P0', 'P1']);
    expect(violations).toMatchObject([{ check: 'I13', core: 0 }]);
    expect(violations[0]?.message).toContain('P0');
  });
});

describe('budgets', () => {
  const searches: readonly ExploreOptions[] = [{ search: 'stateful' }, { search: 'ladder' }, { search: 'pct', schedules: 10 }];

  test.each(searches)('one step of $search is inconclusive', (options) => {
    const result = explore(maker('F1', 'final-sync'), { ...options, budget: { maxSteps: 1 } });
    expect(result.verdict).toBe('inconclusive');
    expect(result.coverage.kind).not.toBe('exhaustive');
    expect(result.stopped).toContain('step budget of 1');
  });

  test.each(searches)('a stop of $search from outside is inconclusive, with its reason', (options) => {
    const result = explore(maker('F1', 'final-sync', { ...CELL, victims: 2 }), {
      ...options,
      preemptions: 9,
      budget: { stop: () => 'somebody pulled the plug' },
    });
    expect(result).toMatchObject({ verdict: 'inconclusive', stopped: 'somebody pulled the plug' });
    expect(result.coverage.kind).not.toBe('exhaustive');
  });

  test('every budget that is too small is inconclusive, and the first that is enough is ok', () => {
    const full = explore(maker('F1', 'final-sync', { victims: 1, fetch: 'coherent', memory: 'sc' }));
    expect(full).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' } });
    for (const maxSteps of [2, 10, full.counts.transitions]) {
      expect(explore(maker('F1', 'final-sync', { victims: 1, fetch: 'coherent', memory: 'sc' }), { budget: { maxSteps } }).verdict).toBe(
        'inconclusive',
      );
    }
    expect(
      explore(maker('F1', 'final-sync', { victims: 1, fetch: 'coherent', memory: 'sc' }), {
        budget: { maxSteps: full.counts.transitions + 1 },
      }).verdict,
    ).toBe('ok');
  });

  test('a ladder that ends at its bound names it', () => {
    const result = explore(maker('F1', 'final-sync'), { search: 'ladder', preemptions: 1 });
    expect(result.coverage).toEqual({ kind: 'bounded', bounds: ['preemptions <= 1'] });
  });

  test('a violation found before the budget ends counts', () => {
    const full = explore(maker('F1', 'no-final-sync'));
    expect(full.verdict).toBe('violation');
    expect(explore(maker('F1', 'no-final-sync'), { budget: { maxSteps: 50_000 } }).verdict).toBe('violation');
  });
});

describe('an OK needs witnesses', () => {
  /** The correct protocol, but the victims never call the site. */
  const idle = (): World => {
    const world = scenarioOf('F1').build(lab, 'final-sync', CELL);
    world.lab.configure({ calls: 0 });
    return world;
  };

  test('victims that never call make it vacuous, and it says what is missing', () => {
    const result = explore(idle);
    expect(result.verdict).toBe('vacuous');
    expect(result.missingWitnesses).toEqual(['old bytes executed', '#BP handled and emulated', 'new bytes executed']);
  });

  test('only what is wanted is missed', () => {
    expect(explore(() => Object.assign(idle(), { wantedWitnesses: [] })).verdict).toBe('ok');
  });

  test('a search of the correct protocol sees all of them', () => {
    const world = maker('F1', 'final-sync')();
    world.begin(explore(maker('F1', 'final-sync')).knowledge);
    expect(world.witnessed.size).toBe(0);
    searchStates(world);
    expect([...world.witnessed].sort()).toEqual(['#BP handled and emulated', 'new bytes executed', 'old bytes executed']);
  });
});
