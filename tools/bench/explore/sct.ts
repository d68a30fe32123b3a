import { searchLadder } from '../../../src/explore/ladder.ts';
import { CellRunner } from '../../../src/scenario/matrix.ts';
import type { Cell, MemoryModel, Scenario } from '../../../src/scenario/scenario.ts';
import { variantOf } from '../../../src/scenario/scenario.ts';
import { builtFixture } from '../../built-fixture.ts';
import { cpuSeconds, median, type Row, say } from '../measure.ts';
import { sct } from '../sct/index.ts';
import { PROGRAMS, type Program } from '../sct/programs.ts';
import type { Options } from './options.ts';
import { schedulesToBug } from './schedules.ts';

const SEEDS = 5;
const SCHEDULES = 1000;
const DEPTHS = [1, 2, 3];
const LADDER = {
  quick: { preemptions: 3, steps: 200_000 },
  normal: { preemptions: 6, steps: 3_000_000 },
  full: { preemptions: 8, steps: 10_000_000 },
};
/** How many programs may stay without a bug at the depths that are tried. */
const EXCEPTIONS = 2;

/**
 * What the textbook races take: visible steps of a run, states until the bug is found, the smallest PCT depth at which some seed finds it, and the
 * fewest preemptions of a failing run, where leaving a thread that spins is one too.
 */
export function sctRows({ size }: Options): Row[] {
  const rows: Row[] = [];
  for (const program of PROGRAMS) {
    for (const memory of program.tsoOnly === true ? (['tso'] as const) : (['sc', 'tso'] as const)) {
      say(`${program.name} ${memory}`);
      rows.push(rowOf(program, memory, LADDER[size]));
    }
  }
  const found = PROGRAMS.filter((p) => rows.filter((r) => r.name.startsWith(`${p.name}, `)).every((r) => 'depth' in r.values));
  const without = PROGRAMS.filter((p) => !found.includes(p)).map((p) => `${p.name}: ${p.deep ?? 'unexpected'}`);
  rows.push({
    group: 'sct',
    name: `programs whose bug is found at depth 1 to ${DEPTHS.at(-1)}`,
    values: { found: found.length, of: PROGRAMS.length },
    goal: { value: 'found', atLeast: PROGRAMS.length - EXCEPTIONS },
    ...(without.length === 0 ? {} : { note: `without: ${without.join(', ')}` }),
  });
  return rows;
}

function rowOf(program: Program, memory: MemoryModel, ladder: { readonly preemptions: number; readonly steps: number }): Row {
  const scenario = sct.find((s) => s.name === `sct/${program.name}`) as Scenario;
  const cell: Cell = { victims: program.threads.length - 1, fetch: 'coherent', memory };
  const runner = new CellRunner(builtFixture);
  const run = cpuSeconds(() => runner.run(scenario, variantOf(scenario, 'bug'), cell, { shrink: false }));
  if (run.value.verdict !== 'violation') throw new Error(`${program.name}: ${run.value.verdict}`);
  const values: Record<string, number> = {
    cores: program.threads.length,
    steps: steps(runner, scenario, cell),
    states: run.value.counts.states,
    'CPU s': run.seconds,
  };
  for (const depth of DEPTHS) {
    const draws = Array.from({ length: SEEDS }, (_, n) =>
      schedulesToBug(runner, scenario, 'bug', cell, { depth, schedules: SCHEDULES, seed: n + 1 }),
    );
    const found = draws.filter((n) => n !== undefined);
    if (found.length === 0) continue;
    values.depth = depth;
    values[`of ${SEEDS} seeds`] = found.length;
    values.schedules = median(found);
    break;
  }
  const { preemptions, note } = fewest(runner, scenario, cell, ladder);
  if (preemptions !== undefined) values.preemptions = preemptions;
  return { group: 'sct', name: `${program.name}, ${memory}`, values, ...(note === undefined ? {} : { note }) };
}

/** Visible steps of a run of the fixed program: the mean of sampled ones. */
function steps(runner: CellRunner, scenario: Scenario, cell: Cell): number {
  const schedules = 100;
  const { counts } = runner.run(scenario, variantOf(scenario, 'fixed'), cell, { search: 'pct', depth: 2, schedules, shrink: false });
  return Math.round(counts.transitions / schedules);
}

/** The fewest preemptions of a run that breaks something. */
function fewest(
  runner: CellRunner,
  scenario: Scenario,
  cell: Cell,
  bound: { readonly preemptions: number; readonly steps: number },
): { preemptions?: number; note?: string } {
  const world = runner.maker(scenario, 'bug', cell)();
  world.begin(runner.learned(scenario, 'bug', cell));
  const found = searchLadder(world, { maxPreemptions: bound.preemptions, budget: { maxSteps: bound.steps } });
  return found.counterexample === undefined ? { note: `preemptions: more than ${found.completed}` } : { preemptions: found.completed + 1 };
}
