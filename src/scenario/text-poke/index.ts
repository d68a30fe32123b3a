import type { Scenario } from '../scenario.ts';
import { oneAddress } from './one-address.ts';
import { ownPath } from './own-path.ts';
import { staleTranslation } from './stale-translation.ts';
import { straddling } from './straddling.ts';
import { threePhase } from './three-phase.ts';
import { tornNop } from './torn-nop.ts';

/** The store path and the int3 protocol. */
export const textPoke: readonly Scenario[] = [oneAddress, threePhase, straddling, tornNop, ownPath, staleTranslation];
