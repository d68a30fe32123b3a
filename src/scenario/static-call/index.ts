import type { Scenario } from '../scenario.ts';
import { fixup } from './fixup.ts';
import { forms } from './forms.ts';
import { update } from './update.ts';

/** static_call: direct calls whose target is patched. */
export const staticCall: readonly Scenario[] = [forms, update, fixup];
