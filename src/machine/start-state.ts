import { CS, SEGMENTS } from '../isa/segments.ts';
import type { Core } from './core.ts';
import type { MachineParts } from './parts.ts';
import { type HiddenSegment, setHidden, updateMode } from './segmentation.ts';

/** Where cores start that do not start in 64-bit mode. Caches are on, as firmware leaves them. */

const CR0_ET = 0x10n;
const CR0_PE = 1n;
/** A present data segment that may be written: in real mode CS is one, too. */
const REAL_RIGHTS = 0x93;
const FLAT_CODE_RIGHTS = 0xc09b;
const FLAT_DATA_RIGHTS = 0xc093;

/**
 * Makes a core start in real mode at `selector:offset`, its other segments at 0 and its interrupt vectors at address 0 (SDM Vol. 3, "Processor State After Reset", "Switching Back to
 * Real-Address Mode" for the limits).
 */
export function startInRealMode(machine: MachineParts, core: Core, selector: number, offset: number): void {
  start(machine, core, CR0_ET, offset);
  for (const [number, words] of SEGMENTS.entries()) {
    const value = number === CS ? selector : 0;
    core.setSmall(words.selector, value);
    setHidden(core, number, { base: BigInt(value) << 4n, limit: 0xffffn, rights: REAL_RIGHTS });
  }
  core.set('idtrBase', 0n);
  core.set('idtrLimit', 0x3ffn);
  core.set('gdtrBase', 0n);
  core.set('gdtrLimit', 0xffffn);
  updateMode(machine, core);
}

/** Makes a core start in 32-bit protected mode without paging, with flat segments that no descriptor table need hold, as boot protocols want it. */
export function startInProtectedMode(machine: MachineParts, core: Core, eip: number): void {
  start(machine, core, CR0_ET | CR0_PE, eip);
  for (const [number, words] of SEGMENTS.entries()) {
    core.setSmall(words.selector, number === CS ? 8 : 0x10);
    setHidden(core, number, flat(number === CS ? FLAT_CODE_RIGHTS : FLAT_DATA_RIGHTS));
  }
  core.set('gdtrLimit', 0n);
  core.set('idtrLimit', 0n);
  updateMode(machine, core);
}

const flat = (rights: number): HiddenSegment => ({ base: 0n, limit: 0xffffffffn, rights });

function start(machine: MachineParts, core: Core, cr0: bigint, rip: number): void {
  core.set('cr0', cr0);
  core.set('cr4', 0n);
  core.set('efer', 0n);
  core.setSmall('cpl', 0);
  core.rflags = 2;
  core.rip = BigInt(rip);
  machine.flushTlb(core);
}
