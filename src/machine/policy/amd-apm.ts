import type { FetchPolicy } from './policy.ts';

/**
 * AMD APM Vol. 2, "Cross-Modifying Code": asynchronous modification is defined for one store inside one naturally aligned quadword;
 * everything else needs a serializing event on the executing core. That fetched versions never go back is our reading.
 */
export const amdApm: FetchPolicy = {
  name: 'amd-apm',
  stale: true,
  atom: 'quadword',
  monotone: true,
  ownStore: 'now',
  mfenceSerializes: true,
  race: 'violation-unless-one-quadword-store',
  source: 'AMD APM Vol. 2, "Cross-Modifying Code"; monotone fetch is ours',
};
