import { defineScenario } from '../scenario.ts';
import { type Chain, probe, type TracepointVariant, tracepointSizes, tracepointWorld } from './tracepoint-world.ts';
import { versions } from './versions.ts';

const [A, B, C] = [probe('a', 3), probe('b', 2), probe('c', 1)];
const CHAIN: Chain = { start: [A, B, C], steps: [{ remove: A }, { remove: C }] };

/** 3->2->1: element 0 changes in the first step only. */
export const threeTwoOne = defineScenario<TracepointVariant>({
  name: 'tracepoint/three-two-one',
  alias: 'T-R4',
  title: '3->2->1: element 0 changes before the last step',
  story:
    'Of three probes the first is removed, then the last: element 0 is the same before and behind the last step, which therefore does not wait. A caller that ' +
    'loaded data_a from the array of three calls probe_b with it when the call site goes from the iterator to probe_b.',
  window: 'between W1 and W2, over two removals',
  image: 'tracepoint',
  scope: 'one-victim',
  sizes: tracepointSizes,
  twoVictims: ['t3', 't4'],
  variants: [...versions(CHAIN, { T0: 'violation', T1: 'violation', T2: 'violation', T3: 'ok', T4: 'ok' })],
  build: tracepointWorld,
});
