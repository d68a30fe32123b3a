import { describe, expect, test } from 'vitest';
import { nameHash } from '../../src/explore/token.ts';
import { FETCH_POLICY_NAMES } from '../../src/machine/policy/index.ts';
import { CATALOGUE, scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner, cellName, smokeCell } from '../../src/scenario/matrix.ts';
import { type Cell, defineScenario, expectedOf, imageOf, variantOf } from '../../src/scenario/scenario.ts';
import { extent, fullSize, hasSize, inTurn, otherSizes, ownSize, SIZE_NAMES, type Sizes, saySizes } from '../../src/scenario/sizes.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);
const BOTH: Sizes = { sites: extent(1, 2, 2), calls: extent(1, 2, 3) };

test('sizes: what is as usual is not said, what is not there is refused', () => {
  expect(ownSize(BOTH, { sites: 2, calls: 3 })).toEqual({ calls: 3 });
  expect(fullSize({}, {})).toEqual({ sites: 1, calls: 1 });
  expect(fullSize(BOTH, { sites: 1 })).toEqual({ sites: 1, calls: 2 });
  expect([{}, { sites: 2 }, { sites: 3 }, { sites: 0 }].map((size) => hasSize(BOTH, size))).toEqual([true, true, false, false]);
  expect(hasSize({}, { calls: 1 })).toBe(false);
  expect(otherSizes(BOTH)).toEqual([{ sites: 1, calls: 1 }, { sites: 1 }, { sites: 1, calls: 3 }, { calls: 1 }, { calls: 3 }]);
  expect(otherSizes({})).toEqual([]);
  expect(saySizes(BOTH)).toBe('sites: 1 to 2 (usually 2), calls: 1 to 3 (usually 2)');
  expect(inTurn(['a', 'b'], 3)).toEqual(['a', 'b', 'a']);
});

test('no token can be taken for that of another cell of the same image', () => {
  const names = CATALOGUE.flatMap((scenario) => {
    const image = imageOf(scenario, builtFixture).contentHash();
    return scenario.variants.flatMap((variant) =>
      [{}, ...otherSizes(scenario.sizes(variant.name))].flatMap((size) =>
        [0, 1, 2, 3].flatMap((victims) =>
          FETCH_POLICY_NAMES.flatMap((fetch) =>
            (['sc', 'tso'] as const).map(
              (memory) => `${image} ${nameHash(cellName(scenario, variant.name, { victims, fetch, memory, ...size }))}`,
            ),
          ),
        ),
      ),
    );
  });
  expect(names.length).toBeGreaterThan(20_000);
  expect(new Set(names).size).toBe(names.length);
});

test('every size builds, with as many sites and calls in its world as it says', () => {
  let sized = 0;
  for (const scenario of CATALOGUE) {
    for (const { name } of scenario.variants) {
      const sizes = scenario.sizes(name);
      const measured = [{}, ...otherSizes(sizes)].map((size) => {
        const world = runner.maker(scenario, name, { ...smokeCell(scenario), ...size })();
        const rounds = Number(world.lab.peek(world.lab.symbol('cfg_calls'), 1)[0]);
        const lists = world.actors.filter((a) => a.core === world.machine.cores.length - 1).flatMap((a) => a.calls ?? []);
        const measure = { sites: world.sites.length, calls: lists.length * rounds };
        world.release();
        return { measure, full: fullSize(sizes, size) };
      });
      const [usual] = measured;
      for (const { measure, full } of measured.slice(1)) {
        sized++;
        for (const what of ['sites', 'calls'] as const)
          expect([scenario.name, name, what, measure[what] - usual!.measure[what]]).toEqual([
            scenario.name,
            name,
            what,
            sizes[what] === undefined ? 0 : full[what] - usual!.full[what],
          ]);
      }
    }
  }
  expect(sized).toBeGreaterThan(300);
});

describe('a protocol that holds holds in another size, with fewer sites and calls where there are fewer', () => {
  const cells = CATALOGUE.flatMap((scenario) => {
    const all = scenario.variants
      .filter((v) => expectedOf(v.expected, 'intel-sdm') === 'ok')
      .flatMap((variant) => otherSizes(scenario.sizes(variant.name)).map((size) => ({ variant, size })));
    const isFewer = ({ variant, size }: (typeof all)[number]): boolean =>
      SIZE_NAMES.every((name) => (size[name] ?? 0) <= (scenario.sizes(variant.name)[name]?.usual ?? 0));
    const one = all.find(isFewer) ?? all[0];
    return one === undefined ? [] : [{ scenario, ...one, title: `${scenario.name} ${one.variant.name}` }];
  });
  test.each(cells)('$title $size', ({ scenario, variant, size }) => {
    const result = runner.run(scenario, variant, { ...smokeCell(scenario), ...size }, { budget: { maxSteps: 60_000 } });
    // Where nobody calls behind the change there is no witness of it: vacuous, which is no OK either.
    expect(result.counterexample).toBeUndefined();
    expect(['ok', 'vacuous']).toContain(result.verdict);
    expect(result.expected).toBeUndefined();
  });
  test('there are some', () => expect(cells.length).toBeGreaterThan(15));
});

test('what takes two sites is not there with one', () => {
  const scenario = scenarioOf('text-poke/per-cpu-refs');
  const cell: Cell = { ...smokeCell(scenario), sites: 1 };
  expect(runner.run(scenario, variantOf(scenario, 'no-drain'), cell)).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' } });
  expect(runner.run(scenario, variantOf(scenario, 'no-drain'), { ...cell, sites: 2 }).verdict).toBe('violation');
});

test('a scenario of one size refuses others, and one of several is built with numbers', () => {
  const seen: unknown[] = [];
  const definition = {
    name: 'a/b',
    title: '',
    story: '',
    scope: 'one-victim',
    variants: [{ name: 'v', title: '', expected: 'ok' }],
    build(...[, , { sites, calls }]: Parameters<Parameters<typeof defineScenario>[0]['build']>) {
      seen.push({ sites, calls });
      throw new Error('enough');
    },
  } as const;
  const build = (sizes: Sizes | undefined, size: Partial<Cell>) => () =>
    defineScenario({ ...definition, ...(sizes === undefined ? {} : { sizes }) }).build(builtFixture('lab'), 'v', {
      victims: 1,
      fetch: 'coherent',
      memory: 'sc',
      ...size,
    });
  expect(build(undefined, { sites: 2 })).toThrow('a/b v does not come with 2 sites');
  expect(build(BOTH, { sites: 3 })).toThrow('a/b v does not come with 3 sites');
  expect(seen).toEqual([]);
  expect(build(BOTH, { calls: 3 })).toThrow('enough');
  expect(build(undefined, {})).toThrow('enough');
  expect(seen).toEqual([
    { sites: 2, calls: 3 },
    { sites: 1, calls: 1 },
  ]);
});
