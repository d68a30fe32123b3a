import { flatImage, GuestMachine, KERNELS, type Kernel } from './guest-machine.ts';
import { cpuSeconds, geometricMean, median, type Row } from './measure.ts';
import type { Peer } from './peers.ts';
import { VECTOR_KERNELS, type VectorKernel } from './vector-kernels.ts';

/** Runs before the rounds, so that the dispatch has been built for the forms in use, as in any long run. */
const WARM_RUNS = 2;

/** What is measured: the interpreter with undo journal and state hash, as schedules need it, or hot code compiled, for runs without them. */
const MACHINES = { interpreter: { journal: true }, region: { engine: 'region' } } as const;

/**
 * An engine on four kernels, beside the same kernels native, under Unicorn and under qemu-user: in each round every engine once, medians over the
 * rounds. Throws when two engines disagree on rax.
 */
export function engineRows(group: keyof typeof MACHINES, rounds: number, peers: readonly Peer[]): Row[] {
  const rows = KERNELS.map((kernel) => kernelRow(group, kernel, kernel, rounds, peers, group));
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

/** Kernels of vectors and floating point under both engines. Peers that lack an instruction of one have no number there. */
export function vectorRows(rounds: number, peers: readonly Peer[]): Row[] {
  const unhooked = peers.filter((peer) => peer.name !== 'hooked unicorn');
  return (Object.keys(VECTOR_KERNELS) as VectorKernel[]).flatMap((kernel) =>
    (['interpreter', 'region'] as const).map((engine) => kernelRow('vectors', `${engine}: ${kernel}`, kernel, rounds, unhooked, engine)),
  );
}

/** Calls between functions on one page, and on pages of their own. */
export function callRows(rounds: number, peers: readonly Peer[]): Row[] {
  const unhooked = peers.filter((peer) => peer.name !== 'hooked unicorn');
  return (['fib', 'far'] as const).flatMap((kernel) =>
    (['interpreter', 'region'] as const).map((engine) => kernelRow('calls', `${engine}: ${kernel}`, kernel, rounds, unhooked, engine)),
  );
}

function kernelRow(
  group: string,
  name: string,
  kernel: Kernel,
  rounds: number,
  peers: readonly Peer[],
  engine: keyof typeof MACHINES,
): Row {
  const guest = new GuestMachine(flatImage(kernel), MACHINES[engine]);
  for (let n = 0; n < WARM_RUNS; n++) guest.run();
  const own: number[] = [];
  const others = new Map<string, number[]>();
  let instructions = 0;
  for (let round = 0; round < rounds; round++) {
    const { seconds, value } = cpuSeconds(() => guest.run());
    own.push(seconds);
    ({ instructions } = value);
    for (const peer of peers) {
      const run = peer.run(kernel);
      if (run === undefined) continue;
      if (run.rax !== value.rax)
        throw new Error(`${kernel}: ${peer.name} gives 0x${run.rax.toString(16)}, textpoke 0x${value.rax.toString(16)}`);
      others.set(peer.name, [...(others.get(peer.name) ?? []), run.seconds]);
    }
  }
  const mips = (seconds: readonly number[]): number => instructions / median(seconds) / 1e6;
  const values: Record<string, number> = { instructions, MIPS: mips(own) };
  for (const [peer, seconds] of others) {
    values[`${peer} MIPS`] = mips(seconds);
    values[`times ${peer}`] = mips(own) / mips(seconds);
  }
  return { group, name, values };
}
