import type { TracepointVersion } from '../../patch/tracepoint.ts';
import { defineScenario, type ExpectedVerdict } from '../scenario.ts';
import { type Chain, probe, type TracepointVariant, tracepointSizes, tracepointWorld } from './tracepoint-world.ts';

const FIRST = probe('a', 2, 'a');
const SECOND = probe('a', 1, 'b');
const REMOVE: Chain = { start: [FIRST, SECOND], steps: [{ remove: FIRST }] };
const FREE: Chain = { ...REMOVE, steps: [...REMOVE.steps, { free: FIRST }] };
const WAIT_AND_FREE: Chain = { ...REMOVE, steps: [...REMOVE.steps, 'synchronize', { free: FIRST }] };

/** Whether the removal itself waited for readers of the data. */
const FREED_AT_ONCE: Readonly<Record<TracepointVersion, ExpectedVerdict>> = {
  T0: 'violation',
  T1: 'violation',
  T2: 'ok',
  T3: 'ok',
  T4: 'ok',
};
const VERSIONS = Object.keys(FREED_AT_ONCE) as TracepointVersion[];

/** One function with two data: no wrong pair, a question of lifetime. */
export const sameCallbackTwice = defineScenario<TracepointVariant>({
  name: 'tracepoint/same-callback-twice',
  alias: 'T-R6',
  title: 'one callback with two data: the first goes',
  story:
    'probe_a is registered with data_a and with data_b; the first goes, and the call site goes from the iterator to probe_a. A caller that loaded data_a before calls ' +
    'probe_a(data_a): a pair that was registered, so that nothing is mixed up. It is wrong only where data_a was freed meanwhile. Until v5.14-rc3 ' +
    'func decided and nobody waited; then data decides, and 2->1 has waited for such callers.',
  window: "between W1 and the callback's use of its data",
  image: 'tracepoint',
  scope: 'one-victim',
  sizes: tracepointSizes,
  variants: [
    {
      name: 't1',
      title: 'T1, the data lives on',
      expected: 'ok',
      version: 'T1',
      mode: 'full',
      chain: REMOVE,
    },
    ...VERSIONS.map(
      (version): TracepointVariant => ({
        name: `${version.toLowerCase()}-wait-and-free`,
        title: `${version}, the data is freed behind a grace period`,
        expected: 'ok',
        version,
        mode: 'full',
        chain: WAIT_AND_FREE,
      }),
    ),
    ...VERSIONS.map(
      (version): TracepointVariant => ({
        name: `${version.toLowerCase()}-free`,
        title: `${version}, the data is freed at once`,
        expected: FREED_AT_ONCE[version],
        ...(FREED_AT_ONCE[version] === 'violation' ? { shows: { check: 'I5' } } : {}),
        version,
        mode: 'full',
        chain: FREE,
      }),
    ),
  ],
  build: tracepointWorld,
});
