import type { Scenario } from '../scenario.ts';
import { ignoredEnomem } from './ignored-enomem.ts';

/** Unregistering a probe under memory failure. */
export const unregister: readonly Scenario[] = [ignoredEnomem];
