import { flatImage, GuestMachine, KERNELS, type Kernel } from './guest-machine.ts';
import { cpuSeconds, geometricMean, median, type Row } from './measure.ts';
import type { Peer } from './peers.ts';

/** Runs before the rounds, so that the dispatch has been built for the forms in use, as in any long run. */
const WARM_RUNS = 2;

/** What is measured: the interpreter with undo journal and state hash, as schedules need it, or hot code compiled, for runs without them. */
const MACHINES = { interpreter: { journal: true }, region: { engine: 'region' } } as const;

/**
 * An engine on four kernels, beside the same kernels native, under Unicorn and under qemu-user: in each round every engine once, medians over the
 * rounds. Throws when two engines disagree on rax.
 */
export function engineRows(group: keyof typeof MACHINES, rounds: number, peers: readonly Peer[]): Row[] {
  const rows = KERNELS.map((kernel) => kernelRow(group, kernel, rounds, peers));
  const names = Object.keys(rows[0]!.values).filter((name) => name !== 'instructions');
  const means = Object.fromEntries(names.map((name) => [name, geometricMean(rows.map((row) => row.values[name] as number))]));
  return [...rows, ...goalRows(group, means)];
}

/** The geometric mean, once for each goal that can be judged here. */
function goalRows(group: keyof typeof MACHINES, means: Record<string, number>): Row[] {
  const goals =
    group === 'interpreter'
      ? [{ value: 'times hooked unicorn', atLeast: 2.5 }]
      : [
          { value: 'times unicorn', atLeast: 5 },
          { value: 'times qemu-user', atLeast: 0.4 },
          { value: 'times native', atLeast: 1 / 12 },
        ];
  const judged = goals.filter((goal) => goal.value in means);
  if (judged.length === 0) return [{ group, name: 'geometric mean', values: means }];
  return judged.map((goal, n) => ({
    group,
    name: n === 0 ? 'geometric mean' : `geometric mean, ${goal.value}`,
    values: n === 0 ? means : { [goal.value]: means[goal.value] as number },
    goal,
  }));
}

function kernelRow(group: keyof typeof MACHINES, kernel: Kernel, rounds: number, peers: readonly Peer[]): Row {
  const guest = new GuestMachine(flatImage(kernel), MACHINES[group]);
  for (let n = 0; n < WARM_RUNS; n++) guest.run();
  const own: number[] = [];
  const others = new Map(peers.map((peer) => [peer.name, [] as number[]]));
  let instructions = 0;
  for (let round = 0; round < rounds; round++) {
    const { seconds, value } = cpuSeconds(() => guest.run());
    own.push(seconds);
    ({ instructions } = value);
    for (const peer of peers) {
      const run = peer.run(kernel);
      if (run.rax !== value.rax)
        throw new Error(`${kernel}: ${peer.name} gives 0x${run.rax.toString(16)}, textpoke 0x${value.rax.toString(16)}`);
      others.get(peer.name)!.push(run.seconds);
    }
  }
  const mips = (seconds: readonly number[]): number => instructions / median(seconds) / 1e6;
  const values: Record<string, number> = { instructions, MIPS: mips(own) };
  for (const [name, seconds] of others) {
    values[`${name} MIPS`] = mips(seconds);
    values[`times ${name}`] = mips(own) / mips(seconds);
  }
  return { group, name: kernel, values };
}
