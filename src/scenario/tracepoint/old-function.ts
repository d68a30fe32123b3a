import { defineScenario } from '../scenario.ts';
import { type Chain, probe, type TracepointVariant, tracepointSizes, tracepointWorld } from './tracepoint-world.ts';
import { versions } from './versions.ts';

const A = probe('a', 1);
const B = probe('b', 1);
/** probe_b was registered with data_a once, so that probe_b(data_a), which is the scenario before, is not what this one finds. */
const CHAIN: Chain = { start: [A], steps: [{ remove: A }, { add: B }], before: [probe('b', 1, 'a')] };

/** 1->0->1: the function that was left at the site meets new data. */
export const oldFunction = defineScenario<TracepointVariant>({
  name: 'tracepoint/old-function',
  alias: 'T-R3',
  title: '1->0->1: the function left there, new data',
  story:
    'A caller has passed the static branch and stalls before it loads the array. probe_a is unregistered, and the call site left as it is. probe_b is registered, array ' +
    'first: the caller loads data_b and the site still calls probe_a.',
  window: 'between the taken static branch and the load of the array',
  image: 'tracepoint',
  scope: 'one-victim',
  sizes: tracepointSizes,
  twoVictims: ['t3', 't4'],
  variants: [...versions(CHAIN, { T0: 'violation', T1: 'ok', T2: 'ok', T3: 'ok', T4: 'ok' })],
  build: tracepointWorld,
});
