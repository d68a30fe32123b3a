import { describe, expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { choose, options } from '../../src/explore/path.ts';
import { ReachChecker } from '../../src/explore/reach/checker.ts';
import { isTrue } from '../../src/explore/reach/expression.ts';
import { parseReach } from '../../src/explore/reach/parse.ts';
import { reach } from '../../src/explore/reach/reach.ts';
import { searchStates } from '../../src/explore/stateful.ts';
import type { World } from '../../src/explore/world.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import type { Cell } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);
const cell: Cell = { victims: 1, fetch: 'intel-sdm', memory: 'tso' };
const worlds = (variant: string, of = cell) => ({
  make: runner.maker(scenarioOf('F1'), variant, of),
  learned: runner.learned(scenarioOf('F1'), variant, of),
});

/** What a search on the machine says of the same question. */
function byMachine(make: () => World, text: string, known: ReturnType<typeof worlds>['learned']): boolean {
  const world = make();
  world.checkers.push(new ReachChecker(parseReach(text, world), text));
  world.begin(known);
  return searchStates(world, { symmetry: false, wholeGraph: true }).violations.some((v) => v.check === 'reach');
}

const LATE = 'CPU1 at ftrace_int3_handler and modifying_ftrace_code == 0';

describe('whether some order gets there', () => {
  test.each([
    [LATE, 'no-final-sync', true],
    [LATE, 'final-sync', false],
    ['#BP on CPU1 at ftrace_call and ftrace_call[1] == 0xad', 'final-sync', true],
    ['#BP on CPU0', 'final-sync', false],
    ['SYNC on CPU1 at ftrace_call', 'final-sync', true],
    ['SYNC on CPU0', 'final-sync', false],
    ['IPI from CPU0 to CPU1 and modifying_ftrace_code == 1', 'final-sync', true],
    ['IPI from CPU1', 'final-sync', false],
    ['CPU1 at target_b and not modifying_ftrace_code', 'final-sync', true],
    ['modifying_ftrace_code > 1 or modifying_ftrace_code < 0', 'final-sync', false],
    ['CPU1.rip == &ftrace_call && (ftrace_call[0] == 0xcc || ftrace_call[0] == 0xe9)', 'final-sync', true],
    ['ftrace_update_target == &target_b and ftrace_update_ip != &ftrace_call', 'final-sync', false],
    ['text_poke_array.vec[0].addr != 0', 'final-sync', false],
  ])('%s, %s: %s', (text, variant, expected) => {
    const { make, learned } = worlds(variant);
    const found = reach(make, text, learned);
    expect(found.reached).toBe(expected);
    expect(byMachine(make, text, found.search.knowledge)).toBe(expected);
  });

  test('the way there is the shortest, and leads there in a world that nobody watches', () => {
    const { make, learned } = worlds('no-final-sync');
    const text = 'CPU1.rip == &ftrace_call and ftrace_call[0] == 0xcc and ftrace_call[1] == 0xad';
    const { search } = reach(make, text, learned);
    const { answers, length } = search.counterexample!;
    expect(length?.shortest).toBe(true);
    const world = make();
    const expression = parseReach(text, world);
    world.begin(search.knowledge);
    let lastCore = 0;
    for (const answer of answers) {
      expect(isTrue(expression, world, undefined)).toBe(false);
      const choice = options(world, lastCore)[answer]!;
      world.machine.mark();
      expect(choose(world, choice)).toEqual([]);
      lastCore = choice.core;
    }
    expect(isTrue(expression, world, undefined)).toBe(true);
  });

  test('every search can find it, and only those that look at every order say that it is not there', () => {
    const { make, learned } = worlds('no-final-sync');
    for (const search of ['dpor', 'twin', 'ladder', 'pct'] as const)
      expect(reach(make, '#BP on CPU1', learned, { search }).reached).toBe(true);
    for (const search of ['ladder', 'pct'] as const)
      expect(reach(worlds('final-sync').make, LATE, worlds('final-sync').learned, { search, schedules: 20 }).reached).toBeUndefined();
    expect(reach(make, '#BP on CPU0', learned, { budget: { maxSteps: 20 } }).reached).toBeUndefined();
  });

  test('cores that are named are not taken for one another', () => {
    const { make, learned } = worlds('final-sync', { ...cell, victims: 2 });
    for (const core of ['CPU1', 'CPU2']) expect(reach(make, `#BP on ${core} at ftrace_call`, learned).reached).toBe(true);
  });

  test('a question changes no verdict', () => {
    const { make, learned } = worlds('no-final-sync');
    expect(reach(make, '#BP on CPU0', learned).search.counterexample?.violation.check).toBe('I1');
    expect(explore(make, { learned }).counterexample?.violation.check).toBe('I1');
  });
});

describe('what cannot be read', () => {
  test.each([
    ['', 'missing at the end'],
    ['modifying_ftrce_code == 1', "no symbol 'modifying_ftrce_code'", 'did you mean modifying_ftrace_code?'],
    ['CPU3 at target_b', 'no CPU3', '--victims N'],
    ['CPU1 at', 'missing at the end'],
    ['CPU1.rxa == 3', "no register 'rxa'", 'did you mean rax'],
    ['CPU1 == 3', "'CPU1' is a core", 'CPU1.rax'],
    ['modifying_ftrace_code ==', 'a value is missing'],
    ['(modifying_ftrace_code', "')' is missing"],
    ['modifying_ftrace_code 1', "'1' is not expected here"],
    ['#BQ on CPU1', "no exception '#BQ'", '#BP'],
    ['SYN on CPU1', "no interrupt 'SYN'", 'did you mean SYNC?'],
    ['text_poke_array == 0', 'has 1088 bytes', 'text_poke_array.vec'],
    ['text_poke_array.nrr == 0', "no member 'nrr'", 'did you mean nr?'],
    ['text_poke_array.vec[1000].addr', 'no element 1000'],
    ['modifying_ftrace_code.x', "no member 'x'", 'no struct'],
  ])('%s', (text, message, hint = '') => {
    const world = worlds('final-sync').make();
    try {
      parseReach(text, world);
    } catch (error) {
      expect(error).toMatchObject({ code: 'E_USAGE', message: expect.stringContaining(message), hint: expect.stringContaining(hint) });
      return;
    }
    throw new Error('it was read');
  });
});

test('values have the size of what they are, and a sign beside a negative number', () => {
  const { make, learned } = worlds('final-sync');
  const world = make();
  world.lab.configure({});
  world.begin(learned);
  const { address } = world.lab.image.symbol('ftrace_head');
  world.lab.machine.peek(world.lab.physical(address), 4).fill(0xff);
  const holds = (text: string): boolean => isTrue(parseReach(text, world), world, undefined);
  expect(['ftrace_head == -1', 'ftrace_head < 0', '-1 == ftrace_head', 'ftrace_head == 0xffffffff', 'ftrace_head'].map(holds)).toEqual([
    true,
    false,
    true,
    true,
    true,
  ]);
  expect(
    ['ftrace_head >= 0', 'ftrace_head < -1', 'ftrace_head[0] == 255', 'not ftrace_head', '!ftrace_head or ftrace_head > -2'].map(holds),
  ).toEqual([true, false, true, false, true]);
  const core = world.machine.cores[1]!;
  core.setGpr(0, 0xffff_ffff_ffff_fff0n);
  expect(['CPU1.rax == -16', 'CPU1.eax == 0xfffffff0', 'CPU1.al == -16', 'CPU1.rax > 0', 'CPU1.rsp == 0'].map(holds)).toEqual([
    true,
    true,
    true,
    true,
    false,
  ]);
});
