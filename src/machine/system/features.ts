/**
 * The features that CPUID reports: what they are called (as the decoder calls them, where instructions belong to one) and their bits (SDM Vol. 2, "CPUID").
 * Everything here works; an instruction of any other feature is #UD.
 */
const FEATURES = {
  leaf1Ecx: {
    SSE3: 0,
    PCLMULQDQ: 1,
    SSSE3: 9,
    FMA: 12,
    CMPXCHG16B: 13,
    SSE4_1: 19,
    SSE4_2: 20,
    X2APIC: 21,
    MOVBE: 22,
    POPCNT: 23,
    TSC_DEADLINE: 24,
    AES: 25,
    XSAVE: 26,
    AVX: 28,
    F16C: 29,
  },
  leaf1Edx: {
    FPU: 0,
    DE: 2,
    PSE: 3,
    TSC: 4,
    MSR: 5,
    PAE: 6,
    CX8: 8,
    APIC: 9,
    SEP: 11,
    PGE: 13,
    CMOV: 15,
    PAT: 16,
    PSE36: 17,
    CLFSH: 19,
    MMX: 23,
    FXSR: 24,
    SSE: 25,
    SSE2: 26,
  },
  leaf7Ebx: {
    FSGSBASE: 0,
    BMI1: 3,
    AVX2: 5,
    SMEP: 7,
    BMI2: 8,
    ERMS: 9,
    /** FCS and FDS are stored as zero. */
    NO_FPU_SELECTORS: 13,
    ADX: 19,
    SMAP: 20,
    CLFLUSHOPT: 23,
    CLWB: 24,
    SHA: 29,
  },
  leaf7Ecx: { UMIP: 2, VAES: 9, VPCLMULQDQ: 10, RDPID: 22 },
  leaf7Edx: { SERIALIZE: 14 },
  /** Leaf 0xD, subleaf 1. */
  xsaveEax: { XSAVEOPT: 0, XSAVEC: 1, XGETBV_IN_USE: 2, XSAVES: 3 },
  extendedEcx: { LAHF: 0, LZCNT: 5, SSE4A: 6, PREFETCHW: 8 },
  extendedEdx: { SYSCALL: 11, NX: 20, GIB_PAGES: 26, RDTSCP: 27, X64: 29 },
  /** Leaf 0x80000007. */
  power: { INVARIANT_TSC: 8 },
} as const;

/** A word of CPUID's answers that holds feature bits. */
export type FeatureWord = keyof typeof FEATURES;

export const featureWord = (word: FeatureWord): number =>
  Object.values(FEATURES[word]).reduce((all: number, bit: number) => (all | (1 << bit)) >>> 0, 0);

/** What instructions of every 64-bit processor belong to, in the decoder's words. */
const BASE = ['INTEL8086', 'INTEL186', 'INTEL286', 'INTEL386', 'INTEL486', 'CPUID', 'PAUSE', 'MULTIBYTENOP', 'RDPMC', 'FPU287', 'FPU387'];

const NAMES: ReadonlySet<string> = new Set([...BASE, ...Object.values(FEATURES).flatMap((word) => Object.keys(word))]);

/** Whether the machine has a feature, by the decoder's name. */
export const hasFeature = (name: string): boolean => NAMES.has(name);
