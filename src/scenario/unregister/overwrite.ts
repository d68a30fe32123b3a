import { defineScenario, type Variant } from '../scenario.ts';
import { type Registration, unregisterWorld } from './unregister-world.ts';

interface Overwrite extends Variant {
  readonly registration: Registration;
}

/* Both removals before anything is freed: what is freed would be found first. */
const BASE: Registration = {
  probes: ['A', 'B', 'C'],
  steps: [
    ['remove_only', 'A'],
    ['remove_only', 'B'],
  ],
  witnesses: ['probe called'],
};

/** Version 4 of "tracepoint: Do not fail unregistering a probe due to memory failure": no allocation at all. */
export const overwrite = defineScenario<Overwrite>({
  name: 'unregister/overwrite',
  alias: 'U-4a',
  title: 'a removal overwrites what a reader walks',
  story:
    'A removal that never allocates builds its result in space that was put aside at registration: two halves, in turn. The second removal overwrites the half that ' +
    'the first one replaced; an iterator that entered it before reads the function of one probe and the data of another. The second must wait until readers have left.',
  window: "between the iterator's loads of function and data, over two removals",
  image: 'unregister',
  scope: 'one-victim',
  variants: [
    {
      name: 'no-wait',
      title: 'the second removal does not wait for readers',
      mutant: 'unregister: no wait for readers of the space that is used again',
      expected: 'violation',
      shows: { check: 'I3' },
      registration: { ...BASE, switches: { remove: 'REMOVE_HALVES', halves_wait: 0 } },
    },
    {
      name: 'wait',
      title: 'a grace period between publishing one half and building in the other',
      expected: 'ok',
      registration: { ...BASE, switches: { remove: 'REMOVE_HALVES' } },
    },
  ],
  build: (image, variant, cell, engine) => unregisterWorld(image, cell, variant.registration, engine),
});
