import { describe, expect, test } from 'vitest';
import { searchDpor } from '../../src/explore/dpor/search.ts';
import { explore, learn } from '../../src/explore/explore.ts';
import { onTable } from '../../src/explore/on-table.ts';
import { searchReduced, searchTable } from '../../src/explore/table/search.ts';
import type { StateVector, TransitionSystem } from '../../src/explore/table/system.ts';
import type { TransitionTable } from '../../src/explore/table/table.ts';
import { disagreements, type Findings, sentenceOf } from '../../src/explore/twin.ts';
import { vectorKey } from '../../src/explore/vector.ts';
import type { Violation } from '../../src/explore/violation.ts';
import type { World } from '../../src/explore/world.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { type Cell, imageOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';
import { brokenDiamonds } from './dpor/diamonds.ts';
import { reachableStates } from './reachable.ts';

const violation = (check: Violation['check'], cause?: Violation['cause']): Violation => ({
  check,
  ...(cause === undefined ? {} : { cause }),
  message: '',
  core: 0,
  rip: 0n,
});
const findings = (violations: Violation[], ends: Record<string, number[]> = {}): Findings => ({
  violations: violations.map((v) => ({ violation: v, answers: [1, 2] })),
  ends: new Map(Object.entries(ends)),
  complete: true,
});

describe('two searches disagree', () => {
  const sentences = (a: Findings, b: Findings): string[] =>
    disagreements(a, b).map((d) => sentenceOf(d, d.answers && `tp1_${d.answers.join('')}`));

  test('about a violation, by check and cause', () => {
    const [nothing, another] = [violation('I1', 'nothing-in-progress'), violation('I1', 'another-modification')];
    expect(sentences(findings([nothing]), findings([nothing]))).toEqual([]);
    expect(sentences(findings([nothing]), findings([]))).toEqual(['only the search over states found I1 nothing-in-progress (tp1_12)']);
    expect(sentences(findings([nothing]), findings([nothing, another]))).toEqual([
      'only the search over orders found I1 another-modification (tp1_12)',
    ]);
  });

  test('about an end', () => {
    expect(sentences(findings([], { '0,1': [0] }), findings([], { '0,1': [3] }))).toEqual([]);
    expect(sentences(findings([], { '0,1': [0], '2': [4] }), findings([], { '0,1': [0] }))).toEqual([
      'only the search over states found the end of tp1_4',
    ]);
    const [one] = disagreements(findings([]), findings([], { '0,7': [] }));
    expect(sentenceOf(one!, undefined)).toBe('only the search over orders found the end 0,7');
  });

  test('about nothing that one of them did not get to', () => {
    const [all, some] = [findings([violation('I1')], { '1': [0] }), { ...findings([violation('I2')]), complete: false }];
    expect(sentences(all, some)).toEqual(['only the search over orders found I2 (tp1_12)']);
  });

  test('about a livelock only where both would see it', () => {
    const livelock = violation('I13', 'livelock');
    expect(sentences(findings([livelock]), findings([]))).toEqual([]);
    expect(sentences(findings([violation('I2')]), findings([violation('I2'), livelock]))).toEqual([]);
    expect(sentences(findings([]), findings([livelock]))).toHaveLength(1);
  });
});

/** Of each family what one victim makes few orders of. Those with no victim have one core that is interrupted. */
const SMALL: readonly [scenario: string, variant: string][] = [
  ['ftrace/late-handler', 'error-path-no-sync'],
  ['ftrace/late-handler', 'no-final-sync'],
  ['ftrace/late-handler', 'final-sync'],
  ['ftrace/treat-as-nop', 'skip'],
  ['ftrace/treat-as-nop', 'emulate-call'],
  ['ftrace/call-emulation', 'no-gap-rsp8'],
  ['ftrace/per-cpu-scratch', 'late-sti'],
  ['ftrace/ops-func-mismatch', 'static.direct'],
  ['ftrace/unregister-dynamic-ops', 'tasks.idle'],
  ['ftrace/ghost-int3', 'die'],
  ['ftrace/direct-calls', 'modify.displacement'],
  ['ftrace/function-graph', 'nmi.index-before-entry'],
  ['ftrace/recursion', 'no-transition-bit.nmi-entry'],
  ['kprobes/interrupt-in-step', 'fault'],
  ['kprobes/watchpoint-in-entry', 'dr7-left-on'],
  ['livepatch/nmi-in-window', 'lw0'],
  ['livepatch/irq-enter-in-window', 'lw1-prove-rcu'],
  ['livepatch/warn', 'lw3'],
  ['tracepoint/higher-priority', 't0-fast'],
  ['tracepoint/text-poke-syncs', 't4-no-sync'],
];
const cellOf = (name: string, fetch: Cell['fetch'] = 'intel-sdm', memory: Cell['memory'] = 'tso'): Cell => ({
  victims: scenarioOf(name).scope === 'one-core' ? 0 : 1,
  fetch,
  memory,
});
const makerOf =
  (name: string, variant: string, cell: Cell): (() => World) =>
  () =>
    scenarioOf(name).build(imageOf(scenarioOf(name), builtFixture), variant, cell);

