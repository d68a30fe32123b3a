import { defineScenario, type Variant } from '../scenario.ts';
import { kprobeWorld, probeAndCall, probeSite, type StepEra } from './kprobe-world.ts';

interface IretInTheMiddle extends Variant {
  readonly step: StepEra;
  readonly inTracer?: true;
}

/** "If we are inside a handler already, just return." */
export const iretInTheMiddle = defineScenario<IretInTheMiddle>({
  name: 'kprobes/iret-in-the-middle',
  alias: 'K3',
  title: 'returning at once from a nested #BP',
  story:
    'The handler of the probe on probed_fn() calls handler_probed_fn(), which has a probe of its own. A #BP handler that finds itself inside a handler ' +
    'and simply returns goes on behind the INT3: byte 0 is still cc, and of 48 89 e5 (mov %rsp,%rbp) the core runs 89 e5 (mov %esp,%ebp). What the INT3 ' +
    'stands for must run from a copy.',
  window: 'the return from the nested #BP',
  image: 'kprobes',
  scope: 'one-core',
  variants: [
    {
      name: 'return-at-once',
      title: 'IRET when the flag is set',
      expected: 'violation',
      shows: { check: 'I2' },
      step: 'tf',
      inTracer: true,
    },
    { name: 'step-a-copy', title: 'the copy is stepped, no handler runs', expected: 'ok', step: 'tf' },
    { name: 'int3-behind-the-copy', title: 'the copy runs with an INT3 behind it', expected: 'ok', step: 'int3' },
  ],
  build(image, variant, cell, engine) {
    const world = kprobeWorld(image, cell, { engine, step: variant.step });
    const { lab } = world;
    lab.configure({ kprobe_in_tracer: variant.inTracer === true ? 1 : 0, kprobe_handler_calls: lab.symbol('handler_probed_fn') });
    probeAndCall(world, [probeSite(world, 'probed_fn'), probeSite(world, 'handler_probed_fn')], ['probed_fn']);
    world.wantedWitnesses = ['a handler ran', 'a hit inside a hit', 'a step was completed'];
    return world;
  },
});
