import { flatImage, GuestMachine, KERNELS, type Kernel } from './guest-machine.ts';
import { cpuSeconds, geometricMean, median, type Row } from './measure.ts';
import type { Peer } from './peers.ts';

/** Runs before the rounds, so that the dispatch has been built for the forms in use, as in any long run. */
const WARM_RUNS = 2;

/**
 * The interpreter with TLB, undo journal and state hash on four kernels, beside the same kernels native and under Unicorn: in each round every
 * engine once, medians over the rounds. Throws when two engines disagree on rax.
 */
export function interpreterRows(rounds: number, peers: readonly Peer[]): Row[] {
  const rows = KERNELS.map((kernel) => kernelRow(kernel, rounds, peers));
  const names = Object.keys(rows[0]!.values).filter((name) => name !== 'instructions');
  const means = Object.fromEntries(names.map((name) => [name, geometricMean(rows.map((row) => row.values[name] as number))]));
  const goal = 'times hooked unicorn' in means ? { goal: { value: 'times hooked unicorn', atLeast: 2 } } : {};
  return [...rows, { group: 'interpreter', name: 'geometric mean', values: means, ...goal }];
}

function kernelRow(kernel: Kernel, rounds: number, peers: readonly Peer[]): Row {
  const guest = new GuestMachine(flatImage(kernel));
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
        throw new Error(`${kernel}: ${peer.name} gives 0x${run.rax.toString(16)}, the interpreter 0x${value.rax.toString(16)}`);
      others.get(peer.name)!.push(run.seconds);
    }
  }
  const mips = (seconds: readonly number[]): number => instructions / median(seconds) / 1e6;
  const values: Record<string, number> = { instructions, MIPS: mips(own) };
  for (const [name, seconds] of others) {
    values[`${name} MIPS`] = mips(seconds);
    values[`times ${name}`] = mips(own) / mips(seconds);
  }
  return { group: 'interpreter', name: kernel, values };
}
