import { defineScenario, type Variant } from '../scenario.ts';
import { ftraceWorld } from './fentry.ts';

interface Recursion extends Variant {
  /** `cfg_recursion_*`. */
  readonly bits: 'RECURSION_PER_LEVEL' | 'RECURSION_ONE';
  readonly late?: true;
  /** The callback calls nothing that is traced. */
  readonly noHelper?: true;
  readonly transition?: false;
  /** What the NMI does: calls a traced function, or one in its entry too, before it counts as an NMI. */
  readonly nmi?: 'recursion_nmi_fn' | 'recursion_nmi_entry_fn';
}

/** What keeps a tracer from tracing itself. */
export const recursion = defineScenario<Recursion>({
  name: 'ftrace/recursion',
  alias: 'B28',
  title: 'a callback calls what it traces',
  story:
    'A callback calls a function that is traced itself. A bit of the context that it runs in says that it is there already, and ends that; taken behind the call it ends ' +
    'nothing, and the stack runs into its guard page. One bit for all contexts loses what an NMI does while a task is in the callback. And what is traced ' +
    'in the entry of the NMI, before the core counts as being in one, needs a bit for the way in between, which a callback that recurses in its own context uses up.',
  window: 'from the entry of the callback to the moment its bit is set',
  image: 'ftrace',
  scope: 'one-core',
  variants: [
    {
      name: 'late',
      title: 'the bit is taken behind the call of a traced function',
      mutant: 'ftrace: the recursion bit is taken behind something traceable',
      expected: 'violation',
      shows: { check: 'I6' },
      bits: 'RECURSION_PER_LEVEL',
      late: true,
    },
    { name: 'bit', title: 'the bit is taken first', expected: 'ok', bits: 'RECURSION_PER_LEVEL' },
    {
      name: 'one-bit.nmi',
      title: 'one bit for all contexts, and an NMI',
      expected: 'violation',
      shows: { check: 'assertion' },
      bits: 'RECURSION_ONE',
      transition: false,
      nmi: 'recursion_nmi_fn',
    },
    {
      name: 'bit-per-level.nmi',
      title: 'a bit for each context, and an NMI',
      expected: 'ok',
      bits: 'RECURSION_PER_LEVEL',
      transition: false,
      nmi: 'recursion_nmi_fn',
    },
    {
      name: 'no-transition-bit.nmi-entry',
      title: 'the entry of the NMI is traced, and no bit for it',
      expected: 'violation',
      shows: { check: 'assertion' },
      bits: 'RECURSION_PER_LEVEL',
      noHelper: true,
      transition: false,
      nmi: 'recursion_nmi_entry_fn',
    },
    {
      name: 'transition-bit.nmi-entry',
      title: 'the entry of the NMI is traced, with a bit for it',
      expected: 'ok',
      bits: 'RECURSION_PER_LEVEL',
      noHelper: true,
      nmi: 'recursion_nmi_entry_fn',
      history: 'ftrace: Handle tracing when switching between context',
    },
    {
      name: 'transition-bit.used-up',
      title: 'that bit, and a callback that calls what is traced: it uses it up',
      expected: 'violation',
      shows: { check: 'assertion' },
      bits: 'RECURSION_PER_LEVEL',
      nmi: 'recursion_nmi_entry_fn',
    },
  ],
  build(image, variant, cell, engine) {
    const world = ftraceWorld(image, cell, engine);
    const { lab } = world;
    lab.configure({
      recursion_bits: lab.abi(variant.bits),
      recursion_helper: variant.noHelper === true ? 0 : 1,
      recursion_late: variant.late === true ? 1 : 0,
      recursion_transition: variant.transition === false ? 0 : 1,
      ...(variant.nmi === undefined ? {} : { nmi_fn: lab.symbol(variant.nmi) }),
    });
    world.wantedWitnesses = ['an event was recorded', ...(variant.nmi === undefined ? [] : ['an NMI came into the callback'])];
    world.add({
      core: 0,
      entry: 'victim_main',
      calls: ['recursion_task_fn'],
      ...(variant.nmi === undefined ? {} : { pendingNmi: true, interruptAnywhere: true }),
    });
    return world;
  },
});
