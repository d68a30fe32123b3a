import type { TraceAbout } from '../../../src/debug/formats/about.ts';
import type { Trace, TraceStep } from '../../../src/debug/happening.ts';
import { TraceRecorder } from '../../../src/debug/trace.ts';
import { options } from '../../../src/explore/path.ts';
import type { World } from '../../../src/explore/world.ts';
import { scenarioOf } from '../../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../../src/scenario/matrix.ts';
import { builtFixture } from '../../../tools/built-fixture.ts';
import { raceA, walk, worldsOf } from '../race-a.ts';

const runner = new CellRunner(builtFixture);

export const ABOUT: TraceAbout = {
  scenario: 'test/race-a',
  variant: 'no-final-sync',
  title: 'the last SYNC is left out',
  cell: { victims: 1, fetch: 'coherent', memory: 'tso' },
  machine: '2 cores (1 victim), fetch coherent, memory tso',
  token: 'tp1_test',
  sites: [{ name: 'site', address: 0xffffffff81001000n, physical: 0x1001000, versions: ['e8 00 00 00 00', 'e8 01 00 00 00'] }],
};

/** Race (a) with store buffers and a coherent fetch. */
export const raceTrace = (): Trace => walk(worldsOf({})(), raceA).trace;

/** A run of a scenario's first variant in which choices are made by a fixed sequence of numbers; `look` sees the world behind each step. */
export function anyRun(scenarioName: string, steps: number, look: (world: World, step: TraceStep) => void = () => {}, seed = 7): Trace {
  const scenario = scenarioOf(scenarioName);
  const variant = scenario.variants[0]?.name ?? '';
  const cell = smokeCell(scenario);
  const world = runner.maker(scenario, variant, cell)();
  world.begin(runner.learned(scenario, variant, cell));
  const recorder = new TraceRecorder(world);
  // The generator of Numerical Recipes: any sequence will do, as long as it is the same each time. Mostly whoever moved goes on.
  let random = seed;
  for (let n = 0; n < steps && recorder.violations.length === 0; n++) {
    const offered = options(world, recorder.lastCore);
    if (offered.length === 0) break;
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    look(world, recorder.answer((random >>> 8) % 8 < 6 ? 0 : (random >>> 12) % offered.length));
  }
  recorder.detach();
  return recorder.finish();
}

/** A trace with the steps of another again and again. */
export function repeated(trace: Trace, steps: number): Trace {
  const copy = (at: number): TraceStep => {
    const step = trace.steps[at % trace.steps.length] as TraceStep;
    return { ...step, at, happened: step.happened.map((h) => ({ ...h })) };
  };
  return { ...trace, steps: Array.from({ length: steps }, (_, at) => copy(at)) };
}
