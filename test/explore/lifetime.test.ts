import { describe, expect, test } from 'vitest';
import { lifetimeChecker } from '../../src/explore/checkers/lifetime.ts';
import { explore } from '../../src/explore/explore.ts';
import type { World } from '../../src/explore/world.ts';
import type { Operation } from '../../src/patch/operation.ts';
import { addTasks, kernelWorld } from '../../src/scenario/kernel-world.ts';
import type { Cell } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

type Call = readonly [what: string, ...args: number[]];

/** Core 0 makes the calls one after the other, a victim runs `use`; the whole graph. */
function run(
  use: string | undefined,
  calls: readonly Call[],
  more: { readonly cell?: Partial<Cell>; readonly switches?: Readonly<Record<string, number>> } = {},
) {
  const cell: Cell = { victims: use === undefined ? 0 : 1, fetch: 'intel-sdm', memory: 'tso', ...more.cell };
  return explore(
    (): World => {
      const world = kernelWorld(builtFixture('small-world'), cell);
      const { lab } = world;
      lab.configure(more.switches ?? {});
      world.add({
        core: 0,
        entry: 'patcher_stub',
        *patcher() {
          for (const [what, ...args] of calls)
            yield { do: 'call', address: lab.symbol(what), args: args.map(BigInt), what } satisfies Operation;
        },
      });
      if (use !== undefined) {
        addTasks(world, cell, [use]);
        world.wantedWitnesses = ['used'];
      }
      return world;
    },
    { shrink: false, prefer: { check: 'I5' } },
  );
}

const WAIT = 1;
const AT_ONCE = 0;
const make: Call = ['lifetime_make', 16];
const OK = { verdict: 'ok', coverage: { kind: 'exhaustive' }, missingWitnesses: [] };
const found = (message: string) => ({ verdict: 'violation', counterexample: { violation: { check: 'I5', core: 1, message } } });

describe('a core uses what another frees', () => {
  test.each([
    ['lifetime_load', 'CPU1 reads slab, which has been freed'],
    ['lifetime_load_part', 'CPU1 reads slab+0xc, which has been freed'],
    ['lifetime_store', 'CPU1 writes slab, which has been freed'],
  ])('%s is found', (use, message) => {
    const freed = run(use, [make, ['lifetime_free', AT_ONCE]]);
    expect(freed).toMatchObject(found(message));
    expect(run(use, [make, ['lifetime_free', WAIT]])).toMatchObject(OK);
  });

  test('a locked change is found', () => {
    expect(run('lifetime_change', [make, ['lifetime_free', AT_ONCE]])).toMatchObject({
      counterexample: { violation: { check: 'I5', core: 1 } },
    });
    expect(run('lifetime_change', [make, ['lifetime_free', WAIT]])).toMatchObject(OK);
  });

  test.each(['coherent', 'zen3', 'amd-apm', 'intel-sdm'] as const)('a fetch of freed text is found under %s', (fetch) => {
    const cell = { fetch };
    expect(run('lifetime_call', [['lifetime_free_module', AT_ONCE]], { cell })).toMatchObject(
      found('CPU1 executes at lifetime_module, which has been freed'),
    );
    expect(run('lifetime_call', [['lifetime_free_module', WAIT]], { cell })).toMatchObject(OK);
  });

  test('also where freed objects keep their bytes', () => {
    const switches = { slab_poison: 0 };
    expect(run('lifetime_load', [make, ['lifetime_free', AT_ONCE]], { switches })).toMatchObject(
      found('CPU1 reads slab, which has been freed'),
    );
    expect(run('lifetime_load', [make, ['lifetime_free', WAIT]], { switches })).toMatchObject(OK);
  });
});

describe('what is allowed', () => {
  test('memory that was freed and is taken again', () => {
    const switches = { slab_reuse: 1 };
    expect(run('lifetime_load', [make, ['lifetime_free', WAIT, 1]], { switches })).toMatchObject(OK);
    expect(run('lifetime_load', [make, ['lifetime_free', AT_ONCE, 1]], { switches }).verdict).toBe('violation');
  });

  test('an object beside one that was freed', () => {
    expect(run('lifetime_load', [['lifetime_free_neighbour'], make])).toMatchObject(OK);
  });
});

describe('a core uses what it freed itself', () => {
  test('alone in its world', () => {
    expect(run(undefined, [['use_after_free']])).toMatchObject({
      verdict: 'violation',
      counterexample: { violation: { check: 'I5', core: 0 } },
    });
  });
});

test('what is dead is the same state in whatever order it died, and none when all lives again', () => {
  const hashOf = (...events: (readonly ['FREE' | 'ALLOC', bigint])[]): string => {
    const world = kernelWorld(builtFixture('small-world'), { victims: 0, fetch: 'intel-sdm', memory: 'tso' });
    const checker = lifetimeChecker();
    world.begin();
    checker.begin?.(world);
    for (const [what, a] of events) {
      const id = world.lab.abi(`NOTE_${what}`);
      checker.onEvent?.({ kind: 'note', core: 0, id, a, b: 16n }, world);
    }
    const hash = world.machine.hash();
    world.release();
    return hash;
  };
  const [a, b, c] = [0x1000n, 0x2000n, 0x3000n];
  const dead = hashOf(['FREE', a], ['FREE', b], ['FREE', c]);
  expect(hashOf(['FREE', c], ['FREE', a], ['FREE', b], ['FREE', a])).toBe(dead);
  expect(hashOf(['FREE', a], ['FREE', b])).not.toBe(dead);
  expect(hashOf(['FREE', b], ['FREE', a], ['ALLOC', b - 8n], ['ALLOC', a])).toBe(hashOf());
});
