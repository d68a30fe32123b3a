import { describe, expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import type { Operation } from '../../src/patch/operation.ts';
import type { SiteWriter } from '../../src/patch/site-writer.ts';
import { StaticCall } from '../../src/patch/static-call.ts';
import {
  TRACEPOINT_RULES,
  Tracepoint,
  type TracepointFunc,
  type TracepointSwitches,
  type TracepointVersion,
  TransitionSnapshots,
} from '../../src/patch/tracepoint.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { type Cell, imageOf, variantOf } from '../../src/scenario/scenario.ts';
import { tracepoint } from '../../src/scenario/tracepoint/index.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);
const CELL: Cell = { victims: 1, fetch: 'intel-sdm', memory: 'tso' };

const OK = { verdict: 'ok', coverage: { kind: 'exhaustive' } };
const violates = (check: string) => ({ verdict: 'violation', counterexample: { violation: { check } } });

describe('each scenario finds what is wrong and settles what is right', () => {
  test.each([
    ['T-R1', 't0', 'I3', 't1'],
    ['T-R2', 't2', 'I3', 't4'],
    ['T-R2', 't4-srcu-waits-for-rcu', 'I3', 't3'],
    ['T-R3', 't0', 'I3', 't1'],
    ['T-R4', 't2', 'I3', 't4'],
    ['T-R5', 't2', 'I3', 't3'],
    ['T-R6', 't1-free', 'I5', 't2-free'],
    ['T-R8', 'goes-no-null-test', 'exception', 'goes'],
    ['tracepoint/shared-data', 't2-unload', 'I5', 't1-unload'],
    ['tracepoint/after-unregister', 't4-at-once', 'I4', 't4-last'],
    ['tracepoint/snapshots', 'keep-oldest', 'I3', 'two-three-two-one'],
  ])('%s: %s breaks %s, %s holds', (name, wrong, check, right) => {
    const scenario = scenarioOf(name);
    expect(runner.run(scenario, variantOf(scenario, wrong), CELL, { shrink: false })).toMatchObject(violates(check));
    expect(runner.run(scenario, variantOf(scenario, right), CELL)).toMatchObject(OK);
  });

  test('T-R7: without SYNC a stale call meets new data, and the sanitizer says so first where the manual promises nothing', () => {
    const scenario = scenarioOf('T-R7');
    const noSync = variantOf(scenario, 't4-no-sync');
    const run = (fetch: Cell['fetch']) => runner.run(scenario, noSync, { ...CELL, fetch }, { shrink: false });
    expect(run('coherent')).toMatchObject(OK);
    expect(run('amd-apm')).toMatchObject(violates('I3'));
    expect(run('intel-sdm')).toMatchObject(violates('code-race'));
    expect(runner.run(scenario, variantOf(scenario, 't4'), CELL)).toMatchObject(OK);
  });

  test('only T-R6 and its like are about lifetime: a pair that was registered is no mismatch', () => {
    const scenario = scenarioOf('T-R6');
    expect(runner.run(scenario, variantOf(scenario, 't1'), CELL)).toMatchObject(OK);
  });
});

describe('one store changes a site', () => {
  const scenario = scenarioOf('T-R2');
  const fast = variantOf(scenario, 't4-fast');

  test('AMD promises one of the two instructions', () => {
    expect(runner.run(scenario, fast, { ...CELL, fetch: 'amd-apm' })).toMatchObject(OK);
  });

  test('the SDM promises nothing', () => {
    expect(runner.run(scenario, fast, CELL, { shrink: false })).toMatchObject(violates('code-race'));
  });
});

test('sampling gets past a core that waits for two words', () => {
  const scenario = scenarioOf('T-R4');
  const image = imageOf(scenario, builtFixture);
  const result = explore(() => scenario.build(image, 't3', { ...CELL, memory: 'sc' }), { search: 'pct', schedules: 40, seed: 1 });
  expect(result).toMatchObject({ verdict: 'ok', coverage: { kind: 'sampled', schedules: 40 } });
});

describe('registration', () => {
  const [A, B, C] = [3n, 2n, 1n].map((n): TracepointFunc => ({ func: n, data: 0x10n + n, prio: Number(n) }));
  const ITERATOR = 0xffn;

  /** What the rules do, in words: publishing, the call site, the key, waiting. */
  function steps(
    version: TracepointVersion,
    initial: readonly (TracepointFunc | undefined)[],
    change: { add?: TracepointFunc | undefined; remove?: TracepointFunc | undefined }[],
    switches: TracepointSwitches = {},
  ): string {
    const order: string[] = [];
    const before = initial.filter((p) => p !== undefined);
    const layout = { func: 0, data: 8, prio: 16, size: 24 };
    const name = (func: bigint): string => (func === ITERATOR ? 'iterator' : (['', 'c', 'b', 'a'][Number(func)] as string));
    // biome-ignore lint/correctness/useYield: a writer that only takes notes
    const write: SiteWriter = function* ({ name: site, bytes }) {
      if (site === 'key') order.push(bytes[0] === 0xe9 ? 'key on' : 'key off');
      else order.push(`site ${name(BigInt(site.slice(4)))}`);
    };
    const key = { name: 'call', initial: before.length === 1 ? (before[0] as TracepointFunc).func : ITERATOR, sites: [] };
    const call = new StaticCall(key, write);
    const update = call.update.bind(call);
    call.update = function* (func) {
      if (func !== call.func) order.push(`site ${name(func)}`);
      yield* update(func);
    };
    const plan = {
      name: 'tp',
      funcs: 0x1000n,
      iterator: ITERATOR,
      branch: { site: 0n, name: 'key', off: Uint8Array.of(0x0f), on: Uint8Array.of(0xe9) },
      layout,
      arrays: [0x100n, 0x200n, 0x300n, 0x400n],
      initial: before,
    };
    const snapshots = new TransitionSnapshots({ synchronize: 1n, getState: 2n, condSync: 3n });
    const tp = new Tracepoint(plan, TRACEPOINT_RULES[version], { call, write, snapshots }, switches);
    for (const { add, remove } of change) {
      const part = add === undefined ? tp.remove(remove as TracepointFunc) : tp.add(add);
      for (let next = part.next(); next.done !== true; next = part.next(7n)) {
        const op: Operation = next.value;
        if (op.do === 'call') order.push(['', 'wait', 'snapshot', 'cond_sync'][Number(op.address)] as string);
        if (op.do === 'store' && op.address === plan.funcs) order.push(op.value === 0n ? 'array NULL' : 'array');
      }
    }
    return order.join(', ');
  }

  test.each<
    [
      string,
      TracepointVersion,
      (TracepointFunc | undefined)[],
      { add?: TracepointFunc | undefined; remove?: TracepointFunc | undefined }[],
      string,
    ]
  >([
    ['0->1', 'T0', [], [{ add: A }], 'array, site a, key on'],
    ['0->1', 'T1', [], [{ add: A }], 'site a, array, key on'],
    ['0->1', 'T4', [], [{ add: A }], 'site a, array, key on'],
    ['1->2', 'T0', [B], [{ add: A }], 'array, site iterator'],
    ['1->2', 'T1', [B], [{ add: A }], 'site iterator, array'],
    ['1->2, element 0 changes', 'T4', [B], [{ add: A }], 'site iterator, array, snapshot'],
    ['1->2, element 0 stays', 'T4', [B], [{ add: C }], 'site iterator, array'],
    ['2->3, element 0 changes', 'T4', [B, C], [{ add: A }], 'array, snapshot'],
    ['1->0', 'T0', [A], [{ remove: A }], 'key off, array NULL'],
    ['1->0', 'T3', [A], [{ remove: A }], 'key off, site iterator, array NULL, wait'],
    ['1->0', 'T4', [A], [{ remove: A }], 'key off, site iterator, array NULL, snapshot'],
    ['1->0->1', 'T4', [A], [{ remove: A }, { add: B }], 'key off, site iterator, array NULL, snapshot, cond_sync, site b, array, key on'],
    ['2->1, element 0 changes', 'T2', [A, B], [{ remove: A }], 'array, wait, site b'],
    ['2->1, element 0 stays', 'T2', [A, B], [{ remove: B }], 'array, site a'],
    ['2->1, element 0 stays', 'T3', [A, B], [{ remove: B }], 'array, wait, site a'],
    ['2->1, element 0 changes', 'T4', [A, B], [{ remove: A }], 'array, snapshot, cond_sync, site b'],
    ['2->1, element 0 stays, no snapshot', 'T4', [A, B], [{ remove: B }], 'array, site a'],
    ['3->2->1', 'T4', [A, B, C], [{ remove: A }, { remove: C }], 'array, snapshot, array, cond_sync, site b'],
    ['3->2->1', 'T2', [A, B, C], [{ remove: A }, { remove: C }], 'array, array, site b'],
  ])('%s by %s', (_, version, initial, change, expected) => {
    expect(steps(version, initial, change)).toBe(expected);
  });

  test('a probe that is not registered is refused', () => {
    expect(() => steps('T4', [A, B], [{ remove: C }])).toThrow(RangeError);
  });

  test.each<[string, TracepointSwitches, string]>([
    ['beforePublishing', { beforePublishing: true }, 'snapshot, array, array, cond_sync, site b'],
    ['condSyncLate', { condSyncLate: true }, 'array, snapshot, array, site b, cond_sync'],
    ['skip', { skip: 'N->N-1' }, 'array, array, site b'],
    ['forget', { forget: true }, 'array, snapshot, array, site b'],
  ])('3->2->1 with %s', (_, switches, expected) => {
    expect(steps('T4', [A, B, C], [{ remove: A }, { remove: C }], switches)).toBe(expected);
  });
});

test('each mutant is one of a variant that is found, and every scenario has a variant that holds', () => {
  for (const scenario of tracepoint) {
    for (const v of scenario.variants.filter((x) => x.mutant !== undefined))
      expect(v.expected, `${scenario.name} ${v.name}`).toBe('violation');
    expect(
      scenario.variants.some((v) => v.expected === 'ok'),
      scenario.name,
    ).toBe(true);
  }
});
