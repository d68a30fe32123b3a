/** A general register by any of its names. */
export interface RegisterName {
  /** Its 64-bit name. */
  readonly name: string;
  readonly number: number;
  /** What the name means: 64, 32, 16 or 8 bits of it. */
  readonly bits: number;
}

const LETTERS = ['a', 'c', 'd', 'b'] as const;
const POINTERS = ['bp', 'si', 'di'] as const;

const known = new Map<string, RegisterName>();
LETTERS.forEach((l, number) => {
  for (const [name, bits] of [
    [`r${l}x`, 64],
    [`e${l}x`, 32],
    [`${l}x`, 16],
    [`${l}l`, 8],
  ] as const)
    known.set(name, { name: `r${l}x`, number, bits });
});
POINTERS.forEach((p, n) => {
  for (const [name, bits] of [
    [`r${p}`, 64],
    [`e${p}`, 32],
    [p, 16],
    [`${p}l`, 8],
  ] as const)
    known.set(name, { name: `r${p}`, number: 5 + n, bits });
});
for (let number = 8; number < 16; number++)
  for (const [suffix, bits] of [
    ['', 64],
    ['d', 32],
    ['w', 16],
    ['b', 8],
  ] as const)
    known.set(`r${number}${suffix}`, { name: `r${number}`, number, bits });

/** The register called `name`, in either case; RSP and what is no general register are not. */
export function registerOf(name: string): RegisterName | undefined {
  return known.get(name.toLowerCase());
}
