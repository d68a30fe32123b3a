import { noinstrChecker } from '../../explore/checkers/noinstr.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { kprobeWorld, probeAndCall, probeSite } from './kprobe-world.ts';

interface EntryRecursion extends Variant {
  /** register_kprobe() refuses what is noinstr. */
  readonly blacklist?: true;
  /** The entry path is noinstr, whoever looks. */
  readonly noinstr?: true;
  readonly deep?: true;
  /** do_int3() returns at once when it is inside itself. */
  readonly inTracer?: true;
}

/** A probe on what the #BP entry calls before it looks for probes. */
export const entryRecursion = defineScenario<EntryRecursion>({
  name: 'kprobes/entry-recursion',
  alias: 'K1',
  title: 'a probe on what #BP entry calls first',
  story:
    'do_int3() calls ist_enter(), which tells RCU, and only behind it looks whether this core is in a probe already. With a probe on ist_enter() each #BP ' +
    'takes another one there before anybody can notice. Every level costs an exception frame and a struct pt_regs, until the stack runs into its guard ' +
    'page: the #PF finds no stack either and becomes #DF. Such functions must not be probed.',
  window: 'from the delivery of the #BP to the test for recursion, which never comes',
  image: 'kprobes',
  scope: 'one-core',
  variants: [
    {
      name: 'probed',
      title: 'ist_enter() is probed',
      mutant: 'kprobes: a probe on what entry calls first',
      expected: 'violation',
      shows: { check: 'I6' },
    },
    {
      name: 'probed-to-the-guard-page',
      title: 'the same until the stack ends: #PF without a stack is #DF',
      expected: 'violation',
      shows: { check: 'I6' },
      deep: true,
    },
    {
      name: 'return-when-inside',
      title: 'a per-CPU flag is tested first, and its #BP returns at once',
      expected: 'violation',
      shows: { check: 'I2' },
      inTracer: true,
    },
    {
      name: 'noinstr-not-checked',
      title: 'ist_enter() is noinstr, and registration does not look',
      expected: 'violation',
      shows: { check: 'I12' },
      noinstr: true,
    },
    {
      name: 'prohibited',
      title: 'registration refuses what runs before kprobe_int3_handler()',
      expected: 'ok',
      noinstr: true,
      blacklist: true,
      history: 'x86/kprobes: Prohibit probing on functions before kprobe_int3_handler()',
    },
  ],
  build(image, variant, cell, engine) {
    const world = kprobeWorld(image, cell, { engine, deep: variant.deep === true });
    const { lab } = world;
    lab.configure({ kprobe_blacklist: variant.blacklist === true ? 1 : 0, kprobe_in_tracer: variant.inTracer === true ? 1 : 0 });
    if (variant.noinstr === true)
      world.checkers.push(noinstrChecker({ start: lab.symbol('__noinstr_text_start'), end: lab.symbol('__noinstr_text_end') }));
    const probes = [probeSite(world, 'probed_fn'), probeSite(world, 'ist_enter', { stays: variant.blacklist !== true })];
    probeAndCall(world, probes, ['probed_fn']);
    if (variant.blacklist === true) world.wantedWitnesses = ['a probe was refused', 'a handler ran', 'a step was completed'];
    return world;
  },
});
