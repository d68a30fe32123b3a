import type { TracepointVersion } from '../../patch/tracepoint.ts';
import { defineScenario } from '../scenario.ts';
import { type Chain, moduleProbe, probe, type TracepointVariant, tracepointSizes, tracepointWorld } from './tracepoint-world.ts';

const A = probe('a', 1);
const B = probe('b', 1);
const MODULE = moduleProbe(1, 'a');
const LAST: Chain = { start: [A], steps: [{ remove: A }, 'synchronize', { gone: A }] };
const ONE_OF_TWO: Chain = { start: [A, B], steps: [{ remove: A }, 'synchronize', { gone: A }] };
const AT_ONCE: Chain = { start: [A], steps: [{ remove: A }, { gone: A }] };
const RELOADED: Chain = { start: [MODULE], steps: [{ remove: MODULE }, 'synchronize', 'unload', { add: B }] };

/** What T2 and T3 change has no part in this. */
const VERSIONS = ['T0', 'T1', 'T4'] as const satisfies readonly TracepointVersion[];

/** What unregistering and a grace period promise: nobody enters the probe any more. */
export const afterUnregister = defineScenario<TracepointVariant>({
  name: 'tracepoint/after-unregister',
  title: 'who may still enter a probe that was unregistered',
  story:
    'A probe is unregistered, tracepoint_synchronize_unregister() waits for the readers, and then its owner may count on nobody entering it. The call site is what could break ' +
    'that: v5.10 left it on the old probe, and a caller that was preempted between the static branch and its read lock comes back when the next probe is registered.',
  window: 'from the taken static branch to the callback',
  image: 'tracepoint',
  scope: 'one-victim',
  sizes: tracepointSizes,
  variants: [
    {
      name: 't4-at-once',
      title: 'T4, the probe is taken for gone without any waiting',
      expected: 'violation',
      shows: { check: 'I4' },
      version: 'T4',
      mode: 'full',
      chain: AT_ONCE,
    },
    ...VERSIONS.flatMap((version): TracepointVariant[] => {
      const base = { version, mode: 'full', expected: 'ok', preempt: true } as const;
      const name = version.toLowerCase();
      return [
        { ...base, name: `${name}-last`, title: `${version}, 1->0`, chain: LAST, calls: 1 },
        { ...base, name: `${name}-one-of-two`, title: `${version}, 2->1`, chain: ONE_OF_TWO },
        {
          ...base,
          name: `${name}-module`,
          title: `${version}, a module's probe goes with its text, and another one comes`,
          chain: RELOADED,
          preempt: 'anywhere',
          calls: 1,
          ...(version === 'T0' ? { expected: 'violation', shows: { check: 'I5' } } : {}),
        },
      ];
    }),
    {
      name: 't4-srcu',
      title: 'T4, readers hold an SRCU lock and the owner waits for SRCU',
      expected: 'ok',
      version: 'T4',
      mode: 'full',
      chain: LAST,
      calls: 1,
      srcu: 'srcu',
      preempt: true,
    },
    {
      name: 't4-srcu-waits-for-rcu',
      title: 'the same, but the owner waits for RCU',
      expected: 'violation',
      shows: { check: 'I4' },
      version: 'T4',
      mode: 'full',
      chain: LAST,
      calls: 1,
      srcu: 'rcu',
      preempt: true,
    },
  ],
  build: tracepointWorld,
});
