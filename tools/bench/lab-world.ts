import { readFileSync } from 'node:fs';
import { death } from '../../src/explore/checkers/death.ts';
import { emulationChecker } from '../../src/explore/checkers/emulation.ts';
import { siteChecker } from '../../src/explore/checkers/site.ts';
import { Knowledge } from '../../src/explore/knowledge.ts';
import { type StatefulOutcome, searchStates } from '../../src/explore/stateful.ts';
import { World } from '../../src/explore/world.ts';
import { type Image, imageFromElf } from '../../src/image/image.ts';
import { fetchPolicy } from '../../src/machine/policy/index.ts';
import { updateFtraceFunc } from '../../src/patch/ftrace.ts';
import { callTo } from '../../src/patch/instructions.ts';

export interface LabWorld {
  readonly victims: number;
  readonly fetch: string;
  readonly memory: 'sc' | 'tso';
  /** The SYNC after the last byte is written: without it the patch races. */
  readonly finalSync: boolean;
  /** Calls that each victim makes through the site. */
  readonly calls: number;
}

let lab: Image | undefined;

/** Victims that call through one site while core 0 retargets it with the three steps of ftrace's `update_ftrace_func`. */
export function labWorld(of: LabWorld, knowledge: Knowledge): World {
  lab ??= imageFromElf(readFileSync(new URL('../../fixtures/lab/lab.elf', import.meta.url)));
  const policy = fetchPolicy(of.fetch);
  if (policy === undefined) throw new RangeError(`no fetch policy ${of.fetch}`);
  const cores = of.victims + 1;
  const world = new World(lab, { cores, explore: { memory: of.memory, fetch: policy } });
  const kernel = world.lab;
  kernel.configure({ ncpus: cores, calls: of.calls, int3_handler: kernel.abi('INT3_FTRACE') });
  const site = kernel.symbol('site_call_q0_insn');
  const target = kernel.symbol('target_b');
  const bytes = callTo(site, target);
  world.sites.push({ name: 'site', address: site, versions: [callTo(site, kernel.symbol('target_a')), bytes], final: 1 });
  world.checkers.push(death, siteChecker(), emulationChecker());
  const text = {
    alias: (address: bigint) => kernel.alias(address),
    symbol: (name: string) => kernel.symbol(name),
    cores,
    syncVector: kernel.abi('SYNC_CORE_VECTOR'),
    percpuOf: (core: number, field: string) => kernel.percpuOf(core, field),
  };
  world.add({
    core: 0,
    entry: 'patcher_stub',
    patcher: function* () {
      yield* updateFtraceFunc(text, { site, name: 'site', bytes, target }, 0xe8, { finalSync: of.finalSync }, 0);
    },
  });
  for (let core = 1; core <= of.victims; core++) world.add({ core, entry: 'victim_main', calls: ['site_call_q0'] });
  world.begin(knowledge);
  return world;
}

/** Searches again until nothing new is learned; gives the last world and its outcome. */
export function settleLabWorld(
  of: LabWorld,
  options: { symmetry?: boolean; maxSteps?: number } = {},
): { world: World; knowledge: Knowledge; outcome: StatefulOutcome } {
  const knowledge = new Knowledge();
  for (;;) {
    const world = labWorld(of, knowledge);
    const budget = options.maxSteps === undefined ? {} : { budget: { maxSteps: options.maxSteps } };
    const outcome = searchStates(world, { symmetry: options.symmetry !== false, learnFor: 3000, ...budget });
    if (!outcome.learned) return { world, knowledge, outcome };
    knowledge.learn(world.machine, world.sharable);
  }
}