describe('all states and all orders agree about violations and ends', () => {
  const runner = new CellRunner(builtFixture);

  test.each(SMALL)('%s %s', (name, variant) => {
    const scenario = scenarioOf(name);
    const cells = [cellOf(name), cellOf(name, 'coherent', 'sc'), cellOf(name, 'amd-apm')];
    for (const cell of cells) {
      for (const reduce of [false, true]) {
        const settings = { search: 'twin', reduce, shrink: false } as const;
        const twin = runner.run(scenario, scenario.variants.find((v) => v.name === variant)!, cell, settings);
        expect(twin.stopped).toBeUndefined();
        expect(['exhaustive', 'bounded']).toContain(twin.coverage.kind);
        expect(twin.executions?.complete).toBeGreaterThan(0);
        expect(twin.verdict).toBe(twin.expected);
      }
    }
  });

  test('in a world with an instruction cache', () => {
    const twin = explore(makerOf('ftrace/call-emulation', 'gap-rsp0', cellOf('ftrace/call-emulation', 'icache')), { search: 'twin' });
    expect(twin).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' }, stopped: undefined });
  });

  test('the search over orders alone comes to the same verdict, and its counterexample is one', () => {
    for (const [name, variant] of [
      ['F1', 'final-sync'],
      ['F1', 'no-final-sync'],
      ['F3', 'skip'],
    ] as const) {
      const make = makerOf(name, variant, cellOf(name));
      const [states, orders] = [explore(make), explore(make, { search: 'dpor' })];
      expect(orders.verdict).toBe(states.verdict);
      expect(orders.counterexample?.violation.check).toBe(states.counterexample?.violation.check);
      expect(orders.counts.states).toBe(0);
      expect(orders.executions?.complete).toBeGreaterThan(0);
    }
  });

  test('a budget that ends the search over orders is said', () => {
    const twin = explore(makerOf('F1', 'final-sync', cellOf('F1')), { search: 'twin', budget: { maxSteps: 1000 } });
    expect(twin).toMatchObject({ verdict: 'inconclusive', stopped: 'search over orders: step budget of 1000 spent' });
  });
});

function onTableOf<T>(name: string, variant: string, fetch: Cell['fetch'], use: (table: TransitionTable) => T): T {
  const make = makerOf(name, variant, cellOf(name, fetch));
  return onTable(make, learn(make), use)!.result;
}

describe('a third opinion: every state by its exact name, with no reduction', () => {
  test.each([
    ['ftrace/next-modification', 'seqcount-recheck'],
    ['ftrace/unregister-dynamic-ops', 'early-exit'],
    ['ftrace/trampoline-lifetime', 'no-wait'],
    ['tracepoint/old-function', 't4'],
    ['text-poke/stale-translation', 'generation'],
    ['kprobes/optprobe-preemption', 'no-wait'],
  ])('%s %s', (name, variant) => {
    onTableOf(name, variant, 'intel-sdm', (table) => {
      const all = reachableStates(table);
      for (const search of [searchTable, searchReduced]) {
        table.state.fill(0, 0, table.slots);
        const ends = new Set<string>();
        const found = search(table, { symmetry: false, wholeGraph: true, onEnd: (state) => void ends.add(vectorKey(state)) });
        const kinds = (violations: readonly Violation[]): Set<string> => new Set(violations.map((v) => `${v.check} ${v.cause}`));
        expect(ends).toEqual(new Set(all.ends.keys()));
        expect(kinds(found.violations)).toEqual(kinds(all.violations));
        if (search === searchTable) expect(found.counts.states).toBe(all.counts.states);
      }
    });
  });
});

describe('what a table says about places', () => {
  test.each([
    ['ftrace/late-handler', 'guest-no-final-sync'],
    ['ftrace/next-modification', 'per-site-records'],
    ['ftrace/unregister-dynamic-ops', 'early-exit'],
    ['tracepoint/higher-priority', 't1-trampoline'],
    ['tracepoint/stale-data', 't0-fast'],
    ['text-poke/stale-translation', 'unlocked'],
  ])('%s %s: transitions commute unless one writes what the other reads', (name, variant) => {
    for (const fetch of ['coherent', 'intel-sdm', 'icache'] as const) {
      const { broken, pairs } = onTableOf(name, variant, fetch, (table) => brokenDiamonds(table, 2000));
      expect(broken).toEqual([]);
      expect(pairs).toBeGreaterThan(10);
    }
  });

  test.each([
    ['ftrace/late-handler', 'guest-no-final-sync'],
    ['text-poke/stale-translation', 'unlocked'],
  ])('%s %s: a read that is kept back is found out', (name, variant) => {
    const missed = onTableOf(name, variant, 'coherent', (table) => {
      const all = reachableStates(table);
      const misses = (system: TransitionSystem): boolean => {
        try {
          const { violations, ends } = searchDpor(system, { wholeGraph: true });
          return violations.length < all.violations.length || ends.size < all.ends.size;
        } catch (error) {
          return error instanceof RangeError;
        }
      };
      expect(misses(table)).toBe(false);
      return Array.from({ length: table.slots }, (_, place) => place).filter((place) => misses(withoutRead(table, place)));
    });
    expect(missed.length).toBeGreaterThan(2);
  });
});

/** A system whose transitions do not say that they read a place, unless they write it. */
function withoutRead(system: TransitionSystem, place: number): TransitionSystem {
  const known = new Map<object, object>();
  const hide = <T extends { readonly reads: Int32Array; readonly writes?: Int32Array }>(of: T): T => {
    const reads = of.reads.filter((p) => p !== place || of.writes?.includes(p) === true);
    const hidden = known.get(of) ?? Object.assign(Object.create(of), { reads });
    known.set(of, hidden);
    return hidden as T;
  };
  return {
    get slots() {
      return system.slots;
    },
    start: () => system.start(),
    next: (state: StateVector) => system.next(state).map(hide),
    waiting: (state: StateVector) => system.waiting(state).map(hide),
    after: (state, transition) => system.after(state, transition),
    end: (state) => system.end(state),
  };
}
