import type { SystemHelper } from '../parts.ts';
import { CR4, hasCr4 } from './checks.ts';
import { type AddressBytes, loadHalves, loadMxcsr, loadX87, storeHalves, storeMxcsr, storeX87 } from './legacy-area.ts';
import { StateArea } from './state-area.ts';

/** FXSAVE and FXRSTOR (SDM Vol. 2). SSE's state is left out while CR4.OSFXSR is clear. */

const AREA_BYTES = 512;
const ALIGNMENT = 16;

export const fxsave =
  (bytes: AddressBytes): SystemHelper =>
  (_machine, core, instruction, fields) => {
    const area = new StateArea(core, instruction, fields, ALIGNMENT);
    area.probe(AREA_BYTES - 1, 0);
    storeX87(core, area, bytes);
    if (hasCr4(core, CR4.osfxsr)) {
      storeMxcsr(core, area);
      storeHalves(core, area, 0);
    }
    return 'next';
  };

export const fxrstor =
  (bytes: AddressBytes): SystemHelper =>
  (_machine, core, instruction, fields) => {
    const area = new StateArea(core, instruction, fields, ALIGNMENT);
    // Before anything else the last byte: as recorded.
    area.load(AREA_BYTES - 1, 1);
    const puts = [loadX87(core, area, bytes)];
    if (hasCr4(core, CR4.osfxsr)) puts.push(loadMxcsr(core, area), loadHalves(core, area, 0));
    for (const put of puts) put();
    return 'next';
  };
