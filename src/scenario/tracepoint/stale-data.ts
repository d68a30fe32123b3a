import { defineScenario } from '../scenario.ts';
import { type Chain, probe, type TracepointVariant, tracepointSizes, tracepointWorld } from './tracepoint-world.ts';
import { versions } from './versions.ts';

const A = probe('a', 1);
const B = probe('b', 1);
/** probe_a was registered with data_b once, so that probe_a(data_b), which is the next scenario, is not what this one finds. */
const CHAIN: Chain = { start: [A], steps: [{ remove: A }, { add: B }], before: [probe('a', 1, 'b')] };

/** 1->0->1: data that was loaded before meets the new function. */
export const staleData = defineScenario<TracepointVariant>({
  name: 'tracepoint/stale-data',
  alias: 'T-R2',
  title: '1->0->1: stale data meets the new function',
  story:
    'A caller has loaded data_a and stalls, preemption off. probe_a is unregistered and probe_b registered, which makes the call site call probe_b. The caller ' +
    'goes on and calls probe_b with data_a. No IPI helps, the caller is merely slow: somebody must wait for it between 1->0 and 0->1.',
  window: 'between W1 and W2: as long as preemption is off',
  image: 'tracepoint',
  scope: 'one-victim',
  sizes: tracepointSizes,
  twoVictims: ['t3', 't4'],
  variants: [
    ...versions(CHAIN, { T0: 'violation', T1: 'violation', T2: 'violation', T3: 'ok', T4: 'ok' }),
    {
      name: 't4-srcu',
      title: 'T4, readers hold an SRCU lock and may be preempted; registration waits for SRCU',
      expected: 'ok',
      version: 'T4',
      mode: 'full',
      chain: CHAIN,
      srcu: 'srcu',
      preempt: true,
    },
    {
      name: 't4-srcu-waits-for-rcu',
      title: 'the same, but registration waits for RCU',
      expected: 'violation',
      shows: { check: 'I3' },
      version: 'T4',
      mode: 'fast',
      chain: CHAIN,
      srcu: 'rcu',
      preempt: true,
    },
  ],
  build: tracepointWorld,
});
