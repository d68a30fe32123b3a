import type { FetchPolicy } from './policy.ts';

/** As one AMD Zen 3 behaved: coherent for each 64-byte line; an instruction over two lines is fetched at two moments, in order. */
export const zen3: FetchPolicy = {
  name: 'zen3',
  stale: false,
  atom: 'line',
  monotone: true,
  ownStore: 'now',
  mfenceSerializes: false,
  race: 'note',
  source: 'measured on silicon; an absence there is not a promise',
};
