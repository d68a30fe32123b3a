import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { options } from '../../src/explore/path.ts';
import type { World, WorldEvent } from '../../src/explore/world.ts';
import { type Choice, perform } from '../../src/machine/choices.ts';
import type { Core } from '../../src/machine/core.ts';
import { icachePolicy } from '../../src/machine/policy/icache.ts';
import { FETCH_POLICY_NAMES, fetchPolicy, TEACHING_POLICIES } from '../../src/machine/policy/index.ts';
import type { AnyFetchPolicy } from '../../src/machine/policy/policy.ts';
import { outcomesOf } from './code-litmus.ts';
import { CODE_TESTS } from './code-tests.ts';
import { guestWorld } from './guest.ts';
import { CACHES, type CodeProgram, codePrograms, endsOf, programImage } from './icache-programs.ts';

const contains = (large: readonly string[], small: readonly string[]): boolean => small.every((line) => large.includes(line));

describe('an instruction cache does what the manual allows, and all that coherent fetch does', () => {
  test.each(CODE_TESTS)('$name', (code) => {
    const [coherent, cached, manual] = (['coherent', 'icache', 'intel-sdm'] as const).map((fetch) =>
      outcomesOf(code, { memory: 'tso', fetch }),
    ) as [string[], string[], string[]];
    expect(cached).toEqual(expect.arrayContaining(coherent));
    expect(manual).toEqual(expect.arrayContaining(cached));
    expect(cached).toEqual(expect.arrayContaining(outcomesOf(code, { memory: 'sc', fetch: 'icache' })));
  });

  test('it is neither of them: it runs what is stale, a line as a whole, and never what a serializing event forbids', () => {
    const verdicts = (name: string): boolean[] => {
      const code = CODE_TESTS.find((c) => c.name === name)!;
      return ['coherent', 'icache', 'intel-sdm'].map((fetch) =>
        outcomesOf(code, { memory: 'tso', fetch }).some((line) => code.outcome(JSON.parse(line))),
      );
    };
    expect(verdicts('XMC.MP.RF')).toEqual([false, true, true]);
    expect(verdicts('XMC.SM.alias')).toEqual([false, true, true]);
    expect(verdicts('XMC.MP.RF+cpuid')).toEqual([false, false, false]);
    expect(verdicts('XMC.TORN.8B')).toEqual([false, false, true]);
    expect(verdicts('XMC.CoFF')).toEqual([false, false, true]);
  });

  const between = (spoil?: (world: World) => void): fc.IProperty<[CodeProgram, AnyFetchPolicy, 'sc' | 'tso']> =>
    fc.property(codePrograms, fc.constantFrom(...CACHES), fc.constantFrom('sc', 'tso'), (program, cache, memory) => {
      const cached = endsOf(program, cache, memory, spoil);
      return contains(cached, endsOf(program, 'coherent', memory)) && contains(endsOf(program, 'intel-sdm', memory), cached);
    });

  test('random programs that write code, in caches of several sizes', () => {
    fc.assert(between(), { numRuns: 60, seed: 20190501 });
  });

  const mutants: readonly (readonly [string, (world: World) => void])[] = [
    ['a serializing event that forgets what is on its way', without('serialize')],
    ['a store that sends nothing', without('committed')],
    ['a line that holds something else', spoilLines],
  ];
  test.each(mutants)('the same programs find %s', (_, spoil) => {
    expect(fc.check(between(spoil), { numRuns: 60, seed: 20190501, endOnFailure: true }).failed).toBe(true);
  });
});

/** Breaks the caches of a world: something that happens to them is forgotten. */
function without(what: 'serialize' | 'committed' | 'takenBranch'): (world: World) => void {
  return (world) => void Object.assign(world.machine.icache!, { [what]: () => {} });
}

/** Breaks them in another way: every hit returns a NOP. */
function spoilLines(world: World): void {
  const { icache } = world.machine;
  Object.assign(icache!, {
    overlay: (core: Core, addresses: readonly number[], bytes: Uint8Array) => {
      if (icache!.missing(core, addresses).length === 0) bytes.fill(0x90);
    },
  });
}

