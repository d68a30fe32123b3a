import { bySystem, type Category, type Semantics } from '../semantics.ts';
import { notWaiting, waiting } from './available.ts';

/** Saving and restoring state: the machine's system helper does it (`src/machine/system`). */

/** The XSAVE set has its own checks, and no interest in earlier exceptions. */
const extended: Semantics = (p) => {
  p.useExtended();
  p.system();
};

const EXTENDED = ['xsave', 'xsaveopt', 'xsavec', 'xsaves', 'xrstor', 'xrstors'];

export const states: Category = {
  fnstenv: notWaiting(bySystem),
  fnsave: notWaiting(bySystem),
  fldenv: waiting(bySystem),
  frstor: waiting(bySystem),
  fxsave: notWaiting(bySystem),
  fxsave64: notWaiting(bySystem),
  fxrstor: notWaiting(bySystem),
  fxrstor64: notWaiting(bySystem),
  ...Object.fromEntries(EXTENDED.flatMap((name) => [name, `${name}64`]).map((name) => [name, extended])),
};
