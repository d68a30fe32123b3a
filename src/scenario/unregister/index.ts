import type { Scenario } from '../scenario.ts';
import { atomicContext } from './atomic-context.ts';
import { cfi } from './cfi.ts';
import { chainAfterOom } from './chain-after-oom.ts';
import { doubleFetch } from './double-fetch.ts';
import { ignoredEnomem } from './ignored-enomem.ts';
import { lostCallbacks } from './lost-callbacks.ts';
import { overwrite } from './overwrite.ts';

/** Unregistering a probe under memory failure. */
export const unregister: readonly Scenario[] = [ignoredEnomem, lostCallbacks, doubleFetch, cfi, overwrite, atomicContext, chainAfterOom];
