import type { Scenario } from '../scenario.ts';
import { idleHandler, idleHandlerEnable } from './idle-handler.ts';

/** Functions replaced while tasks run them. */
export const livepatch: readonly Scenario[] = [idleHandler, idleHandlerEnable];
