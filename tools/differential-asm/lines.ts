import { EXTENSIONS, STRINGS } from './att-extensions.ts';
import { FLOW, SOURCE } from './att-flow.ts';
import { ARITHMETIC, ATOMIC } from './att-integer.ts';
import { MOVES } from './att-moves.ts';
import { PER_CPU, SYSTEM } from './att-system.ts';
import { X87 } from './att-x87.ts';

export { INTEL_LINES } from './intel.ts';

/**
 * Lines of kernel flavour for the comparison with GNU as, in AT&T syntax; `INTEL_LINES` are in the other one. Each stands alone: `far_away` is an address
 * outside of the source, local labels are defined in the line.
 */
export const ATT_LINES: readonly string[] = [
  ...SYSTEM,
  ...PER_CPU,
  ...ATOMIC,
  ...ARITHMETIC,
  ...MOVES,
  ...FLOW,
  ...SOURCE,
  ...STRINGS,
  ...EXTENSIONS,
  ...X87,
];
