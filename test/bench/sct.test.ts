import { describe, expect, test } from 'vitest';
import { searchStates } from '../../src/explore/stateful.ts';
import type { World } from '../../src/explore/world.ts';
import { type CellResult, CellRunner, cellsOf, type RunOptions, smokeCell } from '../../src/scenario/matrix.ts';
import type { MemoryModel } from '../../src/scenario/scenario.ts';
import { imageOf, variantOf } from '../../src/scenario/scenario.ts';
import { sct, wantedOf } from '../../tools/bench/sct/index.ts';
import { PROGRAMS, type Program } from '../../tools/bench/sct/programs.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);
const scenarioOf = (program: Program) => sct.find((s) => s.name === `sct/${program.name}`)!;
const modelsOf = (program: Program): readonly MemoryModel[] => (program.tsoOnly === true ? ['tso'] : ['sc', 'tso']);

function run(program: Program, variant: string, memory: MemoryModel, options: RunOptions = {}): CellResult {
  const scenario = scenarioOf(program);
  const cell = { victims: program.threads.length - 1, fetch: 'coherent', memory } as const;
  return runner.run(scenario, variantOf(scenario, variant), cell, { shrink: false, ...options });
}

describe('textbook races', () => {
  const cases = PROGRAMS.flatMap((program) => modelsOf(program).map((memory) => [program.name, memory, program] as const));

  test.each(cases)('%s under %s: the search over states finds the bug', (_name, memory, program) => {
    const { verdict, counterexample } = run(program, 'bug', memory);
    expect(verdict).toBe('violation');
    expect(counterexample?.violation).toMatchObject(wantedOf(program));
  });

  test.each(cases.filter(([, memory, program]) => memory === 'tso' && program.deep === undefined))(
    '%s under %s: PCT finds it at a depth up to 3',
    (_name, memory, program) => {
      const found = [1, 2, 3].some((depth) =>
        [1, 2, 3, 4, 5].some((seed) => {
          const { verdict, counterexample } = run(program, 'bug', memory, { search: 'pct', depth, schedules: 1000, seed });
          if (verdict === 'violation') expect(counterexample?.violation).toMatchObject(wantedOf(program));
          return verdict === 'violation';
        }),
      );
      expect(found).toBe(true);
    },
  );

  // With store buffers: what holds there holds without.
  test.each(cases.filter(([, memory]) => memory === 'tso'))('%s under %s: its fix holds', (_name, memory, program) => {
    const bounded = program.preemptions === undefined ? {} : ({ search: 'ladder', preemptions: program.preemptions } as const);
    const { verdict, coverage, missingWitnesses } = run(program, 'fixed', memory, bounded);
    const wanted =
      program.preemptions === undefined ? { kind: 'exhaustive' } : { kind: 'bounded', bounds: [`preemptions <= ${program.preemptions}`] };
    expect({ verdict, coverage, missingWitnesses }).toEqual({ verdict: 'ok', coverage: wanted, missingWitnesses: [] });
  });

  test.each(PROGRAMS.filter((p) => p.tsoOnly === true))('$name holds without store buffers', (program) => {
    expect(run(program, 'bug', 'sc')).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' } });
  });
});

test('without a checker a deadlock of spinning threads is a livelock of the graph of states', () => {
  const deadlocks = PROGRAMS.filter((p) => p.breaks === 'deadlock' && p.threads.length < 5);
  expect(deadlocks).toHaveLength(6);
  for (const program of deadlocks) {
    const scenario = scenarioOf(program);
    for (const [variant, wanted] of [
      ['bug', { check: 'I13', cause: 'livelock' }],
      ['fixed', undefined],
    ] as const) {
      const world: World = scenario.build(imageOf(scenario, builtFixture), variant, smokeCell(scenario));
      world.checkers.splice(
        world.checkers.findIndex((c) => c.name === 'deadlock'),
        1,
      );
      world.begin(runner.learned(scenario, variant, smokeCell(scenario)));
      const { counterexample, stopped } = searchStates(world, { symmetry: false });
      expect(stopped).toBeUndefined();
      if (wanted === undefined) expect(counterexample, `${program.name} ${variant}`).toBeUndefined();
      else expect(counterexample?.violation, `${program.name} ${variant}`).toMatchObject(wanted);
    }
  }
});

test('the cells of a scenario with a fixed number of victims all have it', () => {
  for (const program of PROGRAMS) {
    const scenario = scenarioOf(program);
    const cells = scenario.variants.flatMap((v) => cellsOf(scenario, v));
    expect(new Set([...cells, smokeCell(scenario)].map((c) => c.victims))).toEqual(new Set([program.threads.length - 1]));
    expect(new Set(cells.map((c) => c.memory))).toEqual(new Set(modelsOf(program)));
  }
});
