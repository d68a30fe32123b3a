import type { FetchPolicy } from './policy.ts';

/** As `intel-sdm`, and even a core's own stores are certain to be fetched only after it serialized. */
export const strict: FetchPolicy = {
  name: 'strict',
  stale: true,
  atom: 'byte',
  monotone: false,
  ownStore: 'serialize',
  mfenceSerializes: false,
  race: 'violation',
  source: 'ours: the widest envelope, for code that must not lean on anything',
};
