import { Register } from 'iced-x86';
import type { Syntax } from './assembler.ts';
import type { TokenReader } from './lexer.ts';
import type { Meaning } from './mnemonics.ts';
import type { TemplateOperand } from './template.ts';

/** How the x87 FPU's instructions are written: suffixes of their own, and operands that are left out. */

/** Suffixes of a number in memory (GNU as, "i386-Mnemonics"): `fldl` is a double, `fildl` an integer of 32 bits. */
const FLOATS: Readonly<Record<string, number>> = { s: 32, l: 64, t: 80 };
const INTEGERS: Readonly<Record<string, number>> = { s: 16, l: 32, q: 64, ll: 64 };
const FLOAT = /^(f(?:ld|stp?|add|subr?|mul|divr?|comp?))([slt])$/;
const INTEGER = /^(fi(?:ld|stp?|sttp|add|subr?|mul|divr?|comp?))(s|ll?|q)$/;

/** What `name` means where its suffix is one of the x87's own. */
export function x87Meaning(name: string): Meaning | undefined {
  for (const [form, sizes] of [
    [FLOAT, FLOATS],
    [INTEGER, INTEGERS],
  ] as const) {
    const found = form.exec(name);
    const size = sizes[found?.[2] ?? ''];
    if (found?.[1] !== undefined && size !== undefined) return { mnemonic: found[1], size };
  }
  return undefined;
}

export const isStack = (register: Register): boolean => register >= Register.ST0 && register <= Register.ST7;

/** What GNU as calls otherwise. */
export const X87_ALIASES: readonly (readonly [string, string])[] = [
  ['fcompi', 'fcomip'],
  ['fucompi', 'fucomip'],
];

const st = (n: number): TemplateOperand => ({ kind: 'register', register: Register.ST0 + n });
const ARITHMETIC = /^f(?:add|mul|subr?|divr?)$/;
const POPPING = /^f(?:add|mul|subr?|divr?)p$/;
const WITH_TOP = /^f(?:xch|u?com(?:p|i|ip)?)$/;
/** Bytes of what has one size in 64-bit code. */
const STATES: Readonly<Record<string, number>> = { fldenv: 28, fnstenv: 28, frstor: 108, fnsave: 108 };

/**
 * Mnemonic and operands as the decoder has them, for an instruction of the x87: ST(0) and ST(1) may be left out. In AT&T syntax the two directions of a subtraction
 * or division are exchanged where the destination is not ST(0), as in the assembler of System V.
 */
export function canonicalX87(
  mnemonic: string,
  syntax: Syntax,
  given: readonly TemplateOperand[],
): { readonly mnemonic: string; readonly operands: readonly TemplateOperand[] } {
  const state = STATES[mnemonic];
  if (state !== undefined) return { mnemonic, operands: given.map((o) => (o.kind === 'memory' ? { ...o, size: o.size ?? 8 * state } : o)) };
  if (given.some((o) => o.kind !== 'register' || !isStack(o.register))) return { mnemonic, operands: given };
  const operands = completed(mnemonic, given);
  const [to] = operands;
  const exchanged =
    syntax === 'att' &&
    /^f(?:sub|div)/.test(mnemonic) &&
    to?.kind === 'register' &&
    (to.register !== Register.ST0 || POPPING.test(mnemonic));
  return { mnemonic: exchanged ? reversed(mnemonic) : mnemonic, operands };
}

function completed(mnemonic: string, given: readonly TemplateOperand[]): readonly TemplateOperand[] {
  const [first] = given;
  if (given.length > 1) return given;
  if (POPPING.test(mnemonic)) return [first ?? st(1), st(0)];
  if (WITH_TOP.test(mnemonic)) return [st(0), first ?? st(1)];
  return ARITHMETIC.test(mnemonic) && first !== undefined ? [st(0), first] : given;
}

const reversed = (mnemonic: string): string =>
  mnemonic.replace(/^(f(?:sub|div))(r?)/, (_, stem: string, r: string) => stem + (r === '' ? 'r' : ''));

/** A register of the x87 stack is three tokens more behind its name: `st(1)`. */
export function stackName(reader: TokenReader, name: string): string {
  if (name.toLowerCase() !== 'st' || reader.peek().text !== '(' || reader.peek(1).kind !== 'number') return name;
  const [, number] = [reader.next(), reader.next()];
  reader.expect(')');
  return `st(${number.text})`;
}
