// npx tsx tools/timeline-sweep.ts [NAME...] [--steps N] [--seeds N]: runs of chance of every variant of every scenario (or of those named), and at each place of each run whether the
// timeline gives the same state as the explorer did, whether it comes there forward, backwards, or from anywhere. Prints what was compared; 1 on a difference.
import { comparePositions, positionText } from '../src/debug/timeline/position.ts';
import { ScheduleTimeline } from '../src/debug/timeline/schedule-timeline.ts';
import { TextpokeError } from '../src/error.ts';
import type { Knowledge } from '../src/explore/knowledge.ts';
import { choose, options } from '../src/explore/path.ts';
import type { World } from '../src/explore/world.ts';
import { CATALOGUE } from '../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../src/scenario/matrix.ts';
import type { Scenario, Variant } from '../src/scenario/scenario.ts';
import { builtFixture } from './built-fixture.ts';

/** Steps from one snapshot to the next: few, so that many are crossed. */
const SEGMENT = 16;
/** Places inside steps that are come back to, of each run. */
const INSIDE = 40;

const args = process.argv.slice(2);

function flag(name: string, otherwise: number): number {
  const at = args.indexOf(name);
  return at < 0 ? otherwise : Number(args.splice(at, 2)[1]);
}

const steps = flag('--steps', 120);
const seeds = flag('--seeds', 1);
const runner = new CellRunner(builtFixture);

/** Numbers that look like chance and are the same each time. */
function chance(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function begun(scenario: Scenario, variant: Variant, knowledge: Knowledge): World {
  const world = runner.maker(scenario, variant.name, smokeCell(scenario))();
  world.begin(knowledge);
  return world;
}

/** A run, and what a world must know from its start for it to be one: a run that comes upon more is void. */
function settledRun(scenario: Scenario, variant: Variant, seed: number): ReturnType<typeof randomRun> & { readonly knowledge: Knowledge } {
  const knowledge = runner.learned(scenario, variant.name, smokeCell(scenario)).clone();
  for (;;) {
    const world = begun(scenario, variant, knowledge);
    const { discoveries } = world.machine;
    const run = randomRun(world, seed);
    const isVoid = world.machine.discoveries !== discoveries;
    if (isVoid) knowledge.learn(world.machine, world.sharable);
    world.release();
    if (!isVoid) return { ...run, knowledge };
  }
}

/** A run by the explorer's own means: its answers, and the hash of each of its states. */
function randomRun(world: World, seed: number): { readonly answers: number[]; readonly hashes: string[] } {
  const random = chance(seed);
  const answers: number[] = [];
  const hashes = [world.machine.hash()];
  for (let last = 0; answers.length < steps; ) {
    const offered = options(world, last);
    const answer = random(3) === 0 ? random(offered.length) : 0;
    const choice = offered[answer];
    if (choice === undefined) break;
    world.machine.mark();
    const violations = choose(world, choice);
    answers.push(answer);
    hashes.push(world.machine.hash());
    last = choice.core;
    if (violations.length > 0) break;
  }
  return { answers, hashes };
}

/** Everything that a person could see of the machine where it is. */
const seen = ({ machine }: ScheduleTimeline): string =>
  `${machine.hash()} ${machine.cores.map((c) => `${c.rip.toString(16)} ${c.rflags} ${Array.from({ length: 16 }, (_, n) => c.gpr(n)).join(' ')}`).join(' | ')}`;

const compared = { runs: 0, states: 0, inside: 0, different: 0 };

function differs(what: string): void {
  compared.different++;
  process.stdout.write(`${what}\n`);
}

function compare(scenario: Scenario, variant: Variant, seed: number): void {
  const name = `${scenario.name} ${variant.name} seed ${seed}`;
  const { answers, hashes, knowledge } = settledRun(scenario, variant, seed);
  const timeline = new ScheduleTimeline(begun(scenario, variant, knowledge), answers, SEGMENT);
  const check = (at: number, how: string): void => {
    timeline.goto({ at, inside: 0 });
    compared.states++;
    if (timeline.machine.hash() !== hashes[at]) differs(`${name}: another state at @${at}, ${how}`);
  };
  const random = chance(seed + 1);
  for (let at = 0; at < hashes.length; at++) check(at, 'forward');
  for (let at = hashes.length - 1; at >= 0; at--) check(at, 'back');
  for (let n = 0; n < hashes.length / 2; n++) check(random(hashes.length), 'from anywhere');
  timeline.goto({ at: 0, inside: 0 });
  const places: { readonly at: number; readonly inside: number; readonly state: string }[] = [];
  timeline.play(timeline.end, () => {
    places.push({ ...timeline.position, state: seen(timeline) });
    return false;
  });
  for (let n = 0; n < Math.min(INSIDE, places.length); n++) {
    const place = places[random(places.length)]!;
    timeline.goto(place);
    compared.inside++;
    if (comparePositions(timeline.position, place) !== 0 || seen(timeline) !== place.state)
      differs(`${name}: another state at ${positionText(place)}`);
  }
  timeline.world.release();
  compared.runs++;
}

const scenarios =
  args.length === 0 ? CATALOGUE : CATALOGUE.filter((s) => args.some((a) => s.name === a || s.alias === a || s.name.startsWith(`${a}/`)));
if (scenarios.length === 0) throw new Error(`no such scenario: ${args.join(' ')}`);
let variants = 0;
for (const scenario of scenarios) {
  for (const variant of scenario.variants) {
    variants++;
    for (let seed = 1; seed <= seeds; seed++) {
      try {
        compare(scenario, variant, seed);
      } catch (error) {
        if (!(error instanceof TextpokeError)) throw error;
        differs(`${scenario.name} ${variant.name} seed ${seed}: ${error.message}`);
      }
    }
  }
  if (process.stderr.isTTY === true) process.stderr.write(`\r${scenario.name.padEnd(60)}`);
}
process.stdout.write(
  `${scenarios.length} scenarios, ${variants} variants, ${compared.runs} runs: ${compared.states} states and ${compared.inside} places inside steps compared, ${compared.different} different\n`,
);
process.exitCode = compared.different > 0 ? 1 : 0;
