import { CpuidFeature } from 'iced-x86';
import { type Row, rows } from '../../src/isa/encodings.ts';

type Feature = keyof typeof CpuidFeature;

/** Classes by the extension that brought an instruction, newest first: the names of fixtures/silicon. */
const EXTENSIONS: readonly (readonly [name: string, features: readonly Feature[]])[] = [
  ['sse4a', ['SSE4A']],
  ['aes', ['AES', 'VAES']],
  ['sha', ['SHA']],
  ['pclmul', ['PCLMULQDQ', 'VPCLMULQDQ']],
  ['f16c', ['F16C']],
  ['fma', ['FMA']],
  ['avx2', ['AVX2']],
  ['avx', ['AVX']],
  ['bmi', ['BMI1', 'BMI2']],
  ['intext', ['ADX', 'POPCNT', 'LZCNT', 'MOVBE']],
  ['sse4', ['SSE4_1', 'SSE4_2']],
  ['sse3', ['SSE3', 'SSSE3']],
  ['sse2', ['SSE2']],
  ['sse', ['SSE']],
  ['mmx', ['MMX']],
  ['x87', ['FPU', 'FPU287', 'FPU387']],
];

/** General-purpose classes by mnemonic; what is in none of them is `int`. */
const GENERAL: readonly (readonly [name: string, mnemonics: RegExp])[] = [
  ['stack', /^(push|pop|enter|leave)/],
  ['muldiv', /^(i?mul|i?div)$/],
  ['branch', /^(jmp|j.{1,3}|jr?cxz|jecxz|call|ret|loop.{0,2})$/],
  ['atomic', /^(xadd|cmpxchg.*|xchg)$/],
  ['string', /^(movs|cmps|stos|lods|scas)[bwdq]$/],
  ['shift', /^(sh[lr]d?|sa[lr]|ro[lr]|rc[lr])$/],
  ['bitcond', /^(bt[src]?|bs[fr]|set.*|cmov.*)$/],
];

const GENERAL_FEATURES: readonly Feature[] = [
  'INTEL8086',
  'INTEL186',
  'INTEL286',
  'INTEL386',
  'INTEL486',
  'X64',
  'CMOV',
  'CX8',
  'CMPXCHG16B',
  'MULTIBYTENOP',
  'PAUSE',
];

/**
 * Never recorded: they ask the kernel, leave this thread's memory or flags in a state that a handler cannot live with, give something else each time, or store a state of which
 * vectors have only a part.
 */
const LEFT_OUT =
  /^(syscall|sysenter|sysret.*|sysexit.*|int.*|into|iret.*|pushf.*|popf.*|rsm|jmpe|loadall.*|wr[fg]sbase|rd[fg]sbase|swapgs|rdtscp?|rdpmc|rdrand|rdseed|rdpid|cpuid|x(get|set)bv|xsave.*|xrstor.*|fx(save|rstor).*|f(n?)(save|rstor|stenv|ldenv)|fldenv|frstor|monitorx?|mwaitx?|umonitor|umwait|tpause|xbegin|xend|xabort|clflush.*|clwb|verr|verw|lar|lsl|l[defgs]s|lss|smsw|sldt|str|sgdt|sidt|ud.*|retf.*|bound|arpl|umov|icebp|fn?disi|fn?eni|fn?setpm|frstpm|fstdw|fstsg|vmaskmovdqu_)$/;

const segment = /(^|_)(es|cs|ss|ds|fs|gs)($|_)|sreg/i;

/** The class of a row; undefined where it is not recorded. */
export function classOf(row: Row, codeName: string): string | undefined {
  if (row.privileged || LEFT_OUT.test(row.mnemonic) || segment.test(codeName) || /far|moffs|_m16(16|32|64)|ptr/i.test(codeName))
    return undefined;
  const has = (features: readonly Feature[]): boolean => features.some((name) => row.features.includes(CpuidFeature[name]));
  const extension = EXTENSIONS.find(([, features]) => has(features));
  if (extension !== undefined) return extension[0];
  if (!row.features.every((feature) => GENERAL_FEATURES.some((name) => CpuidFeature[name] === feature))) return undefined;
  return GENERAL.find(([, mnemonics]) => mnemonics.test(row.mnemonic))?.[0] ?? 'int';
}

/** Every class, in the order of this file. */
export const CLASSES: readonly string[] = [...GENERAL.map(([name]) => name), 'int', ...EXTENSIONS.map(([name]) => name)];

/** The rows of a class. */
export function rowsOf(name: string, nameOf: (row: Row) => string): readonly Row[] {
  return rows().filter((row) => classOf(row, nameOf(row)) === name);
}
