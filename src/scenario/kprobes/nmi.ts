import { defineScenario, type Variant } from '../scenario.ts';
import { kprobeWorld, probeAndCall, probeSite, type StepEra } from './kprobe-world.ts';

interface NmiHit extends Variant {
  readonly step: StepEra;
  /** A hit inside a hit is treated as a first one. */
  readonly noReentry?: true;
  /** A second probe, in the #DB path: hit while the NMI's probe is stepped. */
  readonly second?: true;
}

/** A probe that an NMI hits while the interrupted code is inside another one. */
export const nmiHit = defineScenario<NmiHit>({
  name: 'kprobes/nmi',
  alias: 'K7',
  title: 'an NMI hits a probe inside a probe',
  story:
    'An NMI may come at any instruction: while the handler of the probe on probed_fn() runs, or while its copy does. The NMI handler calls nmi_probed_fn(), ' +
    'which is probed: such a hit is counted as missed, its copy is stepped and no handler runs, for those expect not to be called inside themselves. ' +
    'One level is kept aside; a further probe inside that step is a BUG.',
  window: "from the probe's #BP to the end of its step",
  image: 'kprobes',
  scope: 'one-core',
  variants: [
    { name: 'missed', title: 'a hit inside a hit is stepped and counted', expected: 'ok', step: 'tf' },
    { name: 'missed-int3', title: 'the same with an INT3 behind the copy', expected: 'ok', step: 'int3' },
    {
      name: 'handlers-run',
      title: 'a hit inside a hit is treated as a first one',
      expected: 'violation',
      shows: { check: 'assertion' },
      step: 'tf',
      noReentry: true,
    },
    {
      name: 'handlers-run-int3',
      title: 'the same with an INT3 behind the copy',
      expected: 'violation',
      shows: { check: 'I1' },
      step: 'int3',
      noReentry: true,
    },
    {
      name: 'second-probe',
      title: 'the #DB of that step hits one more',
      expected: 'violation',
      shows: { check: 'assertion' },
      step: 'tf',
      second: true,
    },
    { name: 'second-probe-int3', title: 'the same probes with an INT3 behind the copy', expected: 'ok', step: 'int3', second: true },
  ],
  build(image, variant, cell, engine) {
    const world = kprobeWorld(image, cell, { engine, step: variant.step });
    const { lab } = world;
    lab.configure({ kprobe_reentry: variant.noReentry === true ? 0 : 1, nmi_fn: lab.symbol('nmi_probed_fn'), bust_kprobes: 1 });
    const names = ['probed_fn', 'nmi_probed_fn', ...(variant.second === true ? ['debug_read_clear_dr6'] : [])];
    const probes = names.map((name) => probeSite(world, name));
    probeAndCall(world, probes, ['probed_fn'], { nmi: true });
    world.wantedWitnesses = ['a handler ran', 'a hit inside a hit', 'a step was completed'];
    return world;
  },
});
