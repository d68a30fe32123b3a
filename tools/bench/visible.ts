import { CORE, SHADOW, Stop } from '../../src/engine/layout.ts';
import { coherent } from '../../src/machine/policy/coherent.ts';
import { flatImage, GuestMachine, KERNELS, type Kernel, LOAD_AT, RAM_BYTES } from './guest-machine.ts';
import { cpuSeconds, geometricMean, median, type Row } from './measure.ts';
import type { StepPeer } from './peers.ts';

/** Instructions of each kernel that are run. */
const INSTRUCTIONS = 1_000_000;
/** Runs before the rounds, so that everything is decoded and the dispatch has been built for it. */
const WARM_RUNS = 2;

/** Visible operations between two marks: journal and events have room for more. */
const TRANSITION = 500;

/** A machine of the explorer with one core on which every access to data is a visible operation. */
class VisibleMachine extends GuestMachine {
  constructor(kernel: Kernel) {
    super(flatImage(kernel), { explore: { memory: 'sc', fetch: coherent } });
    const { engine } = this.machine;
    this.machine.peek(LOAD_AT, RAM_BYTES - LOAD_AT);
    const shadow = new Uint32Array(engine.memory.buffer, engine.map.shadow, RAM_BYTES / 8);
    for (let quadword = LOAD_AT / 8; quadword < shadow.length; quadword++) shadow[quadword]! |= SHADOW.declared;
  }

  /** One visible operation a call of the engine, the instructions behind it included, as `Machine.step` asks for them. Gives the calls. */
  byEngine(): { calls: number; rip: bigint; rax: bigint } {
    const { machine } = this;
    const core = machine.cores[0]!;
    this.start();
    core.setRaw(CORE.stop, Stop.budget);
    const mark = machine.mark();
    let left = INSTRUCTIONS;
    let calls = 0;
    while (left > 0) {
      machine.engine.access.allow(1);
      const reason = machine.engine.run(0, left);
      left = behind(reason, machine.engine.unused(0));
      if (++calls % TRANSITION === 0) {
        machine.forget(mark);
        machine.mark();
      }
      if (reason === Stop.visible || left === 0) continue;
      // Something to decode.
      left = behind(machine.runCore(core, left), machine.left);
      machine.forget(mark);
    }
    machine.forget(mark);
    return { calls, rip: core.rip, rax: core.gpr(0) };
  }
}

/** Instructions that are left: one that stopped before its access has been counted and is still to be done. */
const behind = (stop: number, left: number): number => (stop === Stop.visible ? left + 1 : left);

/** The engine, asked from TypeScript for one visible operation at a time, beside Unicorn, asked for one instruction at a time: the same instructions of four kernels. */
export function visibleRows(rounds: number, peer: StepPeer | undefined): Row[] {
  const rows = KERNELS.map((kernel): Row => {
    const machine = new VisibleMachine(kernel);
    for (let n = 0; n < WARM_RUNS; n++) machine.byEngine();
    const own: number[] = [];
    const other: number[] = [];
    let calls = 0;
    for (let round = 0; round < rounds; round++) {
      const { seconds, value } = cpuSeconds(() => machine.byEngine());
      own.push(seconds);
      calls = value.calls;
      const run = peer?.steps(kernel, INSTRUCTIONS);
      if (run === undefined) continue;
      if (run.rip !== value.rip || run.rax !== value.rax)
        throw new Error(`${kernel}: Unicorn is at 0x${run.rip.toString(16)}, textpoke at 0x${value.rip.toString(16)}`);
      other.push(run.seconds);
    }
    const values: Record<string, number> = {
      instructions: INSTRUCTIONS,
      'visible operations': calls,
      'M operations/s': calls / median(own) / 1e6,
      MIPS: INSTRUCTIONS / median(own) / 1e6,
    };
    if (other.length > 0) {
      values['unicorn count=1 MIPS'] = INSTRUCTIONS / median(other) / 1e6;
      values['times unicorn count=1'] = median(other) / median(own);
    }
    return { group: 'visible', name: kernel, values };
  });
  const names = Object.keys(rows[0]!.values).filter((name) => name !== 'instructions' && name !== 'visible operations');
  const means = Object.fromEntries(names.map((name) => [name, geometricMean(rows.map((row) => row.values[name] as number))]));
  const goal = { value: 'times unicorn count=1', atLeast: 12 };
  return [...rows, { group: 'visible', name: 'geometric mean', values: means, ...(goal.value in means ? { goal } : {}) }];
}
