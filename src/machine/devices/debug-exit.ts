import { Activity } from '../../isa/core-state.ts';
import type { Core } from '../core.ts';
import type { MachineParts } from '../parts.ts';

/** Port of the debug exit, as QEMU's isa-debug-exit device has it by default in kernel test programs. */
export const DEBUG_EXIT_PORT = 0xf4;

/** The core is done; `code` is the byte that it wrote. */
export function debugExit(machine: MachineParts, core: Core, code: number): void {
  core.setSmall('activity', Activity.exited);
  core.setSmall('exitCode', code);
  machine.emit({ kind: 'exit', core: core.index, code });
}