/** A world that has begun, and what happens to its caches. */
function begun(program: CodeProgram, fetch: AnyFetchPolicy) {
  const world = guestWorld(programImage(program), program.length, { memory: 'tso', fetch });
  const events: string[] = [];
  world.onEvent = (event: WorldEvent) => {
    if (event.kind === 'icache') events.push(`CPU${event.core} ${name(event.line)} ${event.what}`);
  };
  const at = (n: number): number => world.lab.physical(world.lab.symbol(`site${n}`));
  const sites = program.join('\n').match(/[SWXO]\d/g) ?? [];
  for (const n of new Set(sites.map((s) => Number(s[1])))) world.machine.fetch.declarePatched(at(n), 2);
  const name = (line: number): string => `line ${[0, 1, 2].findIndex((n) => at(n) === line)}`;
  program.forEach((_, core) => world.add({ core, entry: `P${core}` }));
  world.begin();
  const offered = (core: number): string[] =>
    options(world, core)
      .filter((c) => c.core === core)
      .map((c) => ('line' in c ? `${c.kind} ${name(c.line)}` : c.kind));
  const make = (core: number, kind: Choice['kind'], line?: number): void => {
    const choice = options(world, core).find(
      (c) => c.core === core && c.kind === kind && (line === undefined || ('line' in c && c.line === at(line))),
    );
    if (choice === undefined) throw new Error(`CPU${core} is not offered ${kind}`);
    world.machine.mark();
    perform(world.machine, choice);
  };
  const [cpu0, cpu1] = world.machine.cores;
  return { world, machine: world.machine, at, events, offered, make, cpu0: cpu0!, cpu1: cpu1! };
}

const DEFAULT = fetchPolicy('icache');

