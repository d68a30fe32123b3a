import { defineScenario, type Variant } from '../scenario.ts';
import { type Registration, unregisterWorld } from './unregister-world.ts';

interface AtomicContext extends Variant {
  readonly registration: Registration;
}

const ATOMIC: Registration = {
  probes: ['A', 'B', 'C'],
  steps: [
    ['remove_in_atomic_context', 'A'],
    ['remove_in_atomic_context', 'B'],
  ],
  switches: { remove: 'REMOVE_HALVES' },
  witnesses: ['probe called'],
};

/** The objection to version 4 of "tracepoint: Do not fail unregistering a probe due to memory failure". */
export const atomicContext = defineScenario<AtomicContext>({
  name: 'unregister/atomic-context',
  alias: 'U-4b',
  title: 'a removal sleeps where nobody may',
  story:
    'A removal that reuses space waits for a grace period. Called with preemption off it sleeps where nobody may, and the grace period waits for the caller itself: ' +
    'it never ends. Which of its callers are in atomic context is hard to know, since the second removal in a row is what waits.',
  window: 'the removal itself',
  image: 'unregister',
  scope: 'one-victim',
  variants: [
    {
      name: 'atomic',
      title: 'preemption is off',
      mutant: 'unregister: synchronize_rcu() with preemption off',
      expected: 'violation',
      shows: { check: 'I10' },
      registration: ATOMIC,
    },
    {
      name: 'atomic-unchecked',
      title: 'preemption is off, and nothing checks for it',
      expected: 'violation',
      shows: { check: 'I13' },
      registration: { ...ATOMIC, switches: { ...ATOMIC.switches, sleep_check: 0 } },
    },
    {
      name: 'atomic-stub',
      title: 'preemption is off, the removal puts in a stub and waits for nobody',
      expected: 'ok',
      history: 'tracepoint: Do not fail unregistering a probe due to memory failure',
      registration: { ...ATOMIC, switches: { stub_fn: 'tp_stub_func' } },
    },
    {
      name: 'sleepable',
      title: 'preemption is on',
      expected: 'ok',
      registration: {
        ...ATOMIC,
        steps: [
          ['remove_only', 'A'],
          ['remove_only', 'B'],
        ],
      },
    },
  ],
  build: (image, variant, cell, engine) => unregisterWorld(image, cell, variant.registration, engine),
});
