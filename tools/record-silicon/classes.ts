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
  ['nop', /^(endbr(32|64)|prefetch.*|clflush(opt)?|clwb|cldemote|rdssp[dq]|serialize|sfence|lfence|mfence)$/],
  ['ud', /^ud[012]$/],
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
  'CLFSH',
  'CLFLUSHOPT',
  'CLWB',
  'PREFETCHW',
  'CET_IBT',
  'CET_SS',
  'PREFETCHITI',
  'PREFETCHWT1',
  'CLDEMOTE',
];

/** Rows that are #GP(0) at CPL 3 whatever their operands are. */
const PRIVILEGED =
  /^(cli|sti|clts|hlt|in|out|(in|out)s[bwd]|invd|wbinvd|invlpg|l[gi]dt|lldt|ltr|lmsw|rdmsr|wrmsr|mov|swapgs|sysretq?|sysexitq?|xsaves(64)?|xrstors(64)?)$/;

/** What is never recorded, and why. */
const LEFT_OUT: readonly (readonly [mnemonics: RegExp, why: string])[] = [
  [/^(syscall|sysenter)$/, 'asks the kernel'],
  [/^(int|int1|int3|into|icebp)$/, 'its signal is that of the recording itself, or asks the kernel'],
  [/^(sgdt|sidt|sldt|str|smsw)$/, 'Linux emulates it at CPL 3'],
  [/^(cpuid|rdtscp?|rdpmc|rdrand|rdseed|rdpid|x(get|set)bv)$/, 'gives what is of this CPU, or something else each time'],
  [/^([rw][dr][fg]sbase)$/, 'the handlers need the bases of their thread'],
  [/^iret/, 'goes anywhere: flags.ts records it with frames of its own'],
  [/^retf$/, 'a far return, which the kernel that runs the recording has prepared for itself alone'],
  [/^(lar|lsl|verr|verw)$/, "reads the kernel's descriptors"],
  [/^(l[defgs]s|lss)$/, "loads selectors of the kernel's descriptors"],
  [/^(clac|stac)$/, 'is #UD at CPL 3'],
  [/^(monitorx?|mwaitx?|umonitor|umwait|tpause)$/, 'waits'],
  [/^(xbegin|xend|xabort|bound|arpl|umov|ud0|jmpe|loadall.*|rsm|fstdw|fstsg|frstpm)$/, 'not on every processor'],
  [/^(fn?disi|fn?eni|fn?setpm)$/, 'a NOP since the 80387'],
];

/** What saves or restores the state of the FPU, SSE and AVX. */
const IMAGE = /^(x(save|rstor)|fx(save|rstor)|fn?(save|rstor|stenv|ldenv))/;

const segment = /(^|_)(es|cs|ss|ds|fs|gs)($|_)|sreg/i;

/** Why a row that could be spelt is not recorded; undefined when it is, or when it is of no class. */
export function whyLeftOut(row: Row, codeName: string): string | undefined {
  const found = LEFT_OUT.find(([mnemonics]) => mnemonics.test(row.mnemonic));
  if (found !== undefined) return found[1];
  if (/far|_m16(16|32|64)|ptr/i.test(codeName) && !/^l[gi]dt/i.test(codeName)) return 'a far branch, or a selector';
  if (segment.test(codeName) && !row.privileged && !isSelectorRead(codeName)) return 'loads a selector, or needs the bases of this thread';
  if (row.privileged && !PRIVILEGED.test(row.mnemonic)) return 'what it does at CPL 3 depends on how the kernel has set up the processor';
  return undefined;
}

/** Selectors at CPL 3 under Linux are those of the vectors' machine. */
const isSelectorRead = (codeName: string): boolean => /^(Mov_(rm|r)\d+(m16)?_Sreg|Push[wq]_[FG]S)$/.test(codeName);

/** The class of a row; undefined where it is not recorded. */
export function classOf(row: Row, codeName: string): string | undefined {
  if (whyLeftOut(row, codeName) !== undefined) return undefined;
  if (row.privileged) return 'priv';
  if (IMAGE.test(row.mnemonic)) return 'image';
  const has = (features: readonly Feature[]): boolean => features.some((name) => row.features.includes(CpuidFeature[name]));
  const extension = EXTENSIONS.find(([, features]) => has(features));
  const general = GENERAL.find(([, mnemonics]) => mnemonics.test(row.mnemonic))?.[0];
  if (general === 'nop') return general;
  if (extension !== undefined) return extension[0];
  if (!row.features.every((feature) => GENERAL_FEATURES.some((name) => CpuidFeature[name] === feature))) return undefined;
  return general ?? 'int';
}

/** Every class, in the order of this file. */
export const CLASSES: readonly string[] = [...GENERAL.map(([name]) => name), 'int', 'priv', 'image', ...EXTENSIONS.map(([name]) => name)];

/** The rows of a class. */
export function rowsOf(name: string, nameOf: (row: Row) => string): readonly Row[] {
  return rows().filter((row) => classOf(row, nameOf(row)) === name);
}
