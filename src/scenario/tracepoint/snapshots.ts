import type { SnapshotSwitches } from '../../patch/tracepoint.ts';
import { defineScenario } from '../scenario.ts';
import { type Chain, probe, type TracepointVariant, tracepointSizes, tracepointWorld } from './tracepoint-world.ts';

const [A, B, C] = [probe('a', 3), probe('b', 2), probe('c', 1)];

const THREE_TWO_ONE: Chain = { start: [A, B, C], steps: [{ remove: A }, { remove: C }] };
const ONE_TWO_ONE: Chain = { start: [B], steps: [{ add: A }, { remove: B }] };
const ONE_ZERO_ONE: Chain = { start: [A], steps: [{ remove: A }, { add: B }] };
/** The snapshot of 2->3 is followed by a grace period, so that keeping it is worth nothing at 3->2. */
const TWO_THREE_TWO_ONE: Chain = {
  start: [B, C],
  steps: [{ add: A }, 'synchronize', { remove: A }, { remove: C }],
};
/** The other tracepoint's 2->1, element 0 unchanged, comes between the two steps of this one. */
const TWO_TRACEPOINTS: Chain = {
  start: [A, B, C],
  other: [A, B],
  steps: [{ remove: A }, { remove: B, from: 'sched_waking' }, { remove: C }],
};
/** The same with element 0 changed there: a newer snapshot replaces this one's. */
const NEWER_SNAPSHOT: Chain = {
  start: [A, B, C],
  other: [A, B, C],
  steps: [{ remove: A }, { remove: A, from: 'sched_waking' }, { remove: C }],
};

const base = { version: 'T4', mode: 'full' } as const;

const right = (name: string, title: string, chain: Chain, more: Partial<TracepointVariant> = {}): TracepointVariant => ({
  ...base,
  name,
  title,
  expected: 'ok',
  chain,
  ...more,
});

function wrong(
  name: string,
  title: string,
  chain: Chain,
  switches: SnapshotSwitches,
  more: Partial<TracepointVariant> = {},
): TracepointVariant {
  const mutant = `tracepoint T4: ${title}`;
  return { ...base, name, title, expected: 'violation', shows: { check: 'I3' }, mutant, chain, switches, ...more };
}

/** The snapshots of T4: when each is taken, which one counts, where it is waited for. */
export const snapshots = defineScenario<TracepointVariant>({
  name: 'tracepoint/snapshots',
  title: 'T4 with each step of its snapshots done wrong',
  story:
    'T4 does not wait where it removes a probe, but takes a snapshot of the grace periods behind each step that changes the data of element 0, and behind 1->0; before the call site goes to ' +
    'a probe it waits unless a grace period has passed since. There is one snapshot of each kind for all tracepoints.',
  window: 'between W1 and W2, over the whole chain since the last grace period',
  image: 'tracepoint',
  scope: 'one-victim',
  sizes: tracepointSizes,
  variants: [
    right('three-two-one', '3->2->1, while another core waits for a grace period', THREE_TWO_ONE, { gracePeriodFirst: true, calls: 1 }),
    wrong(
      'before-publishing',
      'the snapshot is taken before publishing, and a grace period of another core passes in between',
      THREE_TWO_ONE,
      { beforePublishing: true },
      { gracePeriodFirst: true, calls: 1 },
    ),
    right('two-three-two-one', '2->3, a grace period, 3->2->1', TWO_THREE_TWO_ONE, { calls: 3 }),
    wrong('keep-oldest', 'the oldest snapshot is kept instead of the latest', TWO_THREE_TWO_ONE, { keepOldest: true }),
    wrong('cond-sync-late-2-1', 'cond_sync after the site update, 2->1', THREE_TWO_ONE, { condSyncLate: true }),
    wrong('cond-sync-late-0-1', 'cond_sync after the site update, 0->1', ONE_ZERO_ONE, { condSyncLate: true }),
    wrong('skip-1-2', 'no snapshot on 1->2', ONE_TWO_ONE, { skip: '1->2' }),
    wrong('skip-3-2', 'no snapshot on 3->2', THREE_TWO_ONE, { skip: 'N->N-1' }),
    wrong('skip-1-0', 'no snapshot on 1->0', ONE_ZERO_ONE, { skip: '1->0' }),
    right('two-tracepoints', "another tracepoint's 2->1 waits for the snapshot and resets it", TWO_TRACEPOINTS),
    wrong(
      'two-tracepoints-forget',
      "another tracepoint's 2->1 resets the snapshot without waiting",
      TWO_TRACEPOINTS,
      {},
      {
        otherSwitches: { forget: true },
      },
    ),
    right('newer-snapshot', "another tracepoint's removal replaces the snapshot by a newer one", NEWER_SNAPSHOT),
  ],
  build: tracepointWorld,
});
