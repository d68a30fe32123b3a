import { Register } from 'iced-x86';

const BY_NAME = new Map<string, Register>();
const NAMES = new Map<Register, string>();
for (const [key, value] of Object.entries(Register)) {
  if (typeof value !== 'number' || value === Register.None || /^DontUse/.test(key)) continue;
  // The decoder says r8l where assemblers say r8b.
  const name = key
    .toLowerCase()
    .replace(/^(r\d+)l$/, '$1b')
    .replace(/^st(\d)$/, 'st($1)');
  BY_NAME.set(name, value);
  NAMES.set(value, name);
}
BY_NAME.set('st', Register.ST0);

/** The register called `name` in any case, without `%`; undefined when there is none. */
export const registerByName = (name: string): Register | undefined => BY_NAME.get(name.toLowerCase());

/** Lower-case name without `%`. */
export const registerName = (register: Register): string => NAMES.get(register) ?? `register ${register}`;

/** Width in bits of a general register, else undefined. */
export function generalSize(register: Register): 8 | 16 | 32 | 64 | undefined {
  if (register >= Register.AL && register <= Register.R15L) return 8;
  if (register >= Register.AX && register <= Register.R15W) return 16;
  if (register >= Register.EAX && register <= Register.R15D) return 32;
  if (register >= Register.RAX && register <= Register.R15) return 64;
  return undefined;
}

export const isSegment = (register: Register): boolean => register >= Register.ES && register <= Register.GS;

/** Vector, mask and MMX registers: where `movq` is an instruction of its own. */
export const isVector = (register: Register): boolean =>
  (register >= Register.XMM0 && register <= Register.ZMM31) || (register >= Register.MM0 && register <= Register.MM7);
