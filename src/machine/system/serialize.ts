import type { SystemHelper } from '../parts.ts';
import { requireCpl0, serializing } from './checks.ts';

/** Instructions that are there to serialize or to forget translations and caches (SDM Vol. 2: SERIALIZE, INVLPG, INVD, WBINVD). */

export const serialize: SystemHelper = (machine, core) => serializing(machine, core, 'serialize', () => {});

/** Forgets more than the one page, which is always allowed (SDM Vol. 3, "Operations that Invalidate TLBs"). */
export const invlpg: SystemHelper = (machine, core) => {
  requireCpl0(core);
  return serializing(machine, core, 'invlpg', () => machine.flushTlb(core));
};

/** Caches of data are coherent and hold nothing of their own. */
const flushCaches =
  (name: string): SystemHelper =>
  (machine, core) => {
    requireCpl0(core);
    return serializing(machine, core, name, () => {});
  };

export const invd = flushCaches('invd');
export const wbinvd = flushCaches('wbinvd');
