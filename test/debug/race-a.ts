import type { Trace, TraceStep } from '../../src/debug/happening.ts';
import { TraceRecorder } from '../../src/debug/trace.ts';
import { death } from '../../src/explore/checkers/death.ts';
import { emulationChecker } from '../../src/explore/checkers/emulation.ts';
import { siteChecker } from '../../src/explore/checkers/site.ts';
import { Knowledge } from '../../src/explore/knowledge.ts';
import { options } from '../../src/explore/path.ts';
import { searchStates } from '../../src/explore/stateful.ts';
import { World } from '../../src/explore/world.ts';
import type { Choice } from '../../src/machine/choices.ts';
import { fetchPolicy } from '../../src/machine/policy/index.ts';
import { type FtraceSwitches, updateFtraceFunc } from '../../src/patch/ftrace.ts';
import { callTo } from '../../src/patch/instructions.ts';
import { lab as image } from '../fixtures/lab.ts';

export interface RaceSetup {
  readonly victims?: number;
  readonly memory?: 'sc' | 'tso';
  readonly fetch?: string;
  readonly calls?: number;
  readonly trapGate?: boolean;
  readonly switches?: FtraceSwitches;
}

/** One call is changed from target_a to target_b by ftrace's protocol while victims run it. Not begun yet. */
export function raceWorld(setup: RaceSetup = {}): World {
  const victims = setup.victims ?? 1;
  const policy = fetchPolicy(setup.fetch ?? 'coherent');
  if (policy === undefined) throw new Error(`no policy ${setup.fetch}`);
  const world = new World(image, { cores: victims + 1, explore: { memory: setup.memory ?? 'tso', fetch: policy } });
  const { lab } = world;
  lab.configure({ ncpus: victims + 1, calls: setup.calls ?? 1, int3_handler: lab.abi('INT3_FTRACE') });
  if (setup.trapGate === true) lab.setGate(3, 'asm_exc_int3', { type: 'trap', dpl: 3 });
  const site = lab.symbol('site_call_q0_insn');
  const target = lab.symbol('target_b');
  const bytes = callTo(site, target);
  world.sites.push({ name: 'site', address: site, versions: [callTo(site, lab.symbol('target_a')), bytes], final: 1 });
  world.checkers.push(death, siteChecker(), emulationChecker());
  const text = {
    alias: (a: bigint) => lab.alias(a),
    symbol: (n: string) => lab.symbol(n),
    cores: victims + 1,
    syncVector: lab.abi('SYNC_CORE_VECTOR'),
    percpuOf: (c: number, f: string) => lab.percpuOf(c, f),
  };
  world.add({
    core: 0,
    entry: 'patcher_stub',
    patcher: function* () {
      yield* updateFtraceFunc(text, { site, name: 'site', bytes, target }, 0xe8, setup.switches ?? { finalSync: false }, 0);
    },
  });
  for (let v = 1; v <= victims; v++) world.add({ core: v, entry: 'victim_main', calls: ['site_call_q0'] });
  return world;
}

/** What is shared in the race, as whole searches find it: the same whatever their order. */
export function knowledgeOf(setup: RaceSetup): Knowledge {
  const knowledge = new Knowledge();
  for (let round = 0; round < 10; round++) {
    const world = raceWorld(setup);
    world.begin(knowledge);
    const { learned } = searchStates(world, { wholeGraph: true, learnFor: 100_000 });
    if (!learned) return knowledge;
    knowledge.learn(world.machine, world.sharable);
  }
  throw new Error('the searches go on learning');
}

/** Makes begun worlds of one setup. */
export function worldsOf(setup: RaceSetup): () => World {
  const knowledge = knowledgeOf(setup);
  return () => {
    const world = raceWorld(setup);
    world.begin(knowledge);
    return world;
  };
}

/** A leg of a schedule: the core that goes on, who answers when it cannot, and when the leg is over. */
export interface Leg {
  readonly core: number;
  /** Cores that take interrupts, and run their handlers, while `core` waits. */
  readonly helpers?: readonly number[];
  /** Asked behind every step; also over when nobody can go on. */
  readonly until: (step: TraceStep) => boolean;
}

/** Follows legs from the start of a world and gives the answers that this took. */
export function walk(world: World, legs: readonly Leg[]): { answers: number[]; trace: Trace } {
  const recorder = new TraceRecorder(world);
  const answers: number[] = [];
  for (const leg of legs) {
    for (let n = 0; n < 500; n++) {
      const offered = options(world, recorder.lastCore);
      const helping = (c: Choice): boolean => leg.helpers?.includes(c.core) === true;
      // A helper that stands at its site waits for the interrupt; anywhere else it is inside a handler.
      const wanted = [
        (c: Choice) => c.core === leg.core,
        (c: Choice) => helping(c) && c.kind === 'interrupt',
        (c: Choice) => helping(c) && (c.kind !== 'step' || c.fetch === undefined),
      ];
      const answer = wanted.map((w) => offered.findIndex(w)).find((n) => n >= 0) ?? -1;
      if (answer < 0) break;
      answers.push(answer);
      if (leg.until(recorder.answer(answer))) break;
    }
  }
  const trace = recorder.finish();
  recorder.detach();
  return { answers, trace };
}

/** Behind the step in which the patcher passes a mark. */
export const mark =
  (kind: string, text: string) =>
  (step: TraceStep): boolean =>
    step.happened.some((h) => h.what === 'mark' && h.kind === kind && h.text === text);
export const never = (): boolean => false;

/** Race (a): CPU1 fetches the INT3, stalls, CPU0 finishes, CPU1's handler reads that nothing is being modified. */
export const raceA: readonly Leg[] = [
  { core: 0, helpers: [1, 2], until: mark('sync', 'sync2') },
  { core: 1, until: (step) => step.happened.some((h) => h.what === 'exception') },
  { core: 0, until: never },
  { core: 1, until: never },
];