describe('a cache, step by step', () => {
  test('a fetch fills it, a store makes it stale, its invalidation arrives', () => {
    const { machine, at, events, offered, make, cpu1 } = begun(
      ['W0', 'S0\nmovq flag(%rip), %r8\njmp 7b'],
      icachePolicy({ sets: 2, ways: 2, prefetch: 0 }),
    );
    expect(machine.icacheView(cpu1)).toEqual([]);
    make(1, 'step');
    const held = machine.icacheView(cpu1);
    expect(held).toEqual([{ address: at(0), set: (at(0) >> 6) % 2, bytes: machine.peek(at(0), 64).slice(), stale: [], pending: 'none' }]);
    expect(machine.icacheView(machine.cores[0]!)).toEqual([]);
    expect(offered(1)).toEqual(['step']);

    make(0, 'drain');
    expect(machine.icacheView(cpu1)).toEqual([{ ...held[0], stale: [1], pending: 'until serialized' }]);
    expect(machine.peek(at(0) + 1, 1)[0]).toBe(0x22);
    expect(offered(1)).toEqual(['step', 'invalidate line 0']);

    make(1, 'invalidate');
    expect(machine.icacheView(cpu1)).toEqual([]);
    expect(events).toEqual(['CPU1 line 0 filled', 'CPU1 line 0 invalidation sent', 'CPU1 line 0 invalidated']);
  });

  test('what is done to it is state, and is undone', () => {
    const { machine, make, cpu1 } = begun(['W0', 'S0'], DEFAULT);
    const before = machine.hash();
    const mark = machine.mark();
    make(1, 'prefetch');
    const filled = machine.hash();
    expect(filled).not.toBe(before);
    make(0, 'drain');
    make(1, 'invalidate');
    machine.rollback(mark);
    expect(machine.hash()).toBe(before);
    expect(machine.icacheView(cpu1)).toEqual([]);
    machine.mark();
    make(1, 'prefetch');
    expect(machine.hash()).toBe(filled);
  });

  test('the order in which lines came is no state', () => {
    const program = ['W0', 'nop\nmovq flag(%rip), %r8\nS0\nS1\nS2'];
    const cache = icachePolicy({ sets: 1, ways: 3, prefetch: 3 });
    const hashes = [
      [0, 1, 2],
      [2, 0, 1],
      [1, 2, 0],
      [0, 2],
    ].map((order) => {
      const { machine, cpu1, at } = begun(program, cache);
      machine.mark();
      for (const n of order) machine.icache!.fill(cpu1, at(n), 'prefetched');
      if (order.length === 3) machine.icache!.drop(cpu1, at(1), 'evicted');
      return machine.hash();
    });
    expect(new Set(hashes).size).toBe(1);
  });

  test('a full set makes room for what is fetched, and for nothing that is filled ahead', () => {
    const one = icachePolicy({ sets: 1, ways: 2, prefetch: 1 });
    const { machine, at, events, offered, make, cpu1 } = begun(['W0\nW1\nW2', 'S0\nS1\nS2\njmp 7b'], one);
    make(1, 'prefetch', 0);
    // The window reaches the next line, too.
    make(1, 'prefetch', 1);
    make(1, 'step');
    make(1, 'step');
    expect(offered(1)).toEqual(['evict line 0', 'evict line 1']);
    make(1, 'evict', 0);
    expect(offered(1)).toEqual(['step', 'prefetch line 2']);
    make(1, 'step');
    expect(machine.icacheView(cpu1).map((l) => l.address)).toEqual([at(1), at(2)]);
    expect(events.slice(2)).toEqual(['CPU1 line 0 evicted', 'CPU1 line 2 filled']);
  });

  test('own stores arrive with the next taken branch, through an alias when the core serializes', () => {
    const own = begun(['S0\nO0\nmovq flag(%rip), %r8\nmovq flag(%rip), %r8'], DEFAULT);
    own.make(0, 'step');
    own.make(0, 'drain');
    expect(own.machine.icacheView(own.cpu0).map((l) => l.pending)).toEqual(['until taken branch']);
    const alias = begun(['S0\nW0\nmovq flag(%rip), %r8'], DEFAULT);
    alias.make(0, 'step');
    alias.make(0, 'drain');
    expect(alias.machine.icacheView(alias.cpu0).map((l) => l.pending)).toEqual(['until serialized']);
  });

  test('a taken branch waits for own stores, and for those alone', () => {
    // The load is a place in the schedule: a branch right behind the store is not noticed.
    const twice = (store: string): CodeProgram => [
      'movq $1, flag(%rip)',
      `S0\n${store}\nmovq flag(%rip), %r8\nincl %ebp\ncmpl $2, %ebp\njne 7b\nxorl %ebp, %ebp`,
    ];
    const executed = (store: string, spoil?: (world: World) => void): string[] => [
      ...new Set(endsOf(twice(store), 'icache', 'sc', spoil).map((end) => end.split(' ').at(-1) as string)),
    ];
    expect(executed('O0')).toEqual(['1122']);
    expect(executed('O0', without('takenBranch'))).toEqual(['1111', '1122']);
    expect(executed('W0')).toEqual(['1111', '1122']);
  });

  test('policies without a cache hold nothing', () => {
    for (const name of FETCH_POLICY_NAMES) {
      const { machine, cpu1, offered } = begun(['W0', 'S0'], fetchPolicy(name));
      expect(machine.icache).toBeUndefined();
      expect(machine.icacheView(cpu1)).toEqual([]);
      expect(offered(1).every((kind) => kind === 'step')).toBe(true);
    }
  });
});

test('an instruction over two lines must fit', () => {
  for (const cache of [
    { sets: 1, ways: 1, prefetch: 1 },
    { sets: 0, ways: 2, prefetch: 1 },
    { sets: 5, ways: 4, prefetch: 1 },
    { sets: 2, ways: 1.5, prefetch: 1 },
    { sets: 2, ways: 2, prefetch: -1 },
  ])
    expect(() => icachePolicy(cache)).toThrow(RangeError);
  expect(TEACHING_POLICIES.map((p) => p.name)).toEqual(['icache']);
  expect(FETCH_POLICY_NAMES).not.toContain('icache');
});
