/**
 * Where each part of a core's architectural state lives inside its block of linear memory.
 *
 * Offsets are bytes from the start of the core's block. Every field is a little-endian 64-bit word, so that any engine,
 * the undo journal and the state hash can treat the block as an array of words. General registers come first, in the
 * order of their hardware encoding (SDM Vol. 2, "Instruction Format", ModR/M tables).
 */

/** Numbers of the general registers, as encoded. */
export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;
export const R8 = 8;
export const R9 = 9;

export const GPR_NAMES = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
] as const;

/** 64-bit words that follow the sixteen general registers, in order. A name's place here is its address. */
const WORDS = [
  /** Always zero: the base or index of an address that has none, and the base of a flat segment. */
  'zero',
  'rip',
  /** Lazy flags, see `flags.ts`: the sign-extended result of the last flag-setting instruction. */
  'flagResult',
  /** Lazy flags, see `flags.ts`: CF, OF, AF and two corrections. */
  'flagCarry',
  /** RFLAGS without CF PF AF ZF SF OF: TF IF DF IOPL NT RF AC VIF VIP ID. Bit 1 is not kept here. */
  'flagSystem',
  'fsBase',
  'gsBase',
  'kernelGsBase',
  'cs',
  'ss',
  'ds',
  'es',
  'fs',
  'gs',
  'cpl',
  'cr0',
  'cr2',
  'cr3',
  'cr4',
  'cr8',
  'efer',
  'star',
  'lstar',
  'cstar',
  'sfmask',
  'tscAux',
  'sysenterCs',
  'sysenterEsp',
  'sysenterEip',
  'pat',
  'xcr0',
  'gdtrBase',
  'gdtrLimit',
  'idtrBase',
  'idtrLimit',
  'ldtr',
  'ldtrBase',
  'ldtrLimit',
  'tr',
  'trBase',
  'trLimit',
  'dr0',
  'dr1',
  'dr2',
  'dr3',
  'dr6',
  'dr7',
  'apicBase',
  'apicSvr',
  'apicEsr',
  'apicIcr',
  'apicTimerLvt',
  'apicTimerInitial',
  'apicTimerDivide',
  'apicTimerDeadline',
  'apicLint0',
  'apicLint1',
  'irr0',
  'irr1',
  'irr2',
  'irr3',
  'isr0',
  'isr1',
  'isr2',
  'isr3',
  /** `Activity`: running, halted, waiting for SIPI, shut down, exited. */
  'activity',
  /** What the core ended with: the byte that it wrote to the debug-exit port. */
  'exitCode',
  'nmiPending',
  'nmiBlocked',
  /** 1 for the one instruction after STI or MOV SS that interrupts may not split. */
  'interruptShadow',
  /** 1 while a #DB single-step trap is due after the instruction that just retired. */
  'singleStepPending',
] as const;

/** 64-bit words of the x87 FPU and SSE, behind the registers of the extended state. */
const EXTENDED_WORDS = [
  'mxcsr',
  /** x87 control word, status word with TOP, tags in the form of FXSAVE (bit n: physical register n is in use), and the last opcode and pointers. */
  'fcw',
  'fsw',
  'ftw',
  'fop',
  'fip',
  'fdp',
  /** The hidden parts of the segment registers, see `segments.ts`; `fsBase` and `gsBase` are above. Kept from when a core first is outside 64-bit mode: `csRights` is zero before. */
  'esBase',
  'csBase',
  'ssBase',
  'dsBase',
  'esLow',
  'csLow',
  'ssLow',
  'dsLow',
  'fsLow',
  'gsLow',
  'esHigh',
  'csHigh',
  'ssHigh',
  'dsHigh',
  'fsHigh',
  'gsHigh',
  'esRights',
  'csRights',
  'ssRights',
  'dsRights',
  'fsRights',
  'gsRights',
  /** The four entries that MOV to CR3 loads with PAE paging (SDM Vol. 3, "PDPTE Registers"). */
  'pdpte0',
  'pdpte1',
  'pdpte2',
  'pdpte3',
] as const;

