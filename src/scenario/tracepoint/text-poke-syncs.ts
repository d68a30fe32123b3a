import type { TracepointVersion } from '../../patch/tracepoint.ts';
import { defineScenario, type Expectation, underPolicies } from '../scenario.ts';
import { type Chain, probe, type TracepointVariant, tracepointSizes, tracepointWorld } from './tracepoint-world.ts';
import { oneStore } from './versions.ts';

const A = probe('a', 1);
const B = probe('b', 2);
const CHAIN: Chain = { start: [A], steps: [{ add: B }] };

/** Only a fetch that may be stale tells the difference; T0 is wrong in any case. */
const WITHOUT_SYNC: Readonly<Record<TracepointVersion, Expectation>> = {
  T0: 'violation',
  T1: underPolicies(['coherent', 'zen3'], 'ok', 'violation'),
  T2: underPolicies(['coherent', 'zen3'], 'ok', 'violation'),
  T3: underPolicies(['coherent', 'zen3'], 'ok', 'violation'),
  T4: underPolicies(['coherent', 'zen3'], 'ok', 'violation'),
};

/** What 1->2 owes to the SYNCs of text_poke. */
export const textPokeSyncs = defineScenario<TracepointVariant>({
  name: 'tracepoint/text-poke-syncs',
  alias: 'T-R7',
  title: '1->2 depends on the SYNC of the call site',
  story:
    'The call site goes to the iterator before the new array is published, but what orders the two for a caller? Nothing between a data load and a later instruction fetch. ' +
    'It is the SYNC of text_poke: behind it no core can fetch the old call any more. Without it, a caller loads data_b from the new array and its stale call goes to probe_a ' +
    '(amd-apm; where the manual promises nothing, the sanitizer already reports the stale fetch).',
  window: 'between the load of the new array and the fetch of the call site',
  image: 'tracepoint',
  scope: 'one-victim',
  sizes: tracepointSizes,
  variants: [
    {
      name: 't4',
      title: 'T4 with its SYNCs',
      expected: 'ok',
      version: 'T4',
      mode: 'full',
      chain: CHAIN,
      calls: 1,
    },
    {
      name: 't4-fast',
      title: 'T4, a site changes by one store and a SYNC',
      expected: oneStore('ok'),
      version: 'T4',
      mode: 'fast',
      chain: CHAIN,
      calls: 1,
    },
    ...(['T0', 'T1', 'T2', 'T3', 'T4'] as const).map(
      (version): TracepointVariant => ({
        name: `${version.toLowerCase()}-no-sync`,
        title: `${version}, a site changes by one store, without SYNC`,
        expected: WITHOUT_SYNC[version],
        shows: { check: 'I3' },
        version,
        mode: 'fast',
        chain: CHAIN,
        calls: 1,
        noSync: true,
      }),
    ),
  ],
  build: tracepointWorld,
});
