import { AES } from './aes.ts';
import { COMPARE_STRINGS } from './compare-strings.ts';
import { FLOAT_HELPERS } from './float.ts';
import type { Helper } from './helper.ts';
import { X87_HELPERS } from './x87.ts';

export type { Helper } from './helper.ts';

/** Every helper; generated code knows it by its place here. */
export const HELPERS: readonly Helper[] = [...AES, ...COMPARE_STRINGS, ...FLOAT_HELPERS, ...X87_HELPERS];

const NUMBERS: ReadonlyMap<string, number> = new Map(HELPERS.map((helper, n) => [helper.name, n]));

/** Place of a helper in `HELPERS`. */
export function helperNumber(name: string): number {
  const number = NUMBERS.get(name);
  if (number === undefined) throw new Error(`no helper ${name}`);
  return number;
}
