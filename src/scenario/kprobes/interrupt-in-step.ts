import { defineScenario, type Variant } from '../scenario.ts';
import { kprobeWorld, probeAndCall, probeSite, type StepEra } from './kprobe-world.ts';

interface InterruptInStep extends Variant {
  readonly step: StepEra;
  readonly keepIf?: true;
  /** What disturbs the step: an interrupt and an NMI at any place, or a fault of the copy itself. */
  readonly by: 'interrupt' | 'fault';
  readonly noFixup?: true;
}

/** What may come between the two halves of a step. */
export const interruptInStep = defineScenario<InterruptInStep>({
  name: 'kprobes/interrupt-in-step',
  alias: 'K6',
  title: 'an interrupt, or a fault, while the copy runs',
  story:
    'While the copy of a probed instruction runs, one more probe can be hit and no third. So interrupts are off there, by the saved flags, and what the ' +
    'interrupted code had comes back behind the step. With interrupts left on, the handler of one hits the probe on irq_probed_fn(), an NMI in its step ' +
    'the one on nmi_probed_fn(), and no level is left. A page fault of the copy must look like one of the probed instruction, or its entry in the ' +
    'exception table is not found.',
  window: 'while the copy of the probed instruction runs',
  image: 'kprobes',
  scope: 'one-core',
  variants: [
    { name: 'if-cleared', title: 'IF is cleared in the saved flags, single step', expected: 'ok', step: 'tf', by: 'interrupt' },
    {
      name: 'if-cleared-int3',
      title: 'IF is cleared in the saved flags, INT3 behind the copy',
      expected: 'ok',
      step: 'int3',
      by: 'interrupt',
    },
    {
      name: 'if-left',
      title: 'IF is left on, single step',
      expected: 'violation',
      shows: { check: 'assertion' },
      step: 'tf',
      keepIf: true,
      by: 'interrupt',
      mutant: 'kprobes: leave IF set in step',
    },
    {
      name: 'if-left-int3',
      title: 'IF is left on, INT3 behind the copy',
      expected: 'violation',
      shows: { check: 'assertion' },
      step: 'int3',
      keepIf: true,
      by: 'interrupt',
      mutant: 'kprobes: leave IF set in step',
    },
    { name: 'fault', title: 'a fault of the copy is taken back to the probed instruction', expected: 'ok', step: 'tf', by: 'fault' },
    { name: 'fault-int3', title: 'the same with an INT3 behind the copy', expected: 'ok', step: 'int3', by: 'fault' },
    {
      name: 'fault-at-the-copy',
      title: 'a fault of the copy stays there',
      expected: 'violation',
      shows: { check: 'exception' },
      step: 'tf',
      by: 'fault',
      noFixup: true,
    },
  ],
  build(image, variant, cell, engine) {
    const world = kprobeWorld(image, cell, { engine, step: variant.step });
    const { lab } = world;
    lab.configure({
      kprobe_keep_if: variant.keepIf === true ? 1 : 0,
      kprobe_fault_fixup: variant.noFixup === true ? 0 : 1,
      irq_fn: lab.symbol('irq_probed_fn'),
      nmi_fn: lab.symbol('nmi_probed_fn'),
    });
    if (variant.by === 'fault') {
      probeAndCall(world, [probeSite(world, 'probed_get_user')], ['probed_get_user', 'probed_get_user']);
      world.wantedWitnesses = ['a handler ran', 'a fault was fixed up'];
      return world;
    }
    const probes = ['probed_fn', 'irq_probed_fn', 'nmi_probed_fn'].map((name) => probeSite(world, name));
    probeAndCall(world, probes, ['probed_fn'], { vector: lab.abi('LAB_IRQ_VECTOR'), nmi: true, anywhere: false });
    world.wantedWitnesses = ['a handler ran', 'a hit inside a hit', 'a step was completed'];
    return world;
  },
});