export type StateWord = (typeof WORDS)[number] | (typeof EXTENDED_WORDS)[number];

/**
 * Where the extended state (x87, MMX, SSE, AVX: what XSAVE saves) lies in the block: apart from all else, because most code that races has none of it
 * and shall not pay for it. Sixteen YMM registers of 32 bytes, lowest byte first; the eight physical x87 registers of 10 bytes, 16 apart, which are the
 * MMX registers too; the words. With them lies what only 16- and 32-bit code needs.
 */
export const EXTENDED_AT = 0x3400;
const YMM_BYTES = 32;
const X87_AT = EXTENDED_AT + 16 * YMM_BYTES;
const X87_BYTES = 16;
const EXTENDED_WORDS_AT = X87_AT + 8 * X87_BYTES;
export const EXTENDED_BYTES = EXTENDED_WORDS_AT + 8 * EXTENDED_WORDS.length - EXTENDED_AT;

/** Byte offset of YMM register `n`; its lower half is XMM register `n`. */
export const ymmOffset = (n: number): number => EXTENDED_AT + YMM_BYTES * n;
/** Byte offset of physical x87 register `n`: R0 to R7, not ST(0) to ST(7). MMX register `n` is its low quadword. */
export const x87Offset = (n: number): number => X87_AT + X87_BYTES * n;

/** Byte offset of every named word. */
export const OFFSET: Readonly<Record<StateWord, number>> = Object.freeze(
  Object.fromEntries([
    ...WORDS.map((name, i) => [name, 128 + 8 * i]),
    ...EXTENDED_WORDS.map((name, i) => [name, EXTENDED_WORDS_AT + 8 * i]),
  ]),
) as Readonly<Record<StateWord, number>>;

/** Words of the extended state that are not zero in a new core, by offset (SDM Vol. 1, "x87 State Following FNINIT", "SIMD State at Reset"). */
export const EXTENDED_START: ReadonlyMap<number, bigint> = new Map([
  [OFFSET.mxcsr, 0x1f80n],
  [OFFSET.fcw, 0x37fn],
]);

/** Byte offset of general register `n`. */
export const gprOffset = (n: number): number => 8 * n;

/** First byte after the architectural words; engines and the machine keep their own words behind it. */
export const ARCHITECTURAL_BYTES = 128 + 8 * WORDS.length;

export const Activity = { running: 0, halted: 1, waitForSipi: 2, shutdown: 3, exited: 4 } as const;

/** RFLAGS bits (SDM Vol. 1, "EFLAGS Register"). */
export const CF = 1 << 0;
export const PF = 1 << 2;
export const AF = 1 << 4;
export const ZF = 1 << 6;
export const SF = 1 << 7;
export const TF = 1 << 8;
export const IF = 1 << 9;
export const DF = 1 << 10;
export const OF = 1 << 11;
export const IOPL = 3 << 12;
export const NT = 1 << 14;
export const RF = 1 << 16;
export const VM = 1 << 17;
export const AC = 1 << 18;
export const VIF = 1 << 19;
export const VIP = 1 << 20;
export const ID = 1 << 21;
/** The six flags that arithmetic sets. */
export const ARITHMETIC_FLAGS = CF | PF | AF | ZF | SF | OF;

/** Vectors of the exceptions (SDM Vol. 3, "Interrupt and Exception Handling", exception and interrupt vectors). */
export const Vector = {
  DE: 0,
  DB: 1,
  NMI: 2,
  BP: 3,
  OF: 4,
  BR: 5,
  UD: 6,
  NM: 7,
  DF: 8,
  TS: 10,
  NP: 11,
  SS: 12,
  GP: 13,
  PF: 14,
  MF: 16,
  AC: 17,
  MC: 18,
  XM: 19,
} as const;
