import type { FetchPolicy } from './policy.ts';

/**
 * Intel SDM Vol. 3, "Handling Self- and Cross-Modifying Code": without a serializing instruction on the executing core nothing is promised of
 * modified bytes, so each byte may come from any version since that core last serialized, and going back is allowed. Replacing the first
 * byte of an instruction by INT3 is the one exemption, as kernels rely on it.
 */
export const intelSdm: FetchPolicy = {
  name: 'intel-sdm',
  stale: true,
  atom: 'byte',
  monotone: false,
  ownStore: 'taken-branch',
  mfenceSerializes: false,
  race: 'violation',
  source: 'Intel SDM Vol. 3, "Handling Self- and Cross-Modifying Code"; the per-byte envelope is ours',
};
