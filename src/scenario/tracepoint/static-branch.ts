import { defineScenario } from '../scenario.ts';
import { type Chain, probe, type TracepointVariant, tracepointSizes, tracepointWorld } from './tracepoint-world.ts';

const A = probe('a', 1);
const COMES: Chain = { start: [], steps: [{ add: A }] };
const GOES: Chain = { start: [A], steps: [{ remove: A }] };

const base = { version: 'T4', mode: 'full', calls: 1 } as const;

/** The static branch and the array are two things: a caller behind the branch may find no array. */
export const staticBranch = defineScenario<TracepointVariant>({
  name: 'tracepoint/static-branch',
  alias: 'T-R8',
  title: 'the static branch is on and there is no array',
  story:
    'The static branch says that somebody listens, the array says who. A caller that has passed the branch finds no array when the last probe goes meanwhile, or when the branch ' +
    'is enabled before the array is published. So both the caller and the iterator look for NULL.',
  window: 'while the branch says on and the array is not there',
  image: 'tracepoint',
  scope: 'one-victim',
  sizes: tracepointSizes,
  variants: [
    { ...base, name: 'comes', title: '0->1', expected: 'ok', chain: COMES },
    {
      ...base,
      name: 'comes-key-first',
      title: '0->1, the static branch is enabled before the array is published',
      expected: 'ok',
      chain: COMES,
      switches: { keyFirst: true },
    },
    { ...base, name: 'goes', title: '1->0', expected: 'ok', chain: GOES },
    {
      ...base,
      name: 'goes-no-null-test',
      title: '1->0, the caller does not look for NULL',
      expected: 'violation',
      shows: { check: 'exception' },
      mutant: 'tracepoint: no NULL test in the caller',
      chain: GOES,
      configure: { tp_null_test: 0 },
    },
    {
      ...base,
      name: 'goes-no-null-test-in-iterator',
      title: '1->0, the iterator does not look for NULL',
      expected: 'violation',
      shows: { check: 'exception' },
      mutant: 'tracepoint: no NULL test in the iterator',
      chain: GOES,
      configure: { tp_iterator_null_test: 0 },
    },
    {
      ...base,
      name: 'comes-key-first-no-null-test',
      title: '0->1, the static branch first, the caller does not look for NULL',
      expected: 'violation',
      shows: { check: 'exception' },
      chain: COMES,
      switches: { keyFirst: true },
      configure: { tp_null_test: 0 },
    },
    {
      ...base,
      name: 'comes-no-null-test',
      title: '0->1 in the right order, the caller does not look for NULL',
      expected: 'ok',
      chain: COMES,
      configure: { tp_null_test: 0 },
    },
  ],
  build: tracepointWorld,
});
