import type { FetchPolicy } from './policy.ts';

/** Fetch always returns what memory holds now, the whole instruction at one moment. Finds the races of the algorithm itself. */
export const coherent: FetchPolicy = {
  name: 'coherent',
  stale: false,
  atom: 'instruction',
  monotone: true,
  ownStore: 'now',
  mfenceSerializes: false,
  race: 'note',
  source: 'ours: sequential consistency extended to fetch',
};
