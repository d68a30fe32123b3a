import type { TracepointVersion } from '../../patch/tracepoint.ts';
import type { Expectation, ExpectedVerdict } from '../scenario.ts';
import { underPolicies } from '../scenario.ts';
import type { Chain, Mode, TracepointVariant } from './tracepoint-world.ts';

const TITLES: Readonly<Record<TracepointVersion, string>> = {
  T0: 'v5.10: array first, no waiting but where func changes',
  T1: 'v5.14-rc3: the call site first',
  T2: 'v5.14: 2->1 waits where data changes',
  T3: 'v5.14: 1->0 goes to the iterator; 1->0 and 2->1 always wait',
  T4: 'v5.14 to today: waits only for grace periods that did not pass anyway',
};

/** Commit subjects: of what introduced each version. */
const HISTORY: Readonly<Record<TracepointVersion, string>> = {
  T0: 'tracepoint: Optimize using static_call()',
  T1: 'tracepoints: Update static_call before tp_funcs when adding a tracepoint',
  T2: 'tracepoint: static call: Compare data on transition from 2->1 callees',
  T3: 'tracepoint: Fix static call function vs data state mismatch',
  T4: 'tracepoint: Use rcu get state and cond sync for static call updates',
};

/** What one store into text is worth: AMD promises one of the two instructions, the SDM nothing. */
export const oneStore = (verdict: ExpectedVerdict): Expectation =>
  verdict === 'violation' ? 'violation' : underPolicies(['coherent', 'zen3', 'amd-apm'], 'ok', 'violation');

/** Every version of registration in both modes. */
export function versions(
  chain: Chain,
  expected: Readonly<Record<TracepointVersion, ExpectedVerdict>>,
  more: Partial<TracepointVariant> = {},
): TracepointVariant[] {
  const modes: readonly Mode[] = ['fast', 'full'];
  return modes.flatMap((mode) =>
    (Object.keys(TITLES) as TracepointVersion[]).map(
      (version): TracepointVariant => ({
        name: mode === 'fast' ? `${version.toLowerCase()}-fast` : version.toLowerCase(),
        title: mode === 'fast' ? `${version}, a site changes by one store` : TITLES[version],
        expected: mode === 'fast' ? oneStore(expected[version]) : expected[version],
        ...(expected[version] === 'violation' ? { shows: { check: 'I3' } } : {}),
        ...(mode === 'full' ? { history: HISTORY[version] } : {}),
        version,
        mode,
        chain,
        ...more,
      }),
    ),
  );
}
