import { defineScenario, type Variant } from '../scenario.ts';
import { type Registration, unregisterWorld } from './unregister-world.ts';

interface DoubleFetch extends Variant {
  readonly registration: Registration;
}

const BASE: Registration = {
  probes: ['A', 'B'],
  steps: [['tracepoint_probe_unregister', 'B']],
  switches: { remove: 'REMOVE_SENTINEL' },
};

/** Version 2 of "tracepoint: Do not fail unregistering a probe due to memory failure". */
export const doubleFetch = defineScenario<DoubleFetch>({
  name: 'unregister/double-fetch',
  alias: 'U-2',
  title: 'an iterator reads twice and calls a sentinel',
  story:
    'Without memory the removal puts the value 1 into the slot, and iterators skip a function of 1. A compiler that knows of no other writer may read the slot ' +
    'once for the test and once for the call; between the two the removal writes, and the iterator jumps to address 1.',
  window: "between the iterator's test of the function and its second load",
  image: 'unregister',
  scope: 'two-victims',
  variants: [
    {
      name: 'reload',
      title: 'the compiler reads the slot twice',
      mutant: 'unregister: the slot is read twice',
      expected: 'violation',
      shows: { check: 'exception' },
      registration: { ...BASE, reader: 'sentinel_reload' },
    },
    {
      name: 'no-test',
      title: 'a path that calls without the test',
      expected: 'violation',
      shows: { check: 'exception' },
      registration: { ...BASE, reader: 'event' },
    },
    {
      name: 'read-once',
      title: 'READ_ONCE() of the slot',
      expected: 'ok',
      registration: { ...BASE, reader: 'sentinel' },
    },
    {
      name: 'stub-reload',
      title: 'a stub in place of the sentinel: either function may be called, and the first is there until a grace period is over',
      expected: 'ok',
      history: 'tracepoint: Do not fail unregistering a probe due to memory failure',
      registration: { ...BASE, reader: 'reload', switches: { remove: 'REMOVE_STUB', stub_fn: 'tp_stub_func' } },
    },
  ],
  build: (image, variant, cell, engine) => unregisterWorld(image, cell, variant.registration, engine),
});
