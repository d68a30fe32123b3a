import { defineScenario, type Variant } from '../scenario.ts';
import { type Registration, unregisterWorld } from './unregister-world.ts';

interface LostCallbacks extends Variant {
  readonly registration: Registration;
}

const THREE: Pick<Registration, 'probes' | 'steps'> = { probes: ['A', 'B', 'C'], steps: [['tracepoint_probe_unregister', 'B']] };
const LAST: Pick<Registration, 'probes' | 'steps'> = { probes: ['A', 'B'], steps: [['tracepoint_probe_unregister', 'B']] };

/** The first idea for a removal that cannot fail, and why it is none. */
export const lostCallbacks = defineScenario<LostCallbacks>({
  name: 'unregister/lost-callbacks',
  title: 'a NULL in the middle of the array ends it',
  story:
    'Without memory for a smaller array the removal could clear the function of its slot. But NULL is how an array ends: iterators stop there, and the ' +
    'probes behind the slot, which are registered as before, are not called any more. An iterator that has seen the function and reads it again calls NULL.',
  window: 'any walk over an array with a hole',
  image: 'unregister',
  scope: 'one-victim',
  variants: [
    {
      name: 'null',
      title: 'the slot gets NULL',
      expected: 'violation',
      shows: { check: 'assertion' },
      registration: { ...THREE, switches: { remove: 'REMOVE_NULL' } },
    },
    {
      name: 'null-last',
      title: 'the slot of the last probe gets NULL: nobody is behind it, but the iterator reads the slot twice',
      expected: 'violation',
      shows: { check: 'exception' },
      registration: { ...LAST, switches: { remove: 'REMOVE_NULL' } },
    },
    {
      name: 'stub',
      title: 'the slot gets a stub',
      expected: 'ok',
      history: 'tracepoint: Do not fail unregistering a probe due to memory failure',
      registration: {
        ...THREE,
        switches: { remove: 'REMOVE_STUB', stub_fn: 'tp_stub_func' },
        witnesses: ['probe called', 'kmalloc fails', 'stub called'],
      },
    },
    {
      name: 'memory',
      title: 'the slot would get NULL, but there is memory',
      expected: 'ok',
      registration: { ...THREE, fails: 'none', switches: { remove: 'REMOVE_NULL' }, witnesses: ['probe called'] },
    },
  ],
  build: (image, variant, cell, engine) => unregisterWorld(image, cell, variant.registration, engine),
});
