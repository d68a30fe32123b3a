import type { TracepointVersion } from '../../patch/tracepoint.ts';
import { defineScenario, type ExpectedVerdict } from '../scenario.ts';
import { type Chain, moduleProbe, probe, type TracepointVariant, tracepointSizes, tracepointWorld } from './tracepoint-world.ts';

const MODULE = moduleProbe(2, 'a');
const B = probe('b', 1, 'a');
const UNLOAD: Chain = { start: [MODULE, B], steps: [{ remove: MODULE }, 'unload'] };
const WAIT_AND_UNLOAD: Chain = { start: [MODULE, B], steps: [{ remove: MODULE }, 'synchronize', 'unload'] };

const UNLOADED_AT_ONCE: Readonly<Record<TracepointVersion, ExpectedVerdict>> = {
  T0: 'ok',
  T1: 'ok',
  T2: 'violation',
  T3: 'ok',
  T4: 'violation',
};
const VERSIONS = Object.keys(UNLOADED_AT_ONCE) as TracepointVersion[];

/** Two functions with one data: the other half of what tells comparing func from comparing data. */
export const sharedData = defineScenario<TracepointVariant>({
  name: 'tracepoint/shared-data',
  title: 'two callbacks, one data: a module goes',
  story:
    'module_probe and probe_b share data_a; the first goes, and the call site goes from the iterator to probe_b. Whoever compares func waits there, whoever compares data need not: ' +
    'probe_b(data_a) is right. So unregistering has not waited for callers of the iterator that are about to enter module_probe, and the module must, before its text goes.',
  window: 'between W2 and the last instruction of the callback',
  image: 'tracepoint',
  scope: 'one-victim',
  sizes: tracepointSizes,
  variants: [
    ...VERSIONS.map(
      (version): TracepointVariant => ({
        name: `${version.toLowerCase()}-wait-and-unload`,
        title: `${version}, the module goes behind a grace period`,
        expected: 'ok',
        version,
        mode: 'full',
        chain: WAIT_AND_UNLOAD,
      }),
    ),
    ...VERSIONS.map(
      (version): TracepointVariant => ({
        name: `${version.toLowerCase()}-unload`,
        title: `${version}, the module goes at once`,
        expected: UNLOADED_AT_ONCE[version],
        ...(UNLOADED_AT_ONCE[version] === 'violation' ? { shows: { check: 'I5' } } : {}),
        version,
        mode: 'full',
        chain: UNLOAD,
      }),
    ),
  ],
  build: tracepointWorld,
});
