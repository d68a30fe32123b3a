// npx tsx tools/bench/timeline.ts [NAME...] [--positions N]: how long going to any place of a long run takes, in CPU milliseconds, and what the run holds in memory. The
// goal is 100 ms for any place of a run of a million steps, and of images whose writes stay together; exit code 1 when it is missed.
import { BareTimeline } from '../../src/debug/timeline/bare-timeline.ts';
import { ScheduleTimeline } from '../../src/debug/timeline/schedule-timeline.ts';
import type { Timeline } from '../../src/debug/timeline/timeline.ts';
import { options } from '../../src/explore/path.ts';
import { World } from '../../src/explore/world.ts';
import { imageFromAssembled, loadAssembler } from '../../src/image/assembler/index.ts';
import { BareMachine } from '../../src/kernel/bare.ts';
import { fetchPolicy } from '../../src/machine/policy/index.ts';
import { updateFtraceFunc } from '../../src/patch/ftrace.ts';
import { callTo } from '../../src/patch/instructions.ts';
import { settleLabWorld } from './lab-world.ts';
import { median, say } from './measure.ts';

const GOAL_MS = 100;
const ENTRY = 0x400000n;

/** A run to go around in. */
interface Subject {
  readonly name: string;
  /** What a place is: a step or an instruction, and how many of them the run has. */
  readonly unit: string;
  readonly places: number;
  /** No promise is made about it. */
  readonly noGoal?: true;
  /** Records the run; the timeline is left at its end. */
  record(): Timeline;
}

/** Numbers that look like chance and are the same each time. */
function chance(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A schedule of `places` steps: of four answers three go on, the fourth is any. */
function schedule(world: World, places: number): Timeline {
  const timeline = new ScheduleTimeline(world, []);
  const random = chance(1);
  for (let n = 0; n < places; n++) {
    const { length } = options(world, timeline.lastCore);
    if (length === 0) throw new Error(`the run ends at @${n}`);
    timeline.take(random(4) === 0 ? random(length) : 0);
  }
  return timeline;
}

/** Two victims that call through a site for ever while a core patches it `times` times, there and back. */
function patched(times: number): World {
  const { knowledge, world: settled } = settleLabWorld(
    { victims: 2, fetch: 'intel-sdm', memory: 'tso', finalSync: true, calls: 1 },
    { maxSteps: 100_000 },
  );
  const world = new World(settled.lab.image, { cores: 3, explore: { memory: 'tso', fetch: fetchPolicy('intel-sdm') } });
  settled.release();
  const { lab } = world;
  lab.configure({ ncpus: 3, calls: 0x7fffffff, int3_handler: lab.abi('INT3_FTRACE') });
  const site = lab.symbol('site_call_q0_insn');
  const text = {
    alias: (address: bigint) => lab.alias(address),
    symbol: (name: string) => lab.symbol(name),
    cores: 3,
    syncVector: lab.abi('SYNC_CORE_VECTOR'),
    percpuOf: (core: number, field: string) => lab.percpuOf(core, field),
  };
  const targets = [lab.symbol('target_a'), lab.symbol('target_b')] as const;
  world.sites.push({ name: 'site', address: site, versions: targets.map((t) => callTo(site, t)), final: 0 });
  world.add({
    core: 0,
    entry: 'patcher_stub',
    patcher: function* () {
      for (let n = 0; n < times; n++) {
        const target = targets[(n + 1) % 2] as bigint;
        yield* updateFtraceFunc(text, { site, name: 'site', bytes: callTo(site, target), target }, 0xe8, { finalSync: true }, 0);
      }
    },
  });
  for (const core of [1, 2]) world.add({ core, entry: 'victim_main', calls: ['site_call_q0'] });
  world.begin(knowledge);
  return world;
}

const assembler = await loadAssembler();

function bare(source: string, cores: number, places: number): Timeline {
  const image = imageFromAssembled(assembler.assemble(source, { address: ENTRY, file: 'guest.s' }), { entry: ENTRY });
  const timeline = new BareTimeline(new BareMachine(image, { cores, ramBytes: 64 << 20, serial: () => {}, journal: true }));
  timeline.play({ at: places, inside: 0 });
  return timeline;
}

/** Counts in one word. */
const COUNT = `
again: lock incq counter(%rip)
  add $1, %rax
  xor %rax, %rdx
  jmp again
.balign 8
counter: .quad 0
`;

/** Writes 16 MiB over and over, a word here and a word there: each page is another one at each snapshot. */
const SCATTER = `
  mov $0x1000000, %rbx
  xor %eax, %eax
again: imul $1103515245, %rax, %rax
  add $12345, %rax
  mov %rax, %rcx
  shr $7, %rcx
  and $0xffffff, %rcx
  mov %rax, (%rbx,%rcx)
  jmp again
`;

const SUBJECTS: readonly Subject[] = [
  { name: 'calls', unit: 'step', places: 1_000_000, record: () => schedule(patched(1), 1_000_000) },
  { name: 'patches', unit: 'step', places: 1_000_000, record: () => schedule(patched(1_000_000), 1_000_000) },
  { name: 'count', unit: 'instruction', places: 1_000_000, record: () => bare(COUNT, 2, 1_000_000) },
  { name: 'count-long', unit: 'instruction', places: 100_000_000, record: () => bare(COUNT, 2, 100_000_000) },
  { name: 'scatter', unit: 'instruction', places: 100_000_000, noGoal: true, record: () => bare(SCATTER, 1, 100_000_000) },
];

const cpuMs = (body: () => void): number => {
  const start = process.cpuUsage();
  body();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
};

/** `median 1.2, p95 3.4, max 5.6`. */
function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
  return `median ${median(values).toFixed(2)}, p95 ${at(0.95).toFixed(1)}, max ${at(1).toFixed(1)}`;
}

