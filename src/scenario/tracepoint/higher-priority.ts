import { defineScenario } from '../scenario.ts';
import { type Chain, probe, type TracepointVariant, tracepointSizes, tracepointWorld } from './tracepoint-world.ts';
import { versions } from './versions.ts';

const A = probe('a', 1);
const B = probe('b', 2);
const CHAIN: Chain = { start: [A], steps: [{ add: B }] };

/** 1->2 with a newcomer of higher priority. */
export const higherPriority = defineScenario<TracepointVariant>({
  name: 'tracepoint/higher-priority',
  alias: 'T-R1',
  title: '1->2, higher priority: new data, old function',
  story:
    'probe_a is registered, and the call site calls it directly. probe_b comes with a higher priority, so that element 0 of the new array is ' +
    'probe_b with data_b. Where the array is published before the call site is made to call the iterator, a caller loads data_b and calls probe_a with it.',
  window: "between W1, the load of element 0's data, and W2, the call",
  image: 'tracepoint',
  scope: 'two-victims',
  sizes: tracepointSizes,
  threeVictims: ['t4'],
  variants: [
    ...versions(CHAIN, { T0: 'violation', T1: 'ok', T2: 'ok', T3: 'ok', T4: 'ok' }, { calls: 1 }),
    {
      name: 't0-trampoline',
      title: 'T0, the caller goes through the trampoline of the static call',
      expected: 'violation',
      shows: { check: 'I3' },
      version: 'T0',
      mode: 'full',
      chain: CHAIN,
      trampoline: true,
      calls: 1,
    },
    {
      name: 't1-trampoline',
      title: 'T1, the caller goes through the trampoline of the static call',
      expected: 'ok',
      version: 'T1',
      mode: 'full',
      chain: CHAIN,
      trampoline: true,
      calls: 1,
    },
  ],
  build: tracepointWorld,
});
