import { Code } from 'iced-x86';
import { type Row, rows } from '../../src/isa/encodings.ts';
import { classOf } from './classes.ts';

/** Classes of 16- and 32-bit code, by those of 64-bit code that they take in; what is not here has a class of the same name. */
const TAKEN_IN: readonly (readonly [name: string, classes: readonly string[]])[] = [
  ['sse', ['sse', 'sse2', 'sse3', 'sse4', 'sse4a', 'aes', 'sha', 'pclmul']],
  ['avx', ['avx', 'avx2', 'fma', 'f16c']],
  ['bmi', ['bmi', 'intext']],
];

/** What 64-bit code does not have or does not record, by name of the iced Code. SS is loaded by LSS alone: behind MOV and POP of SS a single step does not end. */
const OWN: readonly (readonly [name: string, codes: RegExp])[] = [
  ['decimal', /^(Aa[adms]|Aam_imm8|Aad_imm8|Da[as]|Salc)$/],
  ['bound', /^(Bound_|Into$|Arpl_)/],
  ['far', /^(Call_ptr|Jmp_ptr|Call_m16|Jmp_m16|Retf[wd]|L[defgs]s_r|Mov_Sreg_(rm16|r32m16)$|Pop[wd]_([DEFG]S)$)/],
  ['stack', /^(Push[wd]_[CDEFGS]S|Push[wd]?_imm.*|Popa[wd]|Pusha[wd])$/],
  ['int', /^(Mov_.*moffs.*|Mov_(rm16|r32m16)_Sreg)$/],
];

/** What needs more than an operand that it names: recorded in 64-bit code alone. */
const IMPLIED = /^(pushf|popf|v?maskmov(q|dqu)$)/;

/** The class of a row; undefined where it is not recorded. */
function segmentedClassOf(row: Row): string | undefined {
  const name = Code[row.code]!;
  if (IMPLIED.test(row.mnemonic)) return undefined;
  const own = OWN.find(([, codes]) => codes.test(name));
  if (own !== undefined) return own[0];
  const long = classOf(row, name);
  return TAKEN_IN.find(([, classes]) => long !== undefined && classes.includes(long))?.[0] ?? long;
}

const NAMES = [
  'decimal',
  'bound',
  'far',
  'stack',
  'muldiv',
  'branch',
  'atomic',
  'string',
  'shift',
  'bitcond',
  'int',
  'bmi',
  'sse',
  'avx',
  'mmx',
  'x87',
  'image',
];

/** Every class of 16- and 32-bit code: its name with the size behind it. */
export const SEGMENTED_CLASSES: readonly string[] = [32, 16].flatMap((size) => NAMES.map((name) => `${name}-${size}`));

/** The rows of a class and the size of its code; undefined for a class of 64-bit code. */
export function segmentedRowsOf(name: string): readonly Row[] | undefined {
  const [own, size] = name.split('-');
  if (size !== '16' && size !== '32') return undefined;
  return rows(size === '16' ? 16 : 32).filter((row) => segmentedClassOf(row) === own);
}
