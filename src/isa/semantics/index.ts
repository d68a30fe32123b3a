import { adx } from './adx.ts';
import { binary } from './binary.ts';
import { bitbyte } from './bitbyte.ts';
import { bmi } from './bmi.ts';
import { conditional } from './conditional.ts';
import { control } from './control.ts';
import { crc } from './crc32.ts';
import { datamove } from './datamove.ts';
import { decimal } from './decimal.ts';
import { flagop } from './flagop.ts';
import { hints } from './hint.ts';
import { logical } from './logical.ts';
import { muldiv } from './muldiv.ts';
import { protectedMode } from './protected.ts';
import { rotates } from './rotate.ts';
import { segmentBase } from './segment-base.ts';
import type { Semantics } from './semantics.ts';
import { semaphore } from './semaphore.ts';
import { shifts } from './shift.ts';
import { SIMD } from './simd/index.ts';
import { stack } from './stack.ts';
import { string } from './string.ts';
import { system } from './system.ts';
import { X87 } from './x87/index.ts';

/** Every category, by the names that XED gives them. */
const CATEGORIES = [
  adx,
  binary,
  bitbyte,
  bmi,
  conditional,
  control,
  crc,
  datamove,
  decimal,
  flagop,
  hints,
  logical,
  muldiv,
  protectedMode,
  rotates,
  segmentBase,
  semaphore,
  shifts,
  stack,
  string,
  system,
  ...SIMD,
  ...X87,
];

const SEMANTICS: ReadonlyMap<string, Semantics> = new Map(CATEGORIES.flatMap((category) => Object.entries(category)));

/** What the instructions of a mnemonic do; undefined for one that we do not have. */
export const semanticsOf = (mnemonic: string): Semantics | undefined => SEMANTICS.get(mnemonic);

/** Every mnemonic that can run, in no particular order. */
export const MNEMONICS: readonly string[] = [...SEMANTICS.keys()];
