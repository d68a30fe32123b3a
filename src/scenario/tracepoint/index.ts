import type { Scenario } from '../scenario.ts';
import { afterUnregister } from './after-unregister.ts';
import { higherPriority } from './higher-priority.ts';
import { oldFunction } from './old-function.ts';
import { oneTwoOne } from './one-two-one.ts';
import { sameCallbackTwice } from './same-callback-twice.ts';
import { sharedData } from './shared-data.ts';
import { snapshots } from './snapshots.ts';
import { staleData } from './stale-data.ts';
import { staticBranch } from './static-branch.ts';
import { textPokeSyncs } from './text-poke-syncs.ts';
import { threeTwoOne } from './three-two-one.ts';

/** Tracepoints over static_call. */
export const tracepoint: readonly Scenario[] = [
  higherPriority,
  staleData,
  oldFunction,
  threeTwoOne,
  oneTwoOne,
  sameCallbackTwice,
  textPokeSyncs,
  staticBranch,
  sharedData,
  afterUnregister,
  snapshots,
];
