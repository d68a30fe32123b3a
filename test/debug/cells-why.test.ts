import { describe, expect, test } from 'vitest';
import { whyOf } from '../../src/debug/show-race.ts';
import { difference, holdingSiblings, saySiblings } from '../../src/debug/siblings.ts';
import type { Why } from '../../src/debug/why.ts';
import { countRuns } from '../../src/explore/share.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { type Cell, variantOf } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);
const CELL: Cell = { victims: 1, fetch: 'intel-sdm', memory: 'tso' };

function why(name: string, variantName: string, cell: Partial<Cell> = {}): Why {
  const scenario = scenarioOf(name);
  const variant = variantOf(scenario, variantName);
  const result = runner.run(scenario, variant, { ...CELL, ...cell });
  if (result.counterexample === undefined) throw new Error(`${name} ${variantName} holds`);
  return whyOf(runner, result, result.counterexample).why;
}

/** Step numbers depend on which of the shortest counterexamples the search found. */
const plain = (sentences: readonly string[]): string[] => sentences.map((s) => s.replaceAll(/ \(@\d+\)/g, ''));

describe('which orders decide', () => {
  test.each<Partial<Cell>>([{}, { victims: 2 }, { memory: 'sc' }])(
    'F1 %o: the counter goes down before the handler reads it, and nothing else',
    (cell) => {
      const { each, by, needs } = why('F1', 'no-final-sync', cell);
      expect(by).toBe('graph');
      expect(plain(each)).toEqual([`CPU0's modifying_ftrace_code = 0 came before CPU1's read of it`]);
      expect(needs).toMatch(/breaks under SC and coherent fetch: no store buffer, no stale fetch$/);
    },
  );

  test('F1 with coherent fetch: the INT3 must be fetched before it goes, too', () => {
    const { each, orders } = why('F1', 'no-final-sync', { fetch: 'coherent' });
    expect(each).toHaveLength(2);
    expect(orders).toEqual([expect.stringMatching(/^CPU1 fetched cc .* with no SYNC in between, then CPU1 read it/)]);
  });

  test('F1 through a trap gate: the same order, though the SYNC is there', () => {
    expect(plain(why('F1', 'trap-gate').each)).toEqual([`CPU0's modifying_ftrace_code = 0 came before CPU1's read of it`]);
  });

  test('F2: one global changes; with head and tail the two reads lie around it', () => {
    expect(plain(why('F2', 'unprotected').each)).toEqual([`CPU0's ftrace_update_ip = ftrace_regs_call came before CPU1's read of it`]);
    const { each, orders } = why('F2', 'seqcount');
    expect(plain(each)).toEqual([
      `CPU0's ftrace_tail = 1 came before CPU1's read of it`,
      `CPU1's read of ftrace_head came before CPU0 set it to 2`,
    ]);
    expect(orders).toEqual(each);
  });

  test('T-R5: orders that follow from the SYNC that went between them', () => {
    const { explanation, orders } = why('T-R5', 't1-fast');
    expect(explanation?.essential.length).toBeGreaterThan(1);
    expect(plain(orders)[0]).toMatch(/^CPU1 read sched_switch_funcs, CPU0 did .* then CPU1 fetched e8/);
  });

  test('the nearest run that passes does, and differs only where it was still open', () => {
    const { passing, explanation, trace } = why('F1', 'no-final-sync');
    const shared = explanation!.passing!.shared;
    expect(passing?.violations).toEqual([]);
    expect(explanation?.inevitable).toBe(shared);
    expect(passing?.steps.slice(0, shared)).toEqual(trace.steps.slice(0, shared));
    expect(passing?.steps[shared]).not.toEqual(trace.steps[shared]);
  });

  test('paths are those that the search counts', () => {
    const scenario = scenarioOf('F1');
    const { explanation } = why('F1', 'no-final-sync');
    const make = runner.maker(scenario, 'no-final-sync', CELL);
    const counted = countRuns(make, runner.learned(scenario, 'no-final-sync', { victims: 1 }));
    expect(counted).toMatchObject({
      kind: 'counted',
      all: explanation?.curve()?.[0]?.all,
      violating: explanation?.curve()?.[0]?.violating,
    });
  });
});

describe('who waits for what', () => {
  test.each([
    ['B04', 'test-other-count', /^CPU0 waits at patcher_stub\S* for text_poke_array_refs\[1\]/],
    ['B35', 'no-check', /^CPU1 waits at klp_ftrace_handler\S* for .*by CPU0 @\d+/],
    ['U-4b', 'atomic-unchecked', /^CPU0 waits at synchronize_rcu\S* for /],
  ])('%s %s', (name, variant, says) => {
    const { orders, text } = why(name, variant);
    expect(orders[0]).toMatch(says);
    expect(text).toMatch(/^why {3}CPU\d waits at /);
  });

  test('nobody waits where something else broke', () => {
    expect(why('F1', 'no-final-sync').text).not.toContain('waits');
  });
});

describe('what is missing', () => {
  const missing = (name: string, variant: string, cell: Cell = CELL) =>
    saySiblings(holdingSiblings(runner, scenarioOf(name), variantOf(scenarioOf(name), variant), cell));

  test('a variant that differs by one switch and holds', () => {
    expect(missing('F1', 'no-final-sync')).toBe('holds in variant final-sync: SYNC after the last store, interrupt gate');
    expect(missing('F1', 'guest-no-final-sync')).toBe(
      'holds in variant guest-final-sync: the patcher is guest code in C, SYNC after the last store',
    );
    expect(missing('F1', 'no-final-sync', { ...CELL, victims: 7 })).toMatch(/^is recorded to hold in variant final-sync/);
  });

  test('variants that hold themselves, or differ by more, are no answer', () => {
    const scenario = scenarioOf('F1');
    const [a, b] = ['guest-no-final-sync', 'final-sync'].map((name) => variantOf(scenario, name));
    expect(difference(a!, b!)).toBe(2);
    expect(difference(a!, a!)).toBe(0);
    expect(difference({ name: 'a', fail: { sync: true, x: 1 } }, { name: 'b', fail: { sync: false, x: 1 } })).toBe(1);
    expect(saySiblings([])).toBeUndefined();
  });
});
