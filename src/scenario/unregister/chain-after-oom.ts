import { defineScenario, type Variant } from '../scenario.ts';
import { type Registration, type Step, unregisterWorld } from './unregister-world.ts';

interface ChainAfterOom extends Variant {
  readonly registration: Registration;
}

const UNREGISTER_A: Step = ['tracepoint_probe_unregister', 'A'];
const UNREGISTER_B: Step = ['tracepoint_probe_unregister', 'B'];
const UNREGISTER_C: Step = ['tracepoint_probe_unregister', 'C'];
const REGISTER_C: Step = ['tracepoint_probe_register', 'C'];
const STUB = { remove: 'REMOVE_STUB', stub_fn: 'tp_stub_func' };
const WITNESSES = ['probe called', 'kmalloc fails', 'stub called'];
const FIRST_OF_THREE: Registration = { probes: ['A', 'B', 'C'], steps: [UNREGISTER_A, UNREGISTER_B], fails: 'first', witnesses: WITNESSES };

/** The states behind a removal without memory in "tracepoint: Do not fail unregistering a probe due to memory failure". */
export const chainAfterOom = defineScenario<ChainAfterOom>({
  name: 'unregister/chain-after-oom',
  title: 'a stub at the next removal or registration',
  story:
    'The array with the stub stays until something else happens to the tracepoint. The next removal counts stubs as removed: when nobody else is left, the array ' +
    'goes. The next registration leaves them out. Count and copy must agree on them.',
  window: 'the next change of an array that holds a stub',
  image: 'unregister',
  scope: 'one-victim',
  variants: [
    {
      name: 'remove',
      title: 'A fails, then B, the last one: no array is left',
      expected: 'ok',
      history: 'tracepoint: Do not fail unregistering a probe due to memory failure',
      registration: { probes: ['A', 'B'], steps: [UNREGISTER_A, UNREGISTER_B], switches: STUB, witnesses: WITNESSES },
    },
    {
      name: 'remove-of-three',
      title: 'A fails, B finds memory: [stub, B, C] becomes [C]',
      expected: 'ok',
      history: 'tracepoint: Do not fail unregistering a probe due to memory failure',
      registration: { ...FIRST_OF_THREE, switches: STUB },
    },
    {
      name: 'add',
      title: 'A fails, C is added: [stub, B] becomes [B, C]',
      expected: 'ok',
      history: 'tracepoint: Do not fail unregistering a probe due to memory failure',
      registration: { probes: ['A', 'B'], steps: [UNREGISTER_A, REGISTER_C], switches: STUB, witnesses: WITNESSES },
    },
    {
      name: 'all-fail',
      title: 'A fails, B fails, C is the last one',
      expected: 'ok',
      history: 'tracepoint: Do not fail unregistering a probe due to memory failure',
      registration: { probes: ['A', 'B', 'C'], steps: [UNREGISTER_A, UNREGISTER_B, UNREGISTER_C], switches: STUB, witnesses: WITNESSES },
    },
    {
      name: 'stubs-counted',
      title: 'stubs count as probes that are left: the array stays without a probe',
      expected: 'violation',
      shows: { check: 'assertion' },
      mutant: 'removal: count stubs as probes',
      registration: {
        probes: ['A', 'B'],
        steps: [UNREGISTER_A, UNREGISTER_B],
        switches: { ...STUB, stubs: 'STUBS_COUNTED' },
        witnesses: WITNESSES,
      },
    },
    {
      name: 'stubs-copied',
      title: 'stubs do not count but are copied: [stub, C] where there is room for [C]',
      expected: 'violation',
      shows: { check: 'assertion' },
      mutant: 'removal: copy stubs that were not counted',
      registration: { ...FIRST_OF_THREE, switches: { ...STUB, stubs: 'STUBS_COPIED' } },
    },
  ],
  build: (image, variant, cell, engine) => unregisterWorld(image, cell, variant.registration, engine),
});