/** Measures one run; false when the goal is missed. */
function measure({ name, unit, places, noGoal, record }: Subject, positions: number): boolean {
  global.gc?.();
  const before = process.memoryUsage();
  let timeline: Timeline | undefined;
  const recorded = cpuMs(() => {
    timeline = record();
  });
  const line = timeline as Timeline;
  const after = process.memoryUsage();
  const random = chance(2);
  const gone = Array.from({ length: positions }, () => {
    const at = random(places + 1);
    return cpuMs(() => line.goto({ at, inside: 0 }));
  });
  const back: number[] = [];
  for (let n = 0; n < positions; n++) {
    line.goto({ at: 1 + random(places), inside: 0 });
    const { at } = line.position;
    back.push(cpuMs(() => line.goto({ at: at - 1, inside: 0 })));
  }
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  const grown = after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers;
  console.log(`${name}: ${places.toLocaleString('en').replaceAll(',', ' ')} ${unit}s`);
  console.log(`  recorded in ${(recorded / 1000).toFixed(1)} s, ${mib(grown)} more of memory`);
  console.log(`  goto     ${spread(gone)} ms`);
  console.log(`  one back ${spread(back)} ms`);
  const worst = Math.max(...gone, ...back);
  if (noGoal === true) return true;
  console.log(`  ${worst > GOAL_MS ? 'MISSED' : 'reached'}: ${worst.toFixed(0)} ms at most, the goal is ${GOAL_MS}`);
  return worst <= GOAL_MS;
}

const args = process.argv.slice(2);
const flag = args.indexOf('--positions');
const positions = flag < 0 ? 200 : Number(args.splice(flag, 2)[1]);
const wanted = SUBJECTS.filter((s) => args.length === 0 || args.includes(s.name));
let missed = false;
for (const subject of wanted) {
  say(subject.name);
  if (!measure(subject, positions)) missed = true;
}
process.exitCode = missed ? 1 : 0;
