import { defineScenario } from '../scenario.ts';
import { type Chain, probe, type TracepointVariant, tracepointSizes, tracepointWorld } from './tracepoint-world.ts';
import { versions } from './versions.ts';

const A = probe('a', 1);
const B = probe('b', 2);
const CHAIN: Chain = { start: [A], steps: [{ add: B }, { remove: A }] };

/** 1->2->1: element 0 changes when the second probe comes. */
export const oneTwoOne = defineScenario<TracepointVariant>({
  name: 'tracepoint/one-two-one',
  alias: 'T-R5',
  title: '1->2->1: element 0 changes with the newcomer',
  story:
    'probe_b comes with a higher priority, then probe_a goes: element 0 is probe_b before and behind the last step, which therefore does not wait. A caller that ' +
    'loaded data_a at the beginning calls probe_b with it.',
  window: 'between W1 and W2, over an addition and a removal',
  image: 'tracepoint',
  scope: 'one-victim',
  sizes: tracepointSizes,
  twoVictims: ['t3', 't4'],
  variants: [...versions(CHAIN, { T0: 'violation', T1: 'violation', T2: 'violation', T3: 'ok', T4: 'ok' })],
  build: tracepointWorld,
});
