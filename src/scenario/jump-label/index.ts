import type { Scenario } from '../scenario.ts';
import { concurrentInc } from './concurrent-inc.ts';
import { forms } from './forms.ts';

/** Static keys: branches that are patched. */
export const jumpLabel: readonly Scenario[] = [concurrentInc, forms];
