import { Code, RflagsBits } from 'iced-x86';
import { decode } from '../../src/isa/decode.ts';
import type { Row } from '../../src/isa/encodings.ts';
import { LONG_MODE, type Mode } from '../../src/isa/mode.ts';

/** What the manual leaves open of an instruction's result: it is not compared. */

/** Which condition bits of the status word an x87 instruction leaves undefined (Vol. 2). None where they are compared, or unchanged. */
export function statusMaskOf(mnemonic: string): string | undefined {
  if (!mnemonic.startsWith('f')) return undefined;
  if (/^f(u?comi?p?p?|icomp?|tst|xam|prem1?|ninit|nop)$/.test(mnemonic)) return undefined;
  if (/^f(sin|cos|sincos|ptan)$/.test(mnemonic)) return 'beff';
  if (/^f(ldcw|n?stcw|n?stsw|n?clex|ffree.?|ree.?)$/.test(mnemonic)) return 'b8ff';
  return 'baff';
}

const APPROXIMATE = /^(v?rsqrt[ps]s|v?rcp[ps]s|f2xm1|fyl2x|fyl2xp1|fpatan|fptan|fsin|fcos|fsincos)$/;

/** Notes of the format. */
export const notesOf = (mnemonic: string): readonly string[] => [
  ...(APPROXIMATE.test(mnemonic) ? ['approx'] : []),
  ...(/^bs[fr]$/.test(mnemonic) ? ['udest'] : []),
];

const OF = 0x800n;
const ICED_FLAGS: readonly (readonly [iced: number, bit: bigint])[] = [
  [RflagsBits.OF, OF],
  [RflagsBits.SF, 0x80n],
  [RflagsBits.ZF, 0x40n],
  [RflagsBits.AF, 0x10n],
  [RflagsBits.CF, 1n],
  [RflagsBits.PF, 4n],
];

/** Flags that the manual leaves undefined; those of shifts and rotates depend on the count, undefined where it cannot be compared at all. */
export function undefinedFlagsOf(row: Row, code: Uint8Array, cl: bigint, mode: Mode = LONG_MODE): bigint | undefined {
  const all = ICED_FLAGS.reduce((sum, [iced, bit]) => ((row.undefinedFlags & iced) === 0 ? sum : sum | bit), 0n);
  if (!/^(sh[lr]d?|sa[lr]|ro[lr]|rc[lr])$/.test(row.mnemonic)) return all;
  const decoded = decode(code, mode);
  if (decoded.kind !== 'instruction') return decoded.kind === 'invalid' ? 0n : undefined;
  const { size } = decoded.instruction;
  const name = Code[row.code]!;
  const given = name.endsWith('_1') ? 1n : name.endsWith('_CL') ? cl & 0xffn : BigInt(code.at(-1)!);
  const count = Number(given & (size === 64 ? 63n : 31n));
  if (count === 0) return 0n;
  const shift = /^s/.test(row.mnemonic);
  if (/^sh[lr]d$/.test(row.mnemonic) && count > size) return undefined;
  return (shift ? 0x10n : 0n) | (count === 1 ? 0n : OF) | (shift && count >= size ? 1n : 0n);
}
